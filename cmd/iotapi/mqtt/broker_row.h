/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_ROW_H
#define IOTAPI_MQTT_BROKER_ROW_H

#include "model/broker_address.h"
#include "iotapi/app.h"
#include "iotapi/db/db.h"

/* An active broker's row: how it is reached. Owns its texts. */
struct broker_row {
	int64_t id;
	char *name;
	struct broker_address address; /* with the password, unsealed */
	int keepalive; /* seconds */
};

/* The columns that broker_row_read takes, in its order. */
#define BROKER_ROW_QUERY                                                                   \
	"SELECT id, nombre, host, port, protocol, use_tls, ca_cert, username, "          \
	"password_sealed, keepalive FROM broker WHERE is_active ORDER BY id"

/* The current row of that query. -1: its password cannot be unsealed. Release it in every case. */
int broker_row_read(const struct app *app, sqlite3_stmt *stmt, struct broker_row *out, struct err *err);
void broker_row_release(struct broker_row *x);

#endif
