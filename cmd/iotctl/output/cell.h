/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_CELL_H
#define IOTCTL_OUTPUT_CELL_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/schema.h"

/* Appends a JSON value as the text of one cell: strings without quotes, numbers digit for digit as sent,
 * null empty, lists of scalars with commas, anything else compact JSON. */
void cell_put(struct buf *out, struct span value);

/* Appends the cell of an object's member; false if it is absent or null. */
bool cell_member(struct span object, const char *name, struct buf *out);

/* Whether a field is a secret that the answer holds all the same. */
bool cell_is_secret(const struct schema_field *f, struct span value);

/* Appends the cell of a field as it was sent; a secret is masked unless `open`. */
void cell_field(
    struct span object, const struct schema_field *f, bool open, struct buf *out);

/* Whether a field is a time that does not say its zone. */
bool cell_is_zoneless(struct span object, const struct schema_field *f);

/* Appends the cell of a field for people: the word of a choice, a time in the user's zone. `zone` (may be
 * NULL) is that of times without one. */
void cell_words(struct span object, const struct schema_field *f, const char *zone,
    bool open, struct buf *out);

#endif
