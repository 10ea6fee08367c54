/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_THRESHOLD_H
#define IOTSTATUS_THRESHOLD_H

#include "base/buf.h"
#include "base/strv.h"
#include "iotstatus/range.h"

/* The thresholds of one fleet or group. */
struct threshold {
	const char *group; /* NULL: of all that have none of their own; of thresholds.names */
	struct range warning, critical;
};

/* All of -w and -c: "90:" for everyone, "esp32=80:" for one group of --by. */
struct thresholds {
	struct threshold all;
	struct threshold *v; /* of groups */
	size_t n;
	struct strv names; /* of the groups */
};

/* Errors (ERR_USAGE) name the option; one is a critical range looser than the warning's, one a number without
 * a colon. The texts stay borrowed. */
int threshold_read(struct thresholds *l, const struct strv *warning, const struct strv *critical,
    struct err *err);
/* Of this group; where only one of the two ranges is its own, the other is everyone's. */
struct threshold threshold_of(const struct thresholds *l, const char *group);
/* Also the group names that threshold_of gave. */
void threshold_release(struct thresholds *l);

#endif
