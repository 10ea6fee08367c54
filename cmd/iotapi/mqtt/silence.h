/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_SILENCE_H
#define IOTAPI_MQTT_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iotapi/db/db.h"

/*
 * Devices that are said to be connected and say nothing: after three times the publish_interval of their configuration
 * (60 s without one), 90 s at least, they are disconnected. Silence counts only while it could have been broken: from the moment when the link to the device's
 * broker came up, or the wall clock was set, by which times of before mean nothing. So neither a restart, nor a broker
 * that was away, nor a clock that jumps ends devices that are there; and a retained status that says "connected" of a
 * device that is not is corrected as soon as the device could have been heard.
 */

/* The clocks at one look. */
struct silence_clock {
	int64_t wall_us, steady_us; /* since 1970; of the clock that nobody sets */
};

/* Whether the wall clock was set since the last look, or stood still with the machine. `now` is kept as the last look;
 * a zero `last` is none, and nothing was set. */
bool silence_was_set(struct silence_clock *last, const struct silence_clock *now);

/* A broker whose link is up, and since when silence counts there, wall microseconds. */
struct silence_link {
	int64_t broker, since_us;
};

/* Makes up to SILENCE_STEP silent devices disconnected, inside a transaction: those whose configuration names one of
 * these brokers, and, if `all` brokers in use are among them, those without one. *silent: how many. Not 0: the database
 * failed. */
enum { SILENCE_STEP = 1000 };
int silence_judge(struct db *db, const struct silence_link *links, size_t n, bool all,
    int64_t now_us, size_t *silent, struct err *err);

#endif
