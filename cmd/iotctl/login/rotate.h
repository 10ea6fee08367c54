/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_ROTATE_H
#define IOTCTL_LOGIN_ROTATE_H

#include <jansson.h>

#include "base/strv.h"
#include "iotctl/ctl.h"

/* Gives a device the password that an earlier change left pending, if there is one. Waits for other processes
 * that change passwords. After an error it is
 * pending still. */
int rotate_finish(struct ctl *c, json_int_t device, struct err *err);
/* Gives each a new password, or the one that is pending, at the API and in the credentials file. One that a rotation
 * over a broker has under way is refused. As jobs_each. */
int rotate_each(struct ctl *c, const struct strv *names, struct err *err);

#endif
