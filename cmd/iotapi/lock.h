/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_LOCK_H
#define IOTAPI_LOCK_H

#include "base/err.h"

/* Takes the right to serve a database, which one process at a time has: a lock on FILE.lock beside it, made with mode
 * 0600 and left there. A descriptor that holds the lock until it is closed, or the process ends, however it does; -1:
 * ERR_FAILED, and which process serves it, or ERR_USAGE. The directory is made. Does not wait. */
int lock_take(const char *db, struct err *err);

#endif
