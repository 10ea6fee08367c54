/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_CONFIRM_H
#define IOTCTL_CORE_CONFIRM_H

#include "iotctl/ctl.h"

/* Asks on the terminal whether to delete an object, without --yes. ERR_FAILED: it is kept. Blocks. */
int confirm_delete(const struct ctl *c, const struct schema_resource *r, const char *label,
    struct err *err);

#endif
