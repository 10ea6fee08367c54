/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_WRITE_H
#define IOTCTL_CORE_WRITE_H

#include "model/field_errs.h"
#include "iotctl/core/request.h"

/* What create, set, apply and provision share: from assignments to a body, and from a body to an answer. */

/* The values of all assignments, in order (each NULL, with one field error more, or to be decref'ed by
 * write_values_free). -1 with `err`: what could not even be looked up, or read. */
int write_values(struct ctl *c, const struct request *q, json_t **values,
    struct field_errs *errs, struct err *err);
void write_values_free(json_t **values, size_t n);

/* Puts one value into a body, which holds it too from now on; `current` (may be NULL) is what lists are
 * changed from. */
void write_member(json_t *body, const struct assign *a, json_t *value, json_t *current);

/* --dry-run: what would be sent, on stdout. `body` may be NULL. */
void write_show(const char *method, const char *path, const char *body);

/* Sends a body as ctl_call does and takes the object that comes back, which points into `reply`; what the
 * server made of the body is for equal_check to see. ERR_PROTOCOL: no object came. A dry run shows the
 * request, secrets masked, in the job's turn; then the object is absent. */
int write_object(struct ctl *c, const struct schema_resource *r, const char *method,
    const char *path, const char *doing, json_t *body, struct rest_reply *reply,
    struct span *object, struct err *err);

/* Says what was done, or shows the object where a format was asked for. */
int write_result(struct ctl *c, const struct schema_resource *r, enum ctl_done done,
    struct span object, struct err *err);

#endif
