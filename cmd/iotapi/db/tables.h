/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_TABLES_H
#define IOTAPI_DB_TABLES_H

#include "base/buf.h"
#include "base/err.h"
#include "model/schema.h"
#include "iotapi/db/db.h"

/* Makes the tables of a new database: one for each resource of the schema, and the server's own. An older one gets
 * what it lacks (upgrade.h). Refuses, and does not change, a database of a later version or of another program
 * (ERR_USAGE). Not inside a transaction; whoever fails is to be closed. */
int tables_make(struct db *db, struct err *err);

/* Appends a resource's table, quoted: "device-config". */
void tables_name(struct buf *out, const struct schema_resource *r);
/* Whether a field is a column of its resource's table. */
bool tables_has(const struct schema_field *f);
/* Whether a time is kept as microseconds since 1970, an INTEGER, and not as text: that of readings, of which there are
 * millions, and whose indexes have it, too. */
bool tables_is_moment(const struct schema_field *f);

#endif
