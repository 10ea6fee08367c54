/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_VALUE_H
#define IOTCTL_CORE_VALUE_H

#include <jansson.h>
#include "model/field_errs.h"
#include "iotctl/core/request.h"

/* The value of one assignment as JSON, references looked up (decref): may read a file or stdin, ask on the
 * terminal, or ask the API, and blocks. NULL with either a field
 * error more, or `err`. For += and -= the list of what to add or drop. */
json_t *value_of(struct ctl *c, const struct assign *a, struct field_errs *errs,
    struct err *err);

/* validate_value, but a time without a zone stays as it is: it is the backend's own, as those that
 * the API sends. So does a whole number where any number is wanted. */
json_t *value_checked(
    const struct schema_field *f, json_t *raw, struct field_errs *errs);

/* A text as the value of a field, references looked up. */
json_t *value_of_text(struct ctl *c, const struct schema_field *f, const char *text,
    struct field_errs *errs, struct err *err);

/* The text that a file holds for a field: a secret's first line, anything else without its final
 * newline, a PEM with it (mem_free_secret). A secret's file that others may read is refused. */
int value_file(
    const struct schema_field *f, const char *path, char **out, struct err *err);

#endif
