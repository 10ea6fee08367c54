/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_UPKEEP_H
#define IOTAPI_UPKEEP_H

#include "base/buf.h"
#include "base/err.h"

/* What keeps a database over the years; beside a server that runs. Both block. */

/* Copies the database to `to` and its key to `to`.key, mode 0600: both, or none (backup.h). ERR_USAGE also for a key
 * that is missing where something is sealed with it. */
int upkeep_backup(const char *path, const char *key, const char *to, struct err *err);

/* Looks whether the database is whole, its references and sealed secrets are good, and nobody else may read its
 * files; changes nothing. A line in `out` for each thing that is wrong, and ERR_FAILED; else the line "ok". */
int upkeep_check(const char *path, const char *key, struct buf *out, struct err *err);

#endif
