/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONSUMER_H
#define MQTT_CONSUMER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/loop.h"
#include "msg/message.h"
#include "mqtt/session_opts.h"

/*
 * A subscriber that loses nothing: at QoS 1 and 2 a message is acknowledged to the broker only after its user
 * said that it is safe. Messages come in batches, each with a token, and the user answers twice:
 *
 *	batch(m, n, token)            the spans in m are the user's, and nothing more is handed out: the
 *	                              broker feels back-pressure, memory stays bounded, pings go on
 *	consumer_release(c, token)    gives the spans back: reading goes on, nothing is acknowledged
 *	consumer_ack(c, token)        the messages of this batch and of those before it are safe: their PUBACK
 *	                              and PUBREC leave, in the order of arrival (4.6). Releases, too
 *
 * So a user who copies releases at once and acknowledges many batches later with the last token. What was not
 * acknowledged when a connection ends comes again (4.4): at least once, and twice to who takes it twice.
 * Everything is called, and calls, on the loop's thread; another thread comes in by loop_post. Its connection
 * lives as mqtt/connect/connector.h tells; the bytes are taken apart by a receiver (mqtt/receiver.h). Sections are
 * MQTT 5's.
 */
struct consumer;

struct consumer_filter {
	const char *filter;
	int qos;
	int retain_handling; /* MQTT 5, 3.8.3.1: 0 retained messages are sent, 1 only when the
				subscription is new, 2 never */
	bool unsubscribe;    /* UNSUBSCRIBE instead (3.10): a kept session gives it up; not answered */
};

struct consumer_events {
	/* n messages, at least one. Both answers may be given from inside. */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* The socket is read empty, or gone: after the batches so far nothing more is at hand. */
	void (*drained)(void *arg);
	/* The broker holds back at `n` unacknowledged messages (Receive Maximum, 3.1.2.11.3, or a limit of its
	 * own): none of QoS 1 and 2 comes before consumer_ack. 0: not any more. `known`: by a limit of its
	 * own, for sure (mqtt/window.h). */
	void (*held)(void *arg, size_t n, bool known);
	/* CONNACK accepted; the connection was lost and is made again, or cannot be for a new reason. */
	void (*up)(void *arg, bool session_present);
	void (*down)(void *arg, const struct err *why);
	/* Over for good, or (code 0) stopped. */
	void (*ended)(void *arg, const struct err *why);
	/* A SUBACK refused one filter (3.9.3); the others go on. When none is left, `ended` (ERR_AUTH). */
	void (*refused)(void *arg, const char *filter, const struct err *why);
	/* All filters were answered, at least one granted; again when a broker that forgot them was asked again. */
	void (*ready)(void *arg);
	/* CONSUMER_QUEUE retained messages came in answer to SUBSCRIBE: where the broker's queue is shorter than what
	 * it keeps it drops the rest without a word (mosquitto, EMQX). Once a connection; NULL: a warning says so. */
	void (*part)(void *arg);
};

/* Brokers' queues have room for 1000 messages, if nobody says otherwise; what else comes takes some of that. */
enum { CONSUMER_QUEUE = 900 };

/* Copies the options and filters. NULL: err; a filter given twice is one subscription. A warning tells of two that
 * overlap (looked for among the first 1000): nothing is done about what then comes twice. */
struct consumer *consumer_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count, const struct consumer_events *events,
    void *arg, struct err *err);
/* Starts connecting; failures come through `ended`. */
void consumer_start(struct consumer *c);
/* The MQTT version of the connection, from `up` on: 5 or 4. */
int consumer_version(const struct consumer *c);
/* HOST:PORT, or a unix socket's path, of the connection, or of the attempt; of several brokers the present one. Its
 * numeric address, "" before there was one. Both until the next event. */
const char *consumer_broker(const struct consumer *c);
const char *consumer_address(const struct consumer *c);
/* How far the last attempt to connect came: DNS, TCP, TLS, or CONNACK, which is also where a login is refused. */
const char *consumer_stage(const struct consumer *c);
struct broker_where consumer_where(const struct consumer *c);
/* Whether the broker retains messages, from `up` on: MQTT 5's may say that it does not (3.2.2.3.5). */
bool consumer_retains(const struct consumer *c);
/* How many unacknowledged messages the broker sends at most, as far as that is known (mqtt/window.h); 0: it is
 * not. */
size_t consumer_window(const struct consumer *c);
/* See above. An old token is no error and does nothing. */
void consumer_release(struct consumer *c, uint64_t token);
void consumer_ack(struct consumer *c, uint64_t token);
/* Wants n more messages and no others: what comes behind them stays with the broker. */
void consumer_limit(struct consumer *c, size_t n);
/* From now on these filters, copied: what is new is subscribed, what is gone is given up, the rest stays as it is, by the text
 * alone. Without a connection all that is done by the next one. 1: not now, answers to filters are missing; after the next
 * `ready` or `down`. `ready` again when the new ones are answered. -1: err, and nothing is changed. */
int consumer_change(struct consumer *c, const struct consumer_filter *filters, size_t count,
    struct err *err);
/* Reads no more; waits for consumer_ack of the batches that are out, writes their acknowledgements and
 * DISCONNECT, then `ended` with code 0. Messages not handed out stay with the broker. */
void consumer_stop(struct consumer *c);
/* As consumer_stop, but waits for no consumer_ack: what was acked until now is, the rest comes again. Of a connection
 * that is dropped instead, acknowledgements that are on their way may be lost, too. At most 4 s pass. */
void consumer_leave(struct consumer *c);
/* Warns that `what`, where messages go to, has not taken them for so long, and what the broker does meanwhile. */
void consumer_tell_stall(const char *what, int64_t ms);
/* Drops everything now: what was not acknowledged comes again. Accepts NULL; not from inside `batch`. */
void consumer_free(struct consumer *c);

#endif
