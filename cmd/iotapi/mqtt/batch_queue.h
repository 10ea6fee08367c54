/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BATCH_QUEUE_H
#define IOTAPI_MQTT_BATCH_QUEUE_H

#include "loop/loop.h"
#include "msg/message.h"
#include "iotapi/db/store.h"

/*
 * The batches of one session on their way into the database, several at a time: while the writer commits some, others
 * come in, and become part of the next transaction. They are copies, so the receiver's memory is free at once. A token
 * is handed back when its batch and all before it are committed. What fails is tried again, in order, until it is
 * stored. For the loop's thread, but for `store`.
 */
struct batch_queue;

struct batch_queue_opts {
	struct loop *loop;
	struct store *store;
	/* On the writer's thread, in a transaction; not 0 undoes the batch. */
	int (*put)(struct db *db, const struct msg *m, size_t n, void *arg, struct err *err);
	/* Committed up to this token. */
	void (*stored)(void *arg, uint64_t token);
	/* So many messages were not stored for now. */
	void (*failed)(void *arg, size_t messages, const struct err *why);
	void *arg;
};

struct batch_queue *batch_queue_new(const struct batch_queue_opts *opts);
/* Only while the writer has none of its batches: behind store_run. Accepts NULL. */
void batch_queue_free(struct batch_queue *q);

/* Takes a copy of what store_message reads. */
void batch_queue_put(struct batch_queue *q, const struct msg *m, size_t n, uint64_t token);
/* Whether it has as much as it may hold: the next batch waits for `stored`. */
bool batch_queue_is_full(const struct batch_queue *q);
bool batch_queue_is_empty(const struct batch_queue *q);

#endif
