/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_KEPT_FILTERS_H
#define IOTAPI_MQTT_KEPT_FILTERS_H

#include <stdint.h>

#include "base/strv.h"
#include "iotapi/db/db.h"

/* What the kept session at a broker is subscribed to. No broker tells that: a topic that is deleted while nobody is connected
 * would stay subscribed, and its messages come for ever. */

/* Adds them to `out`; none when nothing was stored. An error of the database is db_failed's to tell. */
void kept_filters_read(struct db *db, int64_t broker, struct strv *out);
/* These from now on. For the writer's thread. Not 0: the database failed. A broker whose row was deleted meanwhile has none. */
int kept_filters_store(struct db *db, int64_t broker, const struct strv *filters, struct err *err);

#endif
