/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_CONFIRM_H
#define IOTCTL_CORE_CONFIRM_H

#include "iotctl/ctl.h"

/* Asks a question, "...? [y/N]", on the terminal. 0: yes, "s" for "si" as well; ERR_FAILED with the text `no`
 * for any other answer; ERR_USAGE without a terminal. Blocks. */
int confirm(const char *question, const char *no, struct err *err);

/* Asks whether to delete an object; with --yes asks nothing. ERR_FAILED: it is kept. Blocks. */
int confirm_delete(const struct ctl *c, const struct schema_resource *r, const char *label,
    struct err *err);

#endif
