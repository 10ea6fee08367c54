/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_USERS_H
#define IOTAPI_API_USERS_H

#include "iotapi/db/db.h"

/* The people who may use the API, and their tokens. `db` is the writer in a transaction where something is changed,
 * else any connection. */

/* LONG is that of a program: it does not expire, and does what ACCESS does. */
enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH, TOKEN_LONG, TOKEN_KINDS };

/* How long tokens of this kind live that are made from now on, a second at least. Before serving. */
void users_set_life(enum token_kind kind, int64_t ms);

/* Makes a token for this person inside a transaction; free with mem_free_secret. NULL on error. */
char *users_token(struct db *db, int64_t person, enum token_kind kind, struct err *err);
/* Whose token this is: its person, or 0 when it is none of this kind, or expired. */
int64_t users_token_owner(struct db *db, const char *token, enum token_kind kind);
/* Deletes it, and all that have expired; "" for those alone. Not 0: the database failed. */
int users_token_drop(struct db *db, const char *token, struct err *err);
/* The id of an active person; 0 if there is none. */
int64_t users_find(struct db *db, const char *username);

/* iotapi user add: makes the person, or changes the password, which it asks the terminal for when there is no file.
 * Opens the database itself. ERR_USAGE: no good name or password. */
int users_add(const char *db_path, const char *username, const char *password_file,
    struct err *err);
/* iotapi token create: a token that does not expire; appends it and a newline to `out`. ERR_NOT_FOUND: no such
 * person. */
int users_make_token(const char *db_path, const char *username, struct buf *out,
    struct err *err);

#endif
