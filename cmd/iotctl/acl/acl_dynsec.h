/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_DYNSEC_H
#define IOTCTL_ACL_ACL_DYNSEC_H

#include <jansson.h>

#include "access/access.h"

/* A login's rules as the "acls" of a role of mosquitto's dynamic security, which denies what none of them
 * allows (json_decref; NULL on error). Adds to `loss` what that cannot say (enum acl_file_loss), to `left_out` the
 * rules that it would not take, each with its error line. */
json_t *acl_dynsec(
    const struct access *a, unsigned *loss, size_t *left_out, struct err *err);

#endif
