/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_BACKUP_H
#define IOTAPI_DB_BACKUP_H

#include "base/err.h"

/* Copies the database `path` to `to`, mode 0600, as it is at one moment, beside whoever reads and writes it.
 * `to` is there whole and on the disk, or not at all; ERR_USAGE when something is there already, ERR_OUTPUT when
 * it cannot be written. Blocks. */
int backup_make(const char *path, const char *to, struct err *err);

#endif
