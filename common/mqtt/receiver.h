/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_RECEIVER_H
#define MQTT_RECEIVER_H

#include "mqtt/packet.h"

/*
 * The subscriber's half of MQTT as a state machine over bytes, without descriptors or clocks (those are
 * consumer.c's), so that it can be fuzzed whole. Batches, tokens, release and ack are as mqtt/consumer.h tells.
 *
 *	receiver_connect                 CONNECT is made; nothing but CONNACK is read next: receiver_state
 *	receiver_room, receiver_got      bytes from the socket into its one buffer; packets are taken apart there
 *	`batch`                          up to 256 messages, spans into that buffer, which now stands still
 *	receiver_release, receiver_ack   it goes on; PUBACK, PUBREC, and the PUBCOMP that must not overtake them,
 *	                                 are made in the order of arrival (4.6)
 *	receiver_output, receiver_sent   bytes for the socket: these, and what the consumer puts there
 *
 * It lives as long as the session: over many connections. Sections are MQTT 5's.
 *
 * Memory: one read buffer (128 KiB, or the largest packet up to `max_packet`), one output buffer, 16 bytes
 * for each unacknowledged message, and up to ALIASES topics (mqtt/topic_alias.h).
 */
struct receiver;

struct receiver_opts {
	/* Bytes of a packet; a larger PUBLISH is a reject "size", skipped as it streams by. */
	uint32_t max_packet;
};

struct receiver_events {
	/* As struct consumer_events' batch (mqtt/consumer.h). */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* A SUBACK (3.9) for this Packet Identifier: the first reason code in it. */
	void (*answered)(void *arg, uint16_t mid, uint8_t reason);
};

struct receiver *receiver_new(
    const struct receiver_opts *opts, const struct receiver_events *events, void *arg);
/* Accepts NULL. Spans that are out die with it. */
void receiver_free(struct receiver *r);

/* A new connection: puts CONNECT into the output. What an earlier one left unparsed or unacknowledged is
 * forgotten: the broker sends it again (4.4). A batch that is out stays, and does not keep CONNACK from being
 * read. When that says that there is no session, the Packet Identifiers of QoS 2 that it remembers (4.3.3) are
 * forgotten, too. */
void receiver_connect(struct receiver *r, const struct packet_connect *connect);
/* What CONNACK said, once it came; valid until the next receiver_connect. */
const struct packet_connack *receiver_connack(const struct receiver *r);

/* Where to read to, *n bytes at most; *n is 0 while a batch is out whose spans are in use, when enough
 * was read (receiver_limit, receiver_stop), or while too much output waits. */
char *receiver_room(struct receiver *r, size_t *n);
/* `n` bytes were read there, at `now_us` (microseconds since 1970). Takes them apart: calls the events. */
void receiver_got(struct receiver *r, size_t n, int64_t now_us);
/* Goes on with what was read before and could not be taken apart then. */
void receiver_go_on(struct receiver *r);

/* How the connection stands after receiver_got: the broker's fault, or its farewell. */
struct receiver_state {
	bool shaking;   /* CONNACK has not come whole; nothing behind it is read before that */
	bool begun;     /* ... but its beginning has */
	bool refused;   /* receiver_connack's reason: nothing more is read */
	enum packet_fault fault;
	bool left;      /* it sent DISCONNECT (3.14) */
	uint8_t reason; /* of that; mqtt/reason.h */
};
struct receiver_state receiver_state(const struct receiver *r);

/* What wants to be written, and that `n` bytes of it were. */
struct span receiver_output(const struct receiver *r);
void receiver_sent(struct receiver *r, size_t n);
/* Where SUBSCRIBE, PINGREQ and DISCONNECT are put (packet_put_*): whole packets, never in between. */
struct buf *receiver_packets(struct receiver *r);

/* See mqtt/consumer.h. A token is the number of the last message of its batch, and covers all up to it. An ack
 * of more than was handed out is ignored. */
void receiver_release(struct receiver *r, uint64_t token);
void receiver_ack(struct receiver *r, uint64_t token);
/* Hands out n messages more, no others. */
void receiver_limit(struct receiver *r, size_t n);
/* Hands out nothing more. */
void receiver_stop(struct receiver *r);
/* How many messages of QoS 1 and 2 the broker waits for, from PUBLISH to PUBACK or PUBCOMP. */
size_t receiver_unacknowledged(const struct receiver *r);
/* Whether all that was handed out is acked. */
bool receiver_is_acked(const struct receiver *r);

#endif
