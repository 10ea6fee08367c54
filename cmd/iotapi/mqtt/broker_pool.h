/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_POOL_H
#define IOTAPI_MQTT_BROKER_POOL_H

#include "model/presence.h"
#include "loop/loop.h"
#include "iotapi/app.h"

/*
 * The MQTT side: one durable session for each active broker of the database, whose messages become readings,
 * presence or rejects, acknowledged after COMMIT. It lives on the loop; where nothing else is said, functions are
 * for the loop's thread.
 */
struct broker_pool;

/* Reads the database's worker id, made when it is new; blocks until that is committed. The sessions start on the
 * loop. NULL on error (ERR_FAILED): no random numbers, or the database. */
struct broker_pool *broker_pool_new(struct loop *loop, struct app *app, struct err *err);
/* Brokers or topics have changed: sessions begin, end or begin anew, soon, on the loop. From any thread, does not
 * block; NULL is no worker. */
void broker_pool_refresh(struct broker_pool *w);
/* The state of the link to a broker; without a session it is disconnected. *reason (free) is why, or NULL. From
 * any thread; NULL is no worker. */
enum presence broker_pool_link(struct broker_pool *w, int64_t broker, char **reason);
/* Takes no more messages; done(arg) on the loop when what was taken is stored and acknowledged. */
void broker_pool_stop(struct broker_pool *w, void (*done)(void *arg), void *arg);
/* Blocks until the database's writer has given back the sessions' messages. Accepts NULL. */
void broker_pool_free(struct broker_pool *w);

#endif
