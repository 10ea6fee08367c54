/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_RECEIVER_INT_H
#define MQTT_RECEIVER_INT_H

#include "mqtt/ack_queue.h"
#include "mqtt/receiver.h"
#include "mqtt/topic_alias.h"

/*
 * What the parts of a receiver share; for receiver*.c only.
 *
 *	receiver.c       bytes to packets, and what has to be written
 *	receiver_message.c    PUBLISH to messages
 *	receiver_large.c  a PUBLISH that is too large
 */

enum {
	BATCH = 256, /* messages: what is worked on stays in the processor's cache */
	READ_BUFFER = 128 << 10,
	OUTPUT_MOST =
	    256 << 10, /* while a broker does not read that much, neither do we */
	HEAD_MOST = 2 + 65535 + 2 + 4, /* bytes of a PUBLISH before its properties */
	PAIRS = 4 * BATCH, /* spans for user properties, at least: two of each message */
	SAMPLE = 256, /* bytes of a payload that is too large, for its reject line */
};

struct receiver {
	struct receiver_opts opts;
	struct receiver_events events;
	void *arg;
	int version;
	struct receiver_state state;
	struct packet_connack connack;
	struct buf connack_bytes; /* which it points into */

	char *buffer; /* at..end is not taken apart yet; ASCII_PLAIN_PADDING bytes stand behind its room */
	size_t room, at, end;
	size_t need; /* how much has to be there from `at` on, as far as that is known */
	int64_t now;
	struct buf output;
	size_t sent;

	struct msg v[BATCH];
	struct msg *next; /* of v; the first but while packets are taken apart */
	bool lent;        /* a batch is out: its spans are used until it is released */
	bool again;       /* the packet could not be done, but may be now */
	bool stopped;
	size_t left;                   /* messages still wanted */
	/* Numbers of messages, from 1 on: of the newest, of the last one handed out, of the last one acked. */
	uint64_t seq, handed_out, acked;

	struct ack_queue acks;
	struct topic_aliases aliases;
	bool with_props; /* some of v have properties; else all are zero: clearing costs */
	struct span *pairs; /* user properties of the messages in v */
	size_t pairs_n, pairs_room;

	uint64_t skip; /* of a packet that is too large: so much is still to come */
	struct msg large_msg;
	struct buf large_bytes; /* its topic and the beginning of its payload */
};

/* The connection is over because of this; false. */
bool receiver_fail(struct receiver *r, enum packet_fault fault);
/* Hands out the messages that are there. */
void receiver_hand_out(struct receiver *r);
/* The packet at hand wants to change what messages before it point to: they are handed out, and it is
 * looked at again when nobody uses them any more. False. */
bool receiver_hand_out_first(struct receiver *r);
/* Owes an acknowledgement of the newest message, which waits for its ack and for all before (4.6). More than
 * Receive Maximum (3.1.2.11.3) is no fault: mosquitto 2.0.11 sends 1016 where 1000 are allowed, to a session that it resumes with a full
 * queue. */
static inline bool
receiver_owe(struct receiver *r, enum packet_type type, uint16_t mid)
{
	return ack_queue_push(&r->acks, type, mid, r->seq, UINT16_MAX) ||
	    receiver_fail(r, PACKET_OVER_WINDOW);
}
/* Makes the acknowledgements of what is acked. */
void receiver_settle(struct receiver *r);

/* receiver_message.c; false: not done, because of a fault or of receiver_hand_out_first. */
bool receiver_publish(struct receiver *r, const struct packet *f, struct span body);
/* What the properties say of a message, and whether its topic is one. */
bool receiver_complete(struct receiver *r, struct msg *m, struct span props);
/* The message is *next. One of QoS 2 comes again when its PUBREC was lost on the way: the user has it already
 * (4.3.3). */
bool receiver_deliver(struct receiver *r);

/* receiver_large.c */
/* False when the first `n` bytes of the packet's body are not there yet. */
static inline bool
receiver_is_there(struct receiver *r, const struct packet *f, size_t n)
{
	r->need = f->head + n;
	return r->end - r->at >= r->need;
}
/* Takes the beginning of a packet of over max_packet bytes; what follows is skipped. */
bool receiver_begin_skip(struct receiver *r, const struct packet *f);
bool receiver_skip(struct receiver *r);

#endif
