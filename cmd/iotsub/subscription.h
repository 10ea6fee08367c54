/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_RECEIVER_H
#define IOTSUB_RECEIVER_H

#include "mqtt/consumer.h"

/* One connection and what comes in on it: acknowledged only after `flush` said that it is safe. */
struct receiver;

struct receiver_events {
	/* False: not wanted any more; then its batch stays with the broker. */
	bool (*message)(void *arg, const struct msg *m);
	/* 0: everything shown so far is safe. 1: it will be when receiver_settle is called; until then
	 * nothing more is read, and the connection is kept alive. */
	int (*flush)(void *arg);
	/* How many messages are still wanted. */
	size_t (*wanted)(void *arg);
	void (*ended)(void *arg, const struct err *why);
};

struct receiver *receiver_new(struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count,
    const struct receiver_events *events, void *arg, struct err *err);
void receiver_start(struct receiver *r);
/* What `flush` could not do at once is done. */
void receiver_settle(struct receiver *r);
/* Ends by itself, with `ended`. */
void receiver_stop(struct receiver *r);
/* Accepts NULL. */
void receiver_free(struct receiver *r);

#endif
