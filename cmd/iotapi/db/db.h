/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_DB_H
#define IOTAPI_DB_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* One SQLite connection with its prepared statements. For one thread at a time. */
struct db;

/* Opens (and with `write` makes) the database: WAL, synchronous=FULL, foreign keys, defensive; with `write` its files
 * are for their owner alone from then on. Waits up to five seconds for a lock of another process, here and in each
 * statement. Errors of this and of all below are ERR_FAILED, ERR_OUTPUT where there is no room on the disk, ERR_TIMEOUT
 * behind a deadline, ERR_USAGE for a file that cannot be
 * opened, and name the table. */
int db_open(struct db **out, const char *path, bool write, struct err *err);
/* Accepts NULL. */
void db_close(struct db *db);
/* As it was opened. */
const char *db_path(const struct db *db);

/* A transaction that writes. SQLite ends one by itself when the disk fails; what comes then is no part of it and fails
 * with the first error, instead of being committed alone. */
int db_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
/* Undoes all of it, also what is left of a failed one. */
void db_rollback(struct db *db);

/* -1, and the first error since db_forgive: who answers "no" by what he did not find asks whether it was looked for.
 * 0: there was none. */
int db_failed(const struct db *db, struct err *err);
void db_forgive(struct db *db);

/* From `at` (clock_ms) on statements fail with ERR_TIMEOUT, also those under way; 0: never. For what somebody waits for,
 * and may have made long. */
void db_set_deadline(struct db *db, int64_t at);

/* A prepared statement with its parameters bound, ready to step; cached and reset on its next
 * use, never finalized by the caller. `types` names the arguments: i int64_t, d double, s const
 * char * (NULL is null), t struct span as text, b struct span as blob, n null (no argument). The
 * SQL is constant text and identifiers of the schema table, never data. NULL on error. */
sqlite3_stmt *db_query(
    struct db *db, struct err *err, const char *sql, const char *types, ...);
/* 1: a row, 0: done, -1: error. After a row, reset the statement when no other is wanted: it holds a snapshot. */
int db_step(struct db *db, sqlite3_stmt *stmt, struct err *err);
/* db_query and db_step until done. */
int db_run(struct db *db, struct err *err, const char *sql, const char *types, ...);
/* The first column of the first row as an integer; `missing` without a row or on error, which db_failed tells. */
int64_t db_number(
    struct db *db, int64_t missing, const char *sql, const char *types, ...);

/* What this connection found out before under the same key (its SQL and what was bound), if nobody has written to the
 * database since; of the last few keys. *value lasts until the next call. db_remember is about the moment of the
 * db_recall before it, which found nothing. */
bool db_recall(struct db *db, struct span key, struct span *value);
void db_remember(struct db *db, struct span key, struct span value);

/* For who keeps what it has read: grows by one with each job of the writer (db_note_job), and with each transaction that
 * was undone. */
void db_note_job(struct db *db);
int64_t db_jobs(const struct db *db);

/* The id that the last INSERT made. */
int64_t db_last_id(struct db *db);
/* How many rows the last statement changed. */
int db_changes(struct db *db);

/* Of the current row; the bytes last until the next step. NULL is {NULL, 0}; a text ends with a NUL as well. */
struct span db_column_text(sqlite3_stmt *stmt, int column);
struct span db_column_blob(sqlite3_stmt *stmt, int column);
bool db_is_null(sqlite3_stmt *stmt, int column);

#endif
