/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONSUMER_H
#define MQTT_CONSUMER_H

#include <stddef.h>
#include <stdint.h>

#include "msg/message.h"
#include "mqtt/session.h"

/*
 * The safe way in: messages come in batches, and a batch is acknowledged to the broker only after
 * its consumer said that it is durable, at QoS 1 and 2. At least once: what was not said to be durable
 * is delivered again. A session connects; what is read and written then is an intake's (mqtt/receiver.h).
 */
struct consumer;

struct consumer_filter {
	const char *filter;
	int qos;
	int retain_handling; /* MQTT 5, 3.8.3.1: 0 retained messages are sent, 1 only when the
				subscription is new, 2 never */
	bool unsubscribe;    /* not wanted any more: a kept session gives it up; not answered */
};

struct consumer_events {
	/* A batch of n messages, spans valid until consumer_release(token) or consumer_ack(token).
	 * Nothing more is handed out until then, so that memory stays bounded and a slow consumer
	 * becomes back-pressure; the connection is kept alive. */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* The socket is dry, or gone: after the batches so far nothing more is at hand. */
	void (*dry)(void *arg);
	/* The broker holds back at `n` unacknowledged messages: none of QoS 1 and 2 comes before
	 * consumer_ack. 0: not any more. `known`: by a limit of its own, for sure (mqtt/window.h). */
	void (*held)(void *arg, size_t n, bool known);
	void (*up)(void *arg, bool session_present);
	void (*down)(void *arg, const struct err *why);
	/* As the session's: over for good, or (code 0) stopped. */
	void (*ended)(void *arg, const struct err *why);
	/* One filter was refused; the others go on. When none is left, `ended` (ERR_AUTH). */
	void (*refused)(void *arg, const char *filter, const struct err *why);
	/* All filters were answered, at least one granted. */
	void (*ready)(void *arg);
};

struct consumer *consumer_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count, const struct consumer_events *events,
    void *arg, struct err *err);
void consumer_start(struct consumer *c);
/* The MQTT version of the connection, from `up` on: 5 or 4. */
int consumer_version(const struct consumer *c);
/* The consumer needs this batch's spans no longer: reading goes on, acknowledgements wait. May be
 * called from inside `batch`. */
void consumer_release(struct consumer *c, uint64_t token);
/* The messages of this batch and of those before it are safe: they are acknowledged now. On the
 * loop's thread. */
void consumer_ack(struct consumer *c, uint64_t token);
/* Wants n more messages and no others: what comes behind them stays with the broker. */
void consumer_limit(struct consumer *c, size_t n);
/* Reads no more; waits for batches that are out to be made durable, acknowledges them, says
 * DISCONNECT, then `ended` with code 0. Messages not handed out stay with the broker. */
void consumer_stop(struct consumer *c);
void consumer_free(struct consumer *c);

#endif
