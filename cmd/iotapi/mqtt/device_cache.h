/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_DEVICE_CACHE_H
#define IOTAPI_MQTT_DEVICE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "iotapi/db/db.h"

/* What messages are looked up by: devices with the sensors they have, as the database has them. It is asked again once
 * anything else than batches of messages was written. For the writer's thread. */
struct device_cache;

struct known_device {
	int64_t id;
	struct known_sensor {
		char *suffix; /* its name in payloads */
		int64_t id;
		double min, max;
	} *sensors; /* by id */
	size_t n;
	char *name; /* in topics */
};

struct device_cache *device_cache_new(void);
/* Accepts NULL. */
void device_cache_free(struct device_cache *c);
/* At the beginning of each batch's transaction, or savepoint: forgets what may have changed. */
void device_cache_begin(struct device_cache *c, struct db *db);
/* By the topic's id: identificador_unico, else mqtt_client_id. NULL: there is none, MQTT is off for it, or the database
 * failed, which db_failed tells. Until the next call. */
const struct known_device *device_cache_find(
    struct device_cache *c, struct db *db, struct span id);

#endif
