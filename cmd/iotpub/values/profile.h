/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_VALUES_PROFILE_H
#define IOTPUB_VALUES_PROFILE_H

#include "model/topic.h"
#include "iotpub/values/sensor.h"

struct inventory_broker;

/* What a device does. All share one, unless the platform says what each does. Nothing here is its own:
 * the command line or the inventory keeps what it points to. */
struct profile {
	const struct topic *data; /* its readings are published there */
	const struct sensors *sensors;
	int64_t interval; /* ms from one reading to the next */
	int qos;
	bool retain;
	const struct inventory_broker *broker; /* NULL: that of the command line */
};

/* The topic that a template gives for a device at this Unix time, in seconds (free). */
int profile_topic(const struct topic *t, const char *id, int64_t now, char **out, struct err *err);

#endif
