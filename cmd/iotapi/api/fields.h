/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_FIELDS_H
#define IOTAPI_API_FIELDS_H

#include <jansson.h>

#include "model/field_errs.h"
#include "model/schema.h"
#include "iotapi/db/db.h"

/* What must hold before an object is written and the schema table cannot say: references exist, unique values
 * are free, and the rules between a resource's fields. `values` are those that validate_body let pass; `id` is
 * 0 for a new object. Wrong fields go to `errs`; not 0: the database failed (ERR_FAILED). Inside the
 * transaction that writes the object, so that it still holds then. */
int fields_check(struct db *db, const struct schema_resource *r, int64_t id,
    const json_t *values, struct field_errs *errs, struct err *err);

#endif
