/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_RECEIVER_H
#define MQTT_RECEIVER_H

#include "mqtt/packet.h"

/*
 * The fast and safe way in: the subscriber's half of MQTT as a state machine over bytes, without
 * descriptors or clocks (those are consumer.c's), so that it can be fuzzed whole. Bytes are read into its
 * one buffer, packets are taken apart there, and messages come out as batches of spans into it. PUBACK
 * and PUBREC of a message, and what would overtake them, are made only when it is durable, in the order of
 * arrival (4.6). It lives as long as the session: over many connections.
 *
 * Memory: one read buffer (128 KiB, or the largest packet up to `max_packet`), one output buffer, 16 bytes
 * for each unacknowledged message, and up to ALIASES topics (mqtt/topic_alias.h).
 */
struct receiver;

struct receiver_opts {
	uint32_t
	    max_packet; /* bytes; a larger PUBLISH is a reject "size", skipped as it streams by */
};

struct receiver_events {
	/* As struct consumer_events' batch (mqtt/consumer.h). */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* A SUBACK for this packet identifier: the first reason code in it. */
	void (*answered)(void *arg, uint16_t mid, uint8_t reason);
};

struct receiver *receiver_new(
    const struct receiver_opts *opts, const struct receiver_events *events, void *arg);
/* Accepts NULL. Spans that are out die with it. */
void receiver_free(struct receiver *in);

/* A new connection, behind its CONNACK. What an earlier one left unparsed or unacknowledged is
 * forgotten: the broker sends it again. */
void receiver_connect(struct receiver *in, int version, bool session_present);

/* Where to read to, *n bytes at most; *n is 0 while a batch is out whose spans are in use, when enough
 * was read (receiver_limit, receiver_stop), or while too much output waits. */
char *receiver_room(struct receiver *in, size_t *n);
/* `n` bytes were read there, at `now_us` (microseconds since 1970). Takes them apart: calls the events. */
void receiver_got(struct receiver *in, size_t n, int64_t now_us);
/* Goes on with what was read before and could not be taken apart then. */
void receiver_go_on(struct receiver *in);

/* How the connection stands after receiver_got: the broker's fault, or its farewell. */
struct receiver_state {
	enum packet_fault fault;
	bool left;      /* it sent DISCONNECT */
	uint8_t reason; /* of the DISCONNECT */
};
struct receiver_state receiver_state(const struct receiver *in);

/* What wants to be written, and that `n` bytes of it were. */
struct span receiver_output(const struct receiver *in);
void receiver_sent(struct receiver *in, size_t n);
/* Where SUBSCRIBE, PINGREQ and DISCONNECT are put (frame_put_*): whole packets, never in between. */
struct buf *receiver_packets(struct receiver *in);

/* See mqtt/consumer.h. A token counts messages: it covers all that were handed out up to it. */
void receiver_release(struct receiver *in, uint64_t token);
void receiver_ack(struct receiver *in, uint64_t token);
void receiver_limit(struct receiver *in, size_t n);
/* Hands out nothing more. */
void receiver_stop(struct receiver *in);
/* How many messages of QoS 1 and 2 the broker waits for, from PUBLISH to PUBACK or PUBCOMP. */
size_t receiver_unacknowledged(const struct receiver *in);
/* Whether all that was handed out is durable. */
bool receiver_is_acked(const struct receiver *in);

#endif
