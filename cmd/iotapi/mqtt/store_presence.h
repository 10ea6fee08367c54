/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_STORE_PRESENCE_H
#define IOTAPI_MQTT_STORE_PRESENCE_H

#include "model/presence.h"
#include "iotapi/db/db.h"

/* Writes whether a device is online, offline or in error, inside a transaction, into both of its fields: the
 * device's connection_status and its configuration's. `seen` (as buf_time writes it; NULL: not now) is when the
 * device was heard. Not 0: the database failed. */
int store_presence(struct db *db, int64_t device, enum presence to, const char *seen,
    struct err *err);

#endif
