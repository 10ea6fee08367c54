/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_SORT_H
#define IOTCTL_CORE_SORT_H

#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"

/* "[-]FIELD" of --sort: the field, by name or alias, or NULL with `err` (ERR_USAGE). */
const struct schema_field *sort_field(
    const struct schema_resource *r, const char *order, struct err *err);

/* Sorts objects by a field: numbers by value, texts by their bytes, those without one first; equals
 * keep their order. */
void sort_objects(struct objects *o, const struct schema_field *f, bool downwards);

#endif
