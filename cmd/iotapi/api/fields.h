/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_FIELDS_H
#define IOTAPI_API_FIELDS_H

#include <jansson.h>

#include "base/buf.h"
#include "model/field_errs.h"
#include "model/schema.h"
#include "iotapi/app.h"
#include "iotapi/db/db.h"

/* What the schema table cannot say: how derived fields are made, how secrets are kept, and what must
 * hold between fields. */

/* The SQL expression of a field's value, over the resource's table named t. */
void fields_sql(struct buf *out, const struct schema_resource *r, const struct schema_field *f);
/* Whether the field belongs into this form of an answer. */
bool fields_shown(
    const struct schema_resource *r, const struct schema_field *f, bool detail);
/* Writes the value that fields_sql selected. Not 0: the database failed. */
int fields_put(struct buf *out, struct db *db, const struct schema_resource *r,
    const struct schema_field *f, sqlite3_stmt *stmt, int column, struct err *err);

/* An assignment of a sensor to a device, from a statement that begins with this. */
#define FIELDS_ASSIGNMENTS                                                               \
	"SELECT a.id, a.dispositivo, a.sensor, d.nombre, s.nombre, a.configuracion_json, "   \
	"a.fecha_asignacion, a.activo FROM assignment a JOIN device d ON d.id = "            \
	"a.dispositivo JOIN sensor s ON s.id = a.sensor"
int fields_put_assignment(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, struct err *err);

/* Replaces secrets in `values` by what is stored of them: hashes, or sealed with the key. Slow (key
 * derivation), so before the transaction; `db` is a reader, `id` 0 for a new object. */
int fields_protect(struct app *app, struct db *db, const struct schema_resource *r, int64_t id,
    json_t *values, struct err *err);

/* How many secrets are sealed, and how many of them this key does not open. */
struct sealed {
	int64_t n, shut;
	char first[64]; /* of those: "broker.password of 3" */
};
/* `seal` NULL: no key opens anything. */
int fields_sealed(
    struct db *db, const struct secretbox *seal, struct sealed *out, struct err *err);

/* References exist, unique values are free, and the resource's own rules. `id` is 0 for a new
 * object. Wrong fields go to `errs`. */
int fields_check(struct db *db, const struct schema_resource *r, int64_t id,
    const json_t *values, struct field_errs *errs, struct err *err);

#endif
