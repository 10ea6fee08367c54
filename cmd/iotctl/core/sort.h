/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ORDER_H
#define ORDER_H

#include "iotctl/core/lookup.h"

/* "[-]FIELD" of --sort: the field, by name or alias, or NULL with `err` (ERR_USAGE). */
const struct schema_field *order_field(
    const struct schema_resource *r, const char *order, struct err *err);

/* Sorts objects by a field: numbers by value, texts by their bytes, those without one first; equals
 * keep their order. */
void order_objects(struct objects *o, const struct schema_field *f, bool downwards);

#endif
