/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_WRITE_H
#define IOTCTL_CORE_WRITE_H

#include "model/field_errs.h"
#include "iotctl/core/request.h"

/* The values of all assignments, in order (each NULL, with one field error more, or to be decref'ed). */
int write_values(struct ctl *c, const struct request *q, json_t **values,
    struct field_errs *errs, struct err *err);
void write_values_free(json_t **values, size_t n);

/* Puts one value into a body; `current` (may be NULL) is what lists are changed from. */
void write_member(json_t *body, const struct assign *a, json_t *value, json_t *current);

/* Sends a body, or shows the request in a dry run. */
int write_send(struct ctl *c, const struct schema_resource *r, const char *method,
    const char *path, const char *doing, json_t *body, struct rest_reply *reply,
    struct err *err);

/* Says what was done, or shows the object where a format was asked for. */
int write_result(struct ctl *c, const struct schema_resource *r, const char *what,
    const struct rest_reply *reply, struct err *err);

#endif
