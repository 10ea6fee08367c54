/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_LATENCY_H
#define IOTPUB_SIM_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Which numbered messages of many senders arrived, how often, and how long they took. One bit a message and
 * sender, and a histogram of fixed size: a long run may be measured. */
enum { LATENCY_ROWS = 12 };

struct latency {
	struct latency_seen *seen; /* one a sender */
	size_t senders;
	uint64_t sent;     /* set by the owner */
	uint64_t received; /* each message once */
	uint64_t duplicated;
	uint64_t *delays; /* a histogram; a bucket is 1/32 of its delay wide */
	uint64_t rows[LATENCY_ROWS]; /* one for people: under 1 ms, 2, 4, ... 1024 ms, and more */
};

void latency_init(struct latency *t, size_t senders);
void latency_release(struct latency *t);
/* Message number `seq` (from 1) of a sender (from 0) arrived after `us` microseconds. What is no number of
 * a message, or no sender, changes nothing. */
void latency_take(struct latency *t, size_t sender, uint64_t seq, int64_t us);
/* Appends the rows, each a line: the delay, how many were within it and not within the row before, and a bar. */
void latency_put_rows(struct buf *out, const struct latency *t);
/* Sent and never seen. */
uint64_t latency_lost(const struct latency *t);
/* Microseconds within which `part` (0 to 1) of what was received arrived; 0 if nothing did. */
int64_t latency_delay(const struct latency *t, double part);

#endif
