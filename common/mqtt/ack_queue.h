/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_ACKS_H
#define NET_ACKS_H

#include "mqtt/packet.h"

/*
 * The acknowledgements that a subscriber owes, in the order of arrival (4.6), each with the number of the
 * message that has to be durable first. The zero value is empty and ready; 16 bytes each, UINT16_MAX at
 * most.
 */
struct acks {
	struct ack {
		uint64_t seq;
		uint16_t mid;
		uint8_t type;
	} * v; /* a ring; room is a power of two */
	size_t first, n, room;
	size_t half; /* PUBRECs that were made on this connection and whose PUBREL did not come yet */
	/* Packet identifiers whose PUBREC was made and whose PUBREL did not come yet. */
	uint64_t received[65536 / 64];
};

void acks_grow(struct acks *a);

/* False when `most` are owed already. */
static inline bool
acks_push(struct acks *a, enum frame_type type, uint16_t mid, uint64_t seq, size_t most)
{
	struct ack *k;

	if (a->n >= most)
		return false;
	if (a->n == a->room)
		acks_grow(a);
	k = &a->v[(a->first + a->n++) & (a->room - 1)];
	k->seq = seq;
	k->mid = mid;
	k->type = (uint8_t)type;
	return true;
}

/* Makes those whose messages are durable, up to the first whose is not. */
void acks_settle(struct acks *a, uint64_t durable, struct buf *out);
bool acks_is_received(const struct acks *a, uint16_t mid);
/* How many messages the broker waits for: it counts one of QoS 2 until PUBCOMP. */
static inline size_t
acks_waited_for(const struct acks *a)
{
	return a->n + a->half;
}
/* PUBREL came. */
void acks_forget_received(struct acks *a, uint16_t mid);
/* A new connection: nothing is owed. What was received stays with a session that is present. */
void acks_reset(struct acks *a, bool session_present);
void acks_free(struct acks *a);

#endif
