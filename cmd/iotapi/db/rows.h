/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_ROWS_H
#define IOTAPI_DB_ROWS_H

#include <jansson.h>

#include "base/buf.h"
#include "model/schema.h"
#include "iotapi/db/db.h"

/* Objects of the schema table as rows: the SQL is made of its identifiers only. `db` is the writer in a transaction
 * where something is changed. Not 0: the database failed (ERR_FAILED). */

/* False also when the database fails. */
bool rows_exists(struct db *db, const struct schema_resource *r, int64_t id);

/* Puts in what `values` lacks of a new object: the schema's presets, times. */
void rows_complete(const struct schema_resource *r, json_t *values);
/* *id is the new object's. `values` are columns by name, as validate_body and secrets_protect left them. */
int rows_insert(struct db *db, const struct schema_resource *r, const json_t *values,
    int64_t *id, struct err *err);
/* Sets updated_at, too. */
int rows_update(struct db *db, const struct schema_resource *r, int64_t id, json_t *values,
    struct err *err);
/* Binds a value by its JSON type; `f` (may be NULL) says when it is kept as JSON text, or a time as a
 * number. */
void rows_bind(sqlite3_stmt *stmt, int at, const struct schema_field *f, const json_t *v);
/* Now, as times are stored and answered; into `out`, which it returns. */
const char *rows_now(char out[32]);

#endif
