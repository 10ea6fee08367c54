/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_USERS_H
#define IOTAPI_API_USERS_H

#include "iotapi/db/db.h"

/* The people who may use the API, and their tokens. `db` is the writer in a transaction where something is changed,
 * else any connection. There are two roles: who may do everything, and who may only read. */

/* LONG is that of a program: it does not expire unless it is told to, and does what ACCESS does. */
enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH, TOKEN_LONG, TOKEN_KINDS };

/* How long tokens of this kind live that are made from now on, a second at least. Before serving. */
void users_set_life(enum token_kind kind, int64_t ms);

/* What a new token is for. */
struct users_grant {
	int64_t person;
	enum token_kind kind;
	int64_t seconds; /* it lives; 0: as its kind does */
	bool read_only;  /* even where the person is not */
};

/* Makes a token; free with mem_free_secret. NULL on error. */
char *users_token(struct db *db, const struct users_grant *grant, struct err *err);
/* Whose token this is: its person, or 0 when it is none of this kind, or expired, or the person is not active. */
int64_t users_token_owner(
    struct db *db, const char *token, enum token_kind kind, bool *read_only);
/* Deletes it, and all that have expired; "" for those alone. Not 0: the database failed. */
int users_token_drop(struct db *db, const char *token, struct err *err);
/* The id of a person, active or not; 0 if there is none. */
int64_t users_find(struct db *db, const char *username);

#endif
