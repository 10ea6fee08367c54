/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WORKER_H
#define WORKER_H

#include "iotapi/app.h"
#include "loop/loop.h"
#include "iotapi/mqtt/presence.h"

/* The MQTT side: one durable session for each active broker of the database, whose messages become
 * readings, presence or rejects, acknowledged after COMMIT. */
struct worker;

struct worker *worker_new(struct loop *loop, struct app *app, struct err *err);
/* Brokers or topics have changed. From any thread; NULL is no worker. */
void worker_look_again(struct worker *w);
/* What the link to a broker is now, and why (NULL: no reason); told by its session, on the loop. */
void worker_note(
    struct worker *w, int64_t broker, enum presence state, const char *reason);
/* What was noted last; a broker that has no session is disconnected. *reason is the caller's to free, or NULL.
 * From any thread; NULL is no worker. */
enum presence worker_link(struct worker *w, int64_t broker, char **reason);
/* Takes no more messages; done(arg) on the loop when what was taken is stored and acknowledged. */
void worker_stop(struct worker *w, void (*done)(void *arg), void *arg);
void worker_free(struct worker *w);

#endif
