/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_UPGRADE_H
#define IOTAPI_DB_UPGRADE_H

#include "iotapi/db/db.h"

/* Brings the tables of an older database to today's columns, with one line of the log for each step, behind a
 * copy of it as it was, FILE.before-DATE. Inside a transaction with foreign_keys off and legacy_alter_table on; the
 * attached databases `wanted` and `loose` have today's tables, the latter without NOT NULL where rows that exist
 * already have no value, `wanted` today's indexes, too. Indexes and triggers of others stay, also those of a table that is
 * built anew, unless SQLite refuses them there, which is told. ERR_USAGE: it has columns that nobody knows, or rows that
 * cannot be kept. */
int upgrade_run(struct db *db, struct err *err);

#endif
