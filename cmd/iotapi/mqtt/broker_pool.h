/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_POOL_H
#define IOTAPI_MQTT_BROKER_POOL_H

#include "loop/loop.h"
#include "iotapi/app.h"
#include "iotapi/mqtt/presence.h"

/* The MQTT side: one durable session for each active broker of the database, whose messages become
 * readings, presence or rejects, acknowledged after COMMIT. */
struct broker_pool;

struct broker_pool *broker_pool_new(struct loop *loop, struct app *app, struct err *err);
/* Brokers or topics have changed. From any thread; NULL is no worker. */
void broker_pool_look_again(struct broker_pool *w);
/* What the link to a broker is now, and why (NULL: no reason); told by its session, on the loop. */
void broker_pool_note(
    struct broker_pool *w, int64_t broker, enum presence state, const char *reason);
/* What was noted last; a broker that has no session is disconnected. *reason is the caller's to free, or NULL.
 * From any thread; NULL is no worker. */
enum presence broker_pool_link(struct broker_pool *w, int64_t broker, char **reason);
/* Takes no more messages; done(arg) on the loop when what was taken is stored and acknowledged. */
void broker_pool_stop(struct broker_pool *w, void (*done)(void *arg), void *arg);
void broker_pool_free(struct broker_pool *w);

#endif
