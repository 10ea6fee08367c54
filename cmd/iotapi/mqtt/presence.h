/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_PRESENCE_H
#define IOTAPI_MQTT_PRESENCE_H

#include "iotapi/db/db.h"

/* One truth about a device's link, mirrored into its two fields: the device's connection_status
 * (online, offline, error) and its configuration's (connected, disconnected, error). */
enum presence { PRESENCE_CONNECTED, PRESENCE_DISCONNECTED, PRESENCE_ERROR, PRESENCES };

/* The configuration's word for it: "connected", "disconnected", "error". */
extern const char *const presence_words[PRESENCES];
/* By that word; -1 if it is none. */
int presence_by_word(const char *word);

/* Writes it, inside a transaction. `seen` (RFC 3339; NULL: not now) is when the device was heard. */
int presence_set(struct db *db, int64_t device, enum presence to, const char *seen,
    struct err *err);

#endif
