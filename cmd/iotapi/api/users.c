/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/users.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/password.h"
#include "iotapi/db/rows.h"

static struct {
	const char *name;
	_Atomic int64_t seconds; /* 0: for ever */
} kinds[TOKEN_KINDS] = {
    [TOKEN_ACCESS] = {"access", 3600},
    [TOKEN_REFRESH] = {"refresh", 86400},
    [TOKEN_LONG] = {"long", 0},
};

void
users_set_life(enum token_kind kind, int64_t ms)
{
	kinds[kind].seconds = ms / 1000 > 0 ? ms / 1000 : 1;
}

static int64_t
now_s(void)
{
	return clock_wall_us() / 1000000;
}

char *
users_token(struct db *db, const struct users_grant *grant, struct err *err)
{
	const int64_t life =
	    grant->seconds != 0 ? grant->seconds : kinds[grant->kind].seconds;
	int64_t expires = life != 0 ? now_s() + life : INT64_MAX;
	unsigned char hash[TOKEN_HASH];
	char *token = password_token_make(err);
	char now[32];

	if (token == NULL)
		return NULL;
	if (!password_token_hash(token, hash)) {
		err_set(err, ERR_FAILED, _("cannot hash a token"));
	} else if (db_run(db, err,
		       "INSERT INTO token (handle, hash, person, kind, expires, "
		       "created_at, read_only) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		       "tbisisi", (struct span){token, TOKEN_HANDLE},
		       (struct span){(const char *)hash, sizeof(hash)}, grant->person,
		       kinds[grant->kind].name, expires, rows_now(now),
		       (int64_t)grant->read_only) == 0) {
		return token;
	}
	mem_free_secret(token);
	return NULL;
}

int64_t
users_token_owner(struct db *db, const char *token, enum token_kind kind, bool *read_only)
{
	unsigned char hash[TOKEN_HASH];
	sqlite3_stmt *stmt;
	int64_t person = 0;

	*read_only = true;
	if (!password_token_hash(token, hash))
		return 0;
	stmt = db_query(db, NULL,
	    "SELECT t.hash, t.person, t.kind, t.read_only OR p.read_only FROM token t "
	    "JOIN person p ON p.id = t.person WHERE t.handle = ?1 AND t.expires > ?2 AND "
	    "p.is_active",
	    "ti", (struct span){token, TOKEN_HANDLE}, now_s());
	if (stmt != NULL && db_step(db, stmt, NULL) == 1) {
		struct span stored = db_column_blob(stmt, 0);
		struct span name = db_column_text(stmt, 2);

		if (stored.n == TOKEN_HASH &&
		    password_token_same((const unsigned char *)stored.p, hash) &&
		    (span_is(name, kinds[kind].name) ||
			(kind == TOKEN_ACCESS && span_is(name, "long")))) {
			person = sqlite3_column_int64(stmt, 1);
			*read_only = sqlite3_column_int(stmt, 3) != 0;
		}
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return person;
}

/* The old one goes, and with it all that have expired. */
int
users_token_drop(struct db *db, const char *token, struct err *err)
{
	return db_run(db, err, "DELETE FROM token WHERE handle = ?1 OR expires <= ?2",
	    "ti", (struct span){token, strnlen(token, TOKEN_HANDLE)}, now_s());
}

int64_t
users_find(struct db *db, const char *username)
{
	return db_number(
	    db, 0, "SELECT id FROM person WHERE username = ?1", "s", username);
}
