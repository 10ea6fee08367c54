/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_INTAKE_H
#define NET_INTAKE_H

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
struct intake;

struct intake_opts {
	uint32_t
	    max_packet; /* bytes; a larger PUBLISH is a reject "size", skipped as it streams by */
};

struct intake_events {
	/* As struct consume_events' batch (mqtt/consumer.h). */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* A SUBACK for this packet identifier: the first reason code in it. */
	void (*answered)(void *arg, uint16_t mid, uint8_t reason);
};

struct intake *intake_new(
    const struct intake_opts *opts, const struct intake_events *events, void *arg);
/* Accepts NULL. Spans that are out die with it. */
void intake_free(struct intake *in);

/* A new connection, behind its CONNACK. What an earlier one left unparsed or unacknowledged is
 * forgotten: the broker sends it again. */
void intake_connect(struct intake *in, int version, bool session_present);

/* Where to read to, *n bytes at most; *n is 0 while a batch is out whose spans are in use, when enough
 * was read (intake_limit, intake_stop), or while too much output waits. */
char *intake_room(struct intake *in, size_t *n);
/* `n` bytes were read there, at `now_us` (microseconds since 1970). Takes them apart: calls the events. */
void intake_got(struct intake *in, size_t n, int64_t now_us);
/* Goes on with what was read before and could not be taken apart then. */
void intake_go_on(struct intake *in);

/* How the connection stands after intake_got: the broker's fault, or its farewell. */
struct intake_state {
	enum frame_fault fault;
	bool left;      /* it sent DISCONNECT */
	uint8_t reason; /* of the DISCONNECT */
};
struct intake_state intake_state(const struct intake *in);

/* What wants to be written, and that `n` bytes of it were. */
struct span intake_output(const struct intake *in);
void intake_sent(struct intake *in, size_t n);
/* Where SUBSCRIBE, PINGREQ and DISCONNECT are put (frame_put_*): whole packets, never in between. */
struct buf *intake_packets(struct intake *in);

/* See mqtt/consumer.h. A token counts messages: it covers all that were handed out up to it. */
void intake_taken(struct intake *in, uint64_t token);
void intake_durable(struct intake *in, uint64_t token);
void intake_limit(struct intake *in, size_t n);
/* Hands out nothing more. */
void intake_stop(struct intake *in);
/* How many messages of QoS 1 and 2 the broker waits for, from PUBLISH to PUBACK or PUBCOMP. */
size_t intake_unacknowledged(const struct intake *in);
/* Whether all that was handed out is durable. */
bool intake_is_durable(const struct intake *in);

#endif
