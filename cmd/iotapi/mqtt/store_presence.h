/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_STORE_PRESENCE_H
#define IOTAPI_MQTT_STORE_PRESENCE_H

#include "model/presence.h"
#include "iotapi/db/db.h"

/* Whether a device is online, offline or in error, written inside a transaction into both of its fields: the device's
 * connection_status and its configuration's. Times are as buf_time writes them. Not 0: the database failed. */

/* News of now: the device was heard at `seen`, or others say so of it (NULL). */
int store_presence(struct db *db, int64_t device, enum presence to, const char *seen,
    struct err *err);
/* What a retained status says, which may be as old as `since` (NULL: it does not say). That a device is online, of
 * before it was last heard, is no news: since then it went, or fell silent. */
int store_presence_retained(struct db *db, int64_t device, enum presence to,
    const char *since, struct err *err);

#endif
