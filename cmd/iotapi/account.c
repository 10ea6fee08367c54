/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "iotapi/api/password.h"
#include "iotapi/api/users.h"
#include "iotapi/ask_password.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/store.h"

enum { DAY = 86400, NAME_MOST = 150 };

/* One change, as the writer makes it. */
struct change {
	const struct account_opts *opts;
	const char *name; /* of a user; a token's id */
	const char *hash; /* of the new password */
	char *token;      /* the new one */
	int64_t ended;    /* tokens for programs */
};

static int
make_change(struct change *c, int (*run)(struct db *db, void *arg, struct err *err),
    struct err *err)
{
	struct store *store = NULL;
	int failed =
	    store_open(&store, c->opts->db, err) || store_run(store, run, c, err);

	store_close(store);
	return failed ? -1 : 0;
}

/* The user's id; 0 with an error. */
static int64_t
need_user(struct db *db, const char *name, struct err *err)
{
	int64_t id = users_find(db, name);

	if (id == 0 && db_failed(db, err) == 0)
		err_set(err, ERR_NOT_FOUND,
		    _("there is no user '%s'; iotapi user add makes one"), name);
	return id;
}

static bool
is_username(const char *name)
{
	struct span s = span_of(name);

	return s.n != 0 && s.n <= NAME_MOST && strchr(name, ' ') == NULL &&
	    utf8_is_harmless_text(s);
}

static int
read_password(const struct account_opts *o, char **hash, struct err *err)
{
	char *password = NULL;
	int failed = o->password_file != NULL
	    ? file_read_secret(o->password_file, &password, err)
	    : ask_password(&password, err);

	*hash = failed ? NULL : password_person(password, err);
	mem_free_secret(password);
	return *hash != NULL ? 0 : -1;
}

static int
add(struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;
	char now[32];

	if (users_find(db, c->name) != 0)
		return err_set(err, ERR_USAGE,
		    _("there is a user '%s' already; iotapi user passwd changes the "
		      "password"),
		    c->name);
	return db_run(db, err,
	    "INSERT INTO person (username, password_hash, created_at, read_only) VALUES "
	    "(?1, ?2, ?3, ?4)",
	    "sssi", c->name, c->hash, rows_now(now), (int64_t)c->opts->read_only);
}

int
account_add(const struct account_opts *o, const char *name, struct err *err)
{
	struct change c = {.opts = o, .name = name};
	char *hash = NULL;
	int failed;

	if (!is_username(name))
		return err_set(err, ERR_USAGE,
		    _("'%s' is no user name: 1 to %d bytes without blanks and control "
		      "characters"),
		    name, NAME_MOST);
	failed = read_password(o, &hash, err);
	c.hash = hash;
	failed = failed || make_change(&c, add, err);
	free(hash);
	return failed ? -1 : 0;
}

static int
end_tokens(struct db *db, struct change *c, int64_t person, struct err *err)
{
	c->ended = db_number(db, 0,
	    "SELECT count(*) FROM token WHERE kind = 'long' AND person = ?1", "i",
	    person);
	return db_run(db, err, "DELETE FROM token WHERE person = ?1", "i", person);
}

static void
tell_ended(const struct change *c)
{
	if (c->ended != 0)
		log_warn(P_("%lld token of '%s' for programs ended, too",
			     "%lld tokens of '%s' for programs ended, too", c->ended),
		    (long long)c->ended, c->name);
}

static int
passwd(struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;
	int64_t id = need_user(db, c->name, err);

	return id == 0 ||
	    db_run(db, err,
		"UPDATE person SET password_hash = ?2, is_active = 1 WHERE id = ?1", "is",
		id, c->hash) ||
	    end_tokens(db, c, id, err);
}

int
account_passwd(const struct account_opts *o, const char *name, struct err *err)
{
	struct change c = {.opts = o, .name = name};
	char *hash = NULL;
	int failed = read_password(o, &hash, err);

	c.hash = hash;
	failed = failed || make_change(&c, passwd, err);
	free(hash);
	if (!failed)
		tell_ended(&c);
	return failed ? -1 : 0;
}

static int
disable(struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;
	int64_t id = need_user(db, c->name, err);

	return id == 0 ||
	    db_run(db, err, "UPDATE person SET is_active = 0 WHERE id = ?1", "i", id) ||
	    end_tokens(db, c, id, err);
}

