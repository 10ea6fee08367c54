/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SYNC_SYNC_LOCK_H
#define IOTCTL_SYNC_SYNC_LOCK_H

#include "base/err.h"

/* Each returns a descriptor that holds the lock until it is closed, or -1: ERR_FAILED when another process holds it,
 * which is not waited for, or the place cannot be locked. */

/* For this user. */
int sync_lock_context(const char *context, struct err *err);
/* For all users of this machine: a directory that is there, ... */
int sync_lock_dir(const char *path, struct err *err);
/* ... or a server, by the words for it. */
int sync_lock_url(const char *url, struct err *err);

#endif
