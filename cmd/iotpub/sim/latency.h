/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_LATENCY_H
#define IOTPUB_SIM_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which numbered messages of many senders arrived, how often, and how long they took. */
struct latency {
	struct latency_seen *seen; /* one a sender */
	size_t senders;
	uint64_t sent, received, duplicated;
	uint64_t *delays; /* a histogram, 3 % wide */
};

void latency_init(struct latency *t, size_t senders);
void latency_release(struct latency *t);
/* Message number `seq` (from 1) of a sender arrived after `us` microseconds. */
void latency_take(struct latency *t, size_t sender, uint64_t seq, int64_t us);
/* Sent and never seen. */
uint64_t latency_lost(const struct latency *t);
/* Microseconds within which `part` (0 to 1) of what was received arrived; 0 if nothing did. */
int64_t latency_delay(const struct latency *t, double part);

#endif
