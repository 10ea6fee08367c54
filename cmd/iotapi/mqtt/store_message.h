/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_STORE_MESSAGE_H
#define IOTAPI_MQTT_STORE_MESSAGE_H

#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/message.h"
#include "iotapi/db/db.h"
#include "iotapi/mqtt/device_cache.h"

/* Where messages come from, as templates; all borrowed. */
struct store_message {
	const struct topic_set *topics; /* the platform's own */
	struct topic **more;         /* the database's publish topics */
	size_t count;
	const struct reading_keys *keys; /* what members are for; NULL: the guide's names */
	struct device_cache *devices;
};

/* What EMQX tells of clients that come and go, to who may read it (filters; the last level is one of the two words).
 * Turned into presence, too. Other brokers have no such topics. */
#define STORE_CLIENT_CONNECTED "$SYS/brokers/+/clients/+/connected"
#define STORE_CLIENT_DISCONNECTED "$SYS/brokers/+/clients/+/disconnected"

/* Turns one message into rows, inside a transaction on the writer's thread: readings, presence, or a reject. Not 0
 * only when the database failed (ERR_FAILED). */
int store_message(
    struct db *db, const struct store_message *in, const struct msg *m, struct err *err);

#endif
