/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_FRESHNESS_H
#define IOTCTL_DOCTOR_FRESHNESS_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* How old what the platform has is, in seconds, and how old it may be. */

enum { FRESHNESS_NO_READING = -1, FRESHNESS_NO_ZONE = -2 };

/* The age of the newest reading, of this device unless it is 0. FRESHNESS_NO_READING: there is none,
 * FRESHNESS_NO_ZONE: nobody knows the zone of its time. Blocks. */
int freshness_of_readings(struct ctl *c, json_int_t device, int64_t *age, struct err *err);
/* How long a device may be silent before that is a finding: some of the intervals of its device-config, or
 * the shortest time that is one at all. */
int64_t freshness_silence(struct span config);
/* How many of its intervals an age is; 0: less than one, or it has none. */
int64_t freshness_intervals(struct span config, int64_t age);
/* How long the whole platform may be silent: by its shortest interval. Blocks. */
int freshness_platform_silence(struct ctl *c, int64_t *seconds, struct err *err);
/* "3 min", "2 h" (free). */
char *freshness_words(int64_t seconds);

#endif
