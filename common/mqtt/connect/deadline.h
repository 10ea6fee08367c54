/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_DEADLINE_H
#define MQTT_CONNECT_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The time of a round, shared among its attempts: each gets an equal part of what is left. Times are ms of the
 * loop's clock, which the caller tells. */
struct deadline {
	int64_t round, attempt; /* when it is over */
	int64_t share;          /* ms that the attempt was given */
};

void deadline_begin(struct deadline *d, int64_t now, int64_t timeout);
/* An attempt begins, the first of `n` that are left: the ms that it has, from 0 on. */
int64_t deadline_share(struct deadline *d, int64_t now, size_t n);
/* The ms that the attempt has left; negative: it is over. */
int64_t deadline_left(const struct deadline *d, int64_t now);
/* Whether the round's time is over. */
bool deadline_is_over(const struct deadline *d, int64_t now);
/* What the attempt was given, in seconds, to a tenth. */
double deadline_seconds(const struct deadline *d);

#endif
