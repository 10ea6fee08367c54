/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_EMQX_H
#define IOTCTL_ACL_ACL_EMQX_H

#include <jansson.h>

#include "access/access.h"

/* A login's rules as EMQX's built-in database keeps them and answers with them, all else denied behind them
 * (json_decref). */
json_t *acl_emqx(const struct access *a);

#endif