int
account_disable(const struct account_opts *o, const char *name, struct err *err)
{
	struct change c = {.opts = o, .name = name};
	int failed = make_change(&c, disable, err);

	if (!failed)
		tell_ended(&c);
	return failed;
}

/* The tokens go with the row that they refer to. */
static int delete (struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;
	int64_t id = need_user(db, c->name, err);

	return id == 0 || db_run(db, err, "DELETE FROM person WHERE id = ?1", "i", id);
}

int
account_delete(const struct account_opts *o, const char *name, struct err *err)
{
	struct change c = {.opts = o, .name = name};

	return make_change(&c, delete, err);
}

/* The rows of a query whose columns are texts, below their names. */
static int
put_table(const struct account_opts *o, const char *names, const char *sql,
    struct buf *out, struct err *err)
{
	struct store *store = NULL;
	struct db *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int step = -1, i;

	if (store_open(&store, o->db, err) == 0)
		db = store_reader(store, err);
	if (db != NULL)
		stmt = db_query(db, err, sql, "i", clock_wall_us() / 1000000);
	if (stmt != NULL)
		buf_puts(out, names);
	while (stmt != NULL && (step = db_step(db, stmt, err)) == 1) {
		for (i = 0; i < sqlite3_column_count(stmt); i++) {
			buf_putc(out, i == 0 ? '\n' : '\t');
			visible_put(out, db_column_text(stmt, i));
		}
	}
	if (step == 0)
		buf_putc(out, '\n');
	else
		buf_clear(out);
	store_reader_done(store, db);
	store_close(store);
	return step;
}

#define ROLE(condition) "CASE WHEN " condition " THEN 'read-only' ELSE 'admin' END"

int
account_list(const struct account_opts *o, struct buf *out, struct err *err)
{
	return put_table(o, "NAME\tROLE\tSTATE\tCREATED",
	    "SELECT username, " ROLE("read_only") ", CASE WHEN is_active THEN 'active' "
						  "ELSE 'disabled' END, created_at FROM "
						  "person WHERE ?1 ORDER BY username",
	    out, err);
}

static int
token_create(struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;
	struct users_grant grant = {.kind = TOKEN_LONG,
	    .person = need_user(db, c->name, err),
	    .seconds = c->opts->days * DAY,
	    .read_only = c->opts->read_only};

	if (grant.person == 0)
		return -1;
	if (db_number(db, 0, "SELECT is_active FROM person WHERE id = ?1", "i",
		grant.person) == 0)
		return err_set(err, ERR_USAGE,
		    _("'%s' is disabled; iotapi user passwd lets a user in again"),
		    c->name);
	c->token = users_token(db, &grant, err);
	return c->token != NULL ? 0 : -1;
}

int
account_token_create(
    const struct account_opts *o, const char *name, struct buf *out, struct err *err)
{
	struct change c = {.opts = o, .name = name};
	int failed = make_change(&c, token_create, err);

	if (!failed)
		buf_printf(out, "%s\n", c.token);
	mem_free_secret(c.token);
	return failed;
}

int
account_token_list(const struct account_opts *o, struct buf *out, struct err *err)
{
	return put_table(o, "ID\tUSER\tROLE\tCREATED\tEXPIRES",
	    "SELECT t.handle, p.username, " ROLE(
		"t.read_only OR p.read_only") ", t.created_at, CASE WHEN t.expires = "
					      "9223372036854775807 THEN 'never' ELSE "
					      "strftime('%Y-%m-%dT%H:%M:%SZ', t.expires, "
					      "'unixepoch') END FROM token t JOIN "
					      "person p ON p.id = t.person WHERE t.kind "
					      "= 'long' AND t.expires > ?1 ORDER BY "
					      "p.username, t.created_at",
	    out, err);
}

static int
token_revoke(struct db *db, void *arg, struct err *err)
{
	struct change *c = arg;

	if (db_run(db, err, "DELETE FROM token WHERE handle = ?1", "s", c->name))
		return -1;
	return db_changes(db) != 0
	    ? 0
	    : err_set(err, ERR_NOT_FOUND,
		  _("there is no token '%s'; iotapi token list shows their ids"),
		  c->name);
}

int
account_token_revoke(const struct account_opts *o, const char *id, struct err *err)
{
	/* A whole token is a secret that nobody should see in an error: its first part is its id. */
	char handle[TOKEN_HANDLE + 1];
	struct change c = {.opts = o, .name = handle};

	snprintf(handle, sizeof(handle), "%s", id);
	return make_change(&c, token_revoke, err);
}
