/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which numbered messages of many senders arrived, how often, and how long they took. */
struct tally {
	struct tally_seen *seen; /* one a sender */
	size_t senders;
	uint64_t sent, received, duplicated;
	uint64_t *delays; /* a histogram, 3 % wide */
};

void tally_init(struct tally *t, size_t senders);
void tally_release(struct tally *t);
/* Message number `seq` (from 1) of a sender arrived after `us` microseconds. */
void tally_take(struct tally *t, size_t sender, uint64_t seq, int64_t us);
/* Sent and never seen. */
uint64_t tally_lost(const struct tally *t);
/* Microseconds within which `part` (0 to 1) of what was received arrived; 0 if nothing did. */
int64_t tally_delay(const struct tally *t, double part);

#endif
