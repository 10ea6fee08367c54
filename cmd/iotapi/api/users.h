/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "iotapi/db/db.h"

enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH, TOKEN_LONG, TOKEN_KINDS };

/* How long tokens of this kind live that are made from now on, a second at least. Before serving. */
void people_set_life(enum token_kind kind, int64_t ms);

/* Makes a token for this person inside a transaction; free with secret_free. NULL on error. */
char *people_token(struct db *db, int64_t person, enum token_kind kind, struct err *err);
/* Whose token this is: its person, or 0 when it is none of this kind, or expired. */
int64_t people_token_owner(struct db *db, const char *token, enum token_kind kind);
/* Deletes it, and all that have expired; "" for those alone. */
int people_token_drop(struct db *db, const char *token, struct err *err);
/* The id of an active person; 0 if there is none. */
int64_t people_find(struct db *db, const char *username);

/* iotapi user add: makes the person, or changes the password. */
int people_add(const char *db_path, const char *username, const char *password_file,
    struct err *err);
/* iotapi token create: a token that does not expire; appends it and a newline to `out`. */
int people_make_token(const char *db_path, const char *username, struct buf *out,
    struct err *err);

#endif
