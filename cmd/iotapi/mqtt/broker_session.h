/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_SESSION_H
#define IOTAPI_MQTT_BROKER_SESSION_H

#include "base/strv.h"
#include "model/presence.h"
#include "loop/loop.h"
#include "model/broker_address.h"
#include "iotapi/app.h"

/*
 * The durable session with one broker, whose messages become rows (store_message.h). It reconnects for ever, and
 * slowly after a refused login too: the broker may be about to learn it (iotapi export, SIGHUP).
 *
 * Messages come on the loop and are stored by the database's writer, a thread of its own: some batches at a time
 * (batch_queue.h), each acknowledged when it and those before it are committed, and tried again until then. So every
 * function here is for the loop's thread, none blocks, and the session lives until the writer has given its batches back.
 */
struct broker_session;

/* What a broker's row and the topics say; all of it is copied. */
struct broker_session_opts {
	int64_t broker; /* the row's id */
	const char *name, *client_id;
	const struct broker_address *address;
	int keepalive; /* seconds */
	const struct strv *patterns; /* of the publish topics */
	const struct strv *kept; /* what its session at the broker has (kept_filters.h); for broker_session_new only */
};

/* The link to the broker is in another state now; `reason` (may be NULL) tells why. On the loop, also from inside
 * broker_session_new and broker_session_free. */
typedef void broker_session_link_fn(
    void *arg, int64_t broker, enum presence state, const char *reason);

/* Connects. Never fails: what is wrong is a state of the link. */
struct broker_session *broker_session_new(struct loop *loop, struct app *app,
    const struct broker_session_opts *opts, broker_session_link_fn *link, void *arg);
/* The id of the broker's row. */
int64_t broker_session_broker(const struct broker_session *u);
/* Whether it was made of the same, the patterns apart. */
bool broker_session_is(const struct broker_session *u, const struct broker_session_opts *opts);
/* The publish topics are these now: what is new is subscribed, what is gone is not any more, in the connection that is there. */
void broker_session_listen(struct broker_session *u, const struct strv *patterns);
/* Stores and acknowledges what it has taken, disconnects, then gone(arg) on the loop: free it then
 * or later, but not from inside. */
void broker_session_stop(struct broker_session *u, void (*gone)(void *arg), void *arg);
/* At once. The writer must have no batch of it: see broker_pool_free. Accepts NULL. */
void broker_session_free(struct broker_session *u);

#endif
