/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_OBJECT_H
#define IOTAPI_API_OBJECT_H

#include "base/buf.h"
#include "model/schema.h"
#include "iotapi/db/db.h"

/* Objects of the schema table as the API shows them: columns, and fields that are made of others (names, labels,
 * whole objects inside). `detail` is the form of one object, else that of a list. All append to `out` and, where
 * they return an int, -1 is a failure of the database (ERR_FAILED), or that what belongs to an object, such as its
 * sensors, is longer than OBJECT_MOST (ERR_REFUSED), and leaves half an object in `out`. */
enum { OBJECT_MOST = 8 << 20 };

/* "SELECT ... FROM table t": one column for each field of an answer. Lasts as long as the program. */
const char *object_select(const struct schema_resource *r, bool detail);
/* The object in the current row of such a statement, as JSON. */
int object_put(struct buf *out, struct db *db, const struct schema_resource *r,
    sqlite3_stmt *stmt, bool detail, struct err *err);
/* The object with this id. 1: it is there, 0: it is not, -1: the database failed. */
int object_get(struct buf *out, struct db *db, const struct schema_resource *r, int64_t id,
    bool detail, struct err *err);
/* The SQL expression of one field's value, over the resource's table named t. */
void object_field_sql(
    struct buf *out, const struct schema_resource *r, const struct schema_field *f);

/* An assignment of a sensor to a device, from a statement that begins with this. */
#define OBJECT_ASSIGNMENTS                                                               \
	"SELECT a.id, a.dispositivo, a.sensor, d.nombre, s.nombre, a.configuracion_json, "   \
	"a.fecha_asignacion, a.activo FROM assignment a JOIN device d ON d.id = "            \
	"a.dispositivo JOIN sensor s ON s.id = a.sensor"
int object_put_assignment(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, struct err *err);

#endif
