/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_SUBSCRIPTION_H
#define IOTSUB_SUBSCRIPTION_H

#include "mqtt/consumer.h"

/* One connection and what comes in on it: acknowledged only after `flush` said that it is safe. It reconnects
 * by itself, and warns of that. All on the loop's thread. */
struct subscription;

struct subscription_events {
	/* False: not wanted any more; then its batch stays with the broker. */
	bool (*message)(void *arg, const struct msg *m);
	/* 0: everything shown so far is safe. 1: it will be when subscription_settle is called; until then
	 * nothing more is read, and the connection is kept alive. */
	int (*flush)(void *arg);
	/* How many messages are still wanted. */
	size_t (*wanted)(void *arg);
	/* The connection is over for good; why->code 0: it was stopped, or no more is wanted. */
	void (*ended)(void *arg, const struct err *why);
};

/* Copies what it needs. */
struct subscription *subscription_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count,
    const struct subscription_events *events, void *arg, struct err *err);
void subscription_start(struct subscription *r);
/* How often the broker had ended the session while it was away; each was told. */
size_t subscription_sessions_lost(const struct subscription *r);
/* The broker, while it is not connected to it; NULL: it is. */
const char *subscription_broker_away(const struct subscription *r);
/* What `flush` could not do at once is done. */
void subscription_settle(struct subscription *r);
/* Ends by itself, with `ended`. */
void subscription_stop(struct subscription *r);
/* Likewise, and what is not safe yet stays with the broker. */
void subscription_leave(struct subscription *r);
/* Accepts NULL. */
void subscription_free(struct subscription *r);

#endif
