/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CELL_H
#define CELL_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/schema.h"

/* A JSON value as the text of one cell: strings without quotes, numbers digit for digit as sent,
 * null empty, lists of scalars with commas, anything else compact JSON. */
void cell_put(struct buf *out, struct span value);

/* The cell of an object's member; false if it is absent or null. */
bool cell_member(struct span object, const char *name, struct buf *out);

/* The cell of a field; a write-only field that an answer holds all the same is masked. */
void cell_field(struct span object, const struct schema_field *f, struct buf *out);

#endif
