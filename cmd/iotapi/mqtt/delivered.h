/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_DELIVERED_H
#define IOTAPI_MQTT_DELIVERED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "msg/message.h"
#include "iotapi/db/db.h"

/*
 * Which messages of a broker are stored. It delivers one again when it has not seen the acknowledgement, as after a kill
 * between COMMIT and PUBACK: with the DUP flag and the same Packet Identifier (MQTT 5, 4.4). So the identifiers of a
 * batch are stored with its rows, each with a hash of topic and payload; and a message with DUP that is the same as
 * the last one that was stored of its identifier is stored already. By its value and time alone a message is never taken
 * for another: sensors are constant, and clocks stand.
 *
 * A batch is one row, for a row a message would cost as much as a reading. Kept are the last DELIVERED_BATCHES, and of
 * them DELIVERED_MESSAGES count, which are more than a broker has on the way to us, and fewer than it has identifiers:
 * what was the last of an identifier before all of them were used again may look like another, from a sensor that is
 * constant.
 *
 * All of it is for the writer's thread, inside the transaction that stores the batch.
 */
enum { DELIVERED_BATCHES = 1024, DELIVERED_MESSAGES = 32768 };

/* A batch. Zero but for the broker's row id, it is empty. */
struct delivered {
	int64_t broker;
	struct buf now;    /* of this batch, in order */
	struct buf before; /* of those that are kept */
	bool read;         /* `before` is here */
};

/* Whether the message is stored already. Without DUP it costs nothing. An error of the database is "no", and db_failed's
 * to tell. */
bool delivered_has(struct delivered *d, struct db *db, const struct msg *m);
/* It is stored. */
void delivered_add(struct delivered *d, const struct msg *m);
/* Stores what was added. Not 0: the database failed. A broker whose row was deleted meanwhile is none. */
int delivered_store(const struct delivered *d, struct db *db, struct err *err);
void delivered_release(struct delivered *d);

/* The broker begins a new session, whose identifiers mean something else. */
int delivered_forget(struct db *db, int64_t broker, struct err *err);

#endif
