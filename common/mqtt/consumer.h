/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_CONSUME_H
#define NET_CONSUME_H

#include <stddef.h>
#include <stdint.h>

#include "msg/message.h"
#include "mqtt/session.h"

/*
 * The safe way in: messages come in batches, and a batch is acknowledged to the broker only after
 * its consumer said that it is durable, at QoS 1 and 2. At least once: what was not said to be durable
 * is delivered again. A session connects; what is read and written then is an intake's (mqtt/receiver.h).
 */
struct consume;

struct consume_filter {
	const char *filter;
	int qos;
	int retain_handling; /* MQTT 5, 3.8.3.1: 0 retained messages are sent, 1 only when the
				subscription is new, 2 never */
	bool unsubscribe;    /* not wanted any more: a kept session gives it up; not answered */
};

struct consume_events {
	/* A batch of n messages, spans valid until consume_taken(token) or consume_durable(token).
	 * Nothing more is handed out until then, so that memory stays bounded and a slow consumer
	 * becomes back-pressure; the connection is kept alive. */
	void (*batch)(void *arg, const struct msg *m, size_t n, uint64_t token);
	/* The socket is dry, or gone: after the batches so far nothing more is at hand. */
	void (*dry)(void *arg);
	/* The broker holds back at `n` unacknowledged messages: none of QoS 1 and 2 comes before
	 * consume_durable. 0: not any more. `known`: by a limit of its own, for sure (mqtt/window.h). */
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

struct consume *consume_new(struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count, const struct consume_events *events,
    void *arg, struct err *err);
void consume_start(struct consume *c);
/* The MQTT version of the connection, from `up` on: 5 or 4. */
int consume_version(const struct consume *c);
/* The consumer needs this batch's spans no longer: reading goes on, acknowledgements wait. May be
 * called from inside `batch`. */
void consume_taken(struct consume *c, uint64_t token);
/* The messages of this batch and of those before it are safe: they are acknowledged now. On the
 * loop's thread. */
void consume_durable(struct consume *c, uint64_t token);
/* Wants n more messages and no others: what comes behind them stays with the broker. */
void consume_limit(struct consume *c, size_t n);
/* Reads no more; waits for batches that are out to be made durable, acknowledges them, says
 * DISCONNECT, then `ended` with code 0. Messages not handed out stay with the broker. */
void consume_stop(struct consume *c);
void consume_free(struct consume *c);

#endif
