/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_CREDENTIAL_CHECK_H
#define IOTCTL_VERBS_CREDENTIAL_CHECK_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* Before a body is sent that makes or changes an object, `current` as it is (NULL: a new one): of a credential that uses
 * a device's certificate, whether certificate, key and client id fit together. Of any other object nothing. ERR_USAGE. */
int credential_check(const struct schema_resource *r, const json_t *current,
    const json_t *body, struct err *err);

#endif
