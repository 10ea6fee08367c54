/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_REFERRERS_H
#define IOTCTL_CORE_REFERRERS_H

#include "iotctl/core/lookup.h"

/* Appends what refers to an object, as a person reads it: "credential 'ESP32_001', 25 readings"; nothing if
 * nothing does. Blocks; in a job others go on. The Django backend deletes most of that with it. Resources that the API does not
 * have, or does not show, are left out. */
int referrers_list(struct ctl *c, const struct schema_resource *r, json_int_t id,
    struct buf *out, struct err *err);

#endif
