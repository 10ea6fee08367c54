/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_ACK_QUEUE_H
#define MQTT_ACK_QUEUE_H

#include "mqtt/packet.h"

/*
 * The acknowledgements that a subscriber owes, in the order of arrival (MQTT 5, 4.6), each with the number of
 * the message that has to be acked first (mqtt/consumer.h). The zero value is empty and ready; 16 bytes each, UINT16_MAX at
 * most.
 */
struct ack_queue {
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

void ack_queue_grow(struct ack_queue *a);

/* False when `most` are owed already. */
static inline bool
ack_queue_push(struct ack_queue *a, enum packet_type type, uint16_t mid, uint64_t seq, size_t most)
{
	struct ack *k;

	if (a->n >= most)
		return false;
	if (a->n == a->room)
		ack_queue_grow(a);
	k = &a->v[(a->first + a->n++) & (a->room - 1)];
	k->seq = seq;
	k->mid = mid;
	k->type = (uint8_t)type;
	return true;
}

/* Makes those whose messages are acked, up to the first whose is not. */
void ack_queue_settle(struct ack_queue *a, uint64_t acked, struct buf *out);
bool ack_queue_is_received(const struct ack_queue *a, uint16_t mid);
/* How many messages the broker waits for: it counts one of QoS 2 until PUBCOMP. */
static inline size_t
ack_queue_waited_for(const struct ack_queue *a)
{
	return a->n + a->half;
}
/* PUBREL came. */
void ack_queue_forget_received(struct ack_queue *a, uint16_t mid);
/* A new connection: nothing is owed. What was received stays with a session that is present. */
void ack_queue_reset(struct ack_queue *a, bool session_present);
void ack_queue_free(struct ack_queue *a);

#endif
