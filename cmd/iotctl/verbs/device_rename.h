/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_DEVICE_RENAME_H
#define IOTCTL_VERBS_DEVICE_RENAME_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* What goes by a device's id when that has changed: the client id of its credential, the topics of its EMQX
 * account's rules, its row of the credentials file. Its device-config refers to its number, and needs nothing. Says
 * what it changed; a dry run shows the requests. Blocks; in a job others go on. */
int device_rename(struct ctl *c, json_int_t device, const char *from, const char *to,
    struct err *err);
/* The rest of one that stopped in between: the device is `to` by now. False: nothing of it goes by `from`, so that it may
 * be another device altogether. `is_name`: it is a name that the device has, by which things may go on purpose, so that only
 * its login under `from` tells of one. What failed is in err. Blocks as that. */
bool device_rename_go_on(struct ctl *c, json_int_t device, const char *from,
    const char *to, bool is_name, struct err *err);

#endif
