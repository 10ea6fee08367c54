/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_VERB_H
#define IOTCTL_VERBS_VERB_H

#include "iotctl/ctl.h"

/* What every resource of the schema understands; the rows of the table of verbs in command.c. Each blocks. */
int verb_list(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err);
int verb_get(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err);
int verb_create(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err);
int verb_set(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err);
int verb_delete(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err);

/* Names and no field: ERR_USAGE otherwise. */
struct request;
int verb_need_names(const struct request *q, const char *verb, struct err *err);

#endif
