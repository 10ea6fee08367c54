/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_VALIDATE_H
#define MODEL_VALIDATE_H

#include <jansson.h>

#include "model/field_errs.h"
#include "model/schema.h"

enum {
	VALIDATE_REFS = 256,   /* references in a list */
	VALIDATE_UNKNOWN = 64, /* unknown fields that are named; of the others, how many */
};

/* Checks a request body against the schema: types (as lenient as DRF: "8883" is an integer, 123 a
 * string), limits, choices, ids, templates, unknown fields; reports all of them. Read-only fields are
 * dropped silently, so that what was read can be sent back. With
 * `partial` (PATCH, PUT) absent required fields are fine. References are checked for their type
 * only. Returns a new object that holds the good values in canonical types (decref). */
json_t *validate_body(const struct schema_resource *r, json_t *body, bool partial,
    struct field_errs *errs);

/* One value; the canonical value (decref) or NULL with one error more. */
json_t *validate_value(const struct schema_field *f, json_t *value, struct field_errs *errs);

/* The text of a command line as the field's JSON type: for iotctl's FIELD=TEXT. NULL on error.
 * References that are not numbers stay strings, for the caller to look up. */
json_t *validate_text(const struct schema_field *f, const char *text, struct field_errs *errs);

#endif
