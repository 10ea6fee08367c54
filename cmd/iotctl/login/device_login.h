/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_DEVICE_LOGIN_H
#define IOTCTL_LOGIN_DEVICE_LOGIN_H

#include "iotctl/core/lookup.h"

/* What becomes of a device's row of the credentials file, and of a password that is pending for it, when the
 * device is gone or has another id. A file of another platform is left alone. Both wait for the file's lock, tell
 * what they did, and a failure, not more: the platform has done its part. */

/* `object` is gone; nothing happens if it was no device, or with --keep-credentials. */
void device_login_forget(
    struct ctl *c, const struct schema_resource *r, struct span object);
/* The row, and a client id that was the device's id, go by the new one. */
void device_login_rename(struct ctl *c, const char *from, const char *to);
/* Whether a rename stopped before it came to the file: it has a row of `from` and none of `to`, with the login that
 * the platform has of `to`, by one of these credentials or the account (id 0: none). */
bool device_login_is_left(struct ctl *c, const char *from, const char *to,
    const struct objects *credentials, const struct lookup_found *account);

#endif
