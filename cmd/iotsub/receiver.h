/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_RECEIVER_H
#define IOTSUB_RECEIVER_H

#include "net/consume.h"

/* One connection and what comes in on it: acknowledged only after `flush` said that it is safe. */
struct receiver;

struct receiver_events {
	/* False: not wanted any more; then its batch stays with the broker. */
	bool (*message)(void *arg, const struct msg *m);
	/* 0: everything shown so far is safe. */
	int (*flush)(void *arg);
	/* How many messages are still wanted. */
	size_t (*wanted)(void *arg);
	void (*ended)(void *arg, const struct err *why);
};

struct receiver *receiver_new(struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count,
    const struct receiver_events *events, void *arg, struct err *err);
void receiver_start(struct receiver *r);
/* Ends by itself, with `ended`. */
void receiver_stop(struct receiver *r);
/* Accepts NULL. */
void receiver_free(struct receiver *r);

#endif
