/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The people who may use the API, their tokens, and the commands that make both. */
#include "iotapi/api/users.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "iotapi/api/password.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/store.h"

static struct {
	const char *name;
	int64_t seconds; /* 0: for ever */
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
users_token(struct db *db, int64_t person, enum token_kind kind, struct err *err)
{
	int64_t expires =
	    kinds[kind].seconds != 0 ? now_s() + kinds[kind].seconds : INT64_MAX;
	unsigned char hash[TOKEN_HASH];
	char *token = password_token_make(err);
	char now[32];

	if (token == NULL)
		return NULL;
	if (!password_token_hash(token, hash)) {
		err_set(err, ERR_FAILED, _("cannot hash a token"));
	} else if (db_run(db, err,
		       "INSERT INTO token (handle, hash, person, kind, expires, "
		       "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		       "tbisis", (struct span){token, TOKEN_HANDLE},
		       (struct span){(const char *)hash, sizeof(hash)}, person,
		       kinds[kind].name, expires, rows_now(now)) == 0) {
		return token;
	}
	mem_free_secret(token);
	return NULL;
}

int64_t
users_token_owner(struct db *db, const char *token, enum token_kind kind)
{
	unsigned char hash[TOKEN_HASH];
	sqlite3_stmt *stmt;
	int64_t person = 0;

	if (!password_token_hash(token, hash))
		return 0;
	stmt = db_query(db, NULL,
	    "SELECT t.hash, t.person, t.kind FROM token t JOIN person p ON p.id = "
	    "t.person WHERE t.handle = ?1 AND t.expires > ?2 AND p.is_active",
	    "ti", (struct span){token, TOKEN_HANDLE}, now_s());
	if (stmt != NULL && db_step(db, stmt, NULL) == 1) {
		struct span stored = db_column_blob(stmt, 0);
		struct span name = db_column_text(stmt, 2);

		if (stored.n == TOKEN_HASH &&
		    password_token_same((const unsigned char *)stored.p, hash) &&
		    (span_is(name, kinds[kind].name) ||
			(kind == TOKEN_ACCESS && span_is(name, "long"))))
			person = sqlite3_column_int64(stmt, 1);
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
	return db_number(db, 0, "SELECT id FROM person WHERE username = ?1 AND is_active",
	    "s", username);
}

/* One line from the terminal, without echo. Free with mem_free_secret. */
static char *
ask(FILE *tty, const char *question)
{
	struct termios was, silent;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (tcgetattr(fileno(tty), &was) != 0)
		return NULL;
	silent = was;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs(question, tty);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	n = getline(&line, &room, tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &was);
	fputc('\n', tty);
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (n <= 0) {
		free(line);
		return NULL;
	}
	return line;
}

static int
ask_password(char **out, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	char *again;
	int failed = 0;

	*out = NULL;
	if (tty == NULL)
		return err_set(err, ERR_USAGE,
		    _("no terminal to ask for the password; give --password-file"));
	*out = ask(tty, _("Password: "));
	again = ask(tty, _("Again: "));
	fclose(tty);
	if (*out == NULL || again == NULL || **out == '\0')
		failed = err_set(err, ERR_USAGE, _("no password was given"));
	else if (strcmp(*out, again) != 0)
		failed = err_set(err, ERR_USAGE, _("the two passwords differ"));
	mem_free_secret(again);
	return failed;
}

struct addition {
	const char *username, *hash;
};

static int
add_person(struct db *db, void *arg, struct err *err)
{
	struct addition *a = arg;
	char now[32];

	/* Who has a new password logs in again. */
	return db_run(db, err,
		   "INSERT INTO person (username, password_hash, created_at) VALUES "
		   "(?1, ?2, ?3) ON CONFLICT (username) DO UPDATE SET password_hash = "
		   "?2",
		   "sss", a->username, a->hash, rows_now(now)) ||
	    db_run(db, err,
		"DELETE FROM token WHERE kind <> 'long' AND person = (SELECT id FROM "
		"person WHERE username = ?1)",
		"s", a->username);
}

static int
check_username(const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n == 0 || n > 150 || !utf8_is_valid(name, n) ||
	    strpbrk(name, " \t\r\n") != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s' is no user name: 1 to 150 characters without blanks"), name);
	return 0;
}

int
users_add(
    const char *db_path, const char *username, const char *password_file, struct err *err)
{
	struct store *store = NULL;
	struct addition a = {.username = username};
	char *password = NULL, *hash = NULL;
	int failed = check_username(username, err) ||
	    (password_file != NULL ? file_read_secret(password_file, &password, err)
				   : ask_password(&password, err));

	if (!failed) {
		a.hash = hash = password_person(password, err);
		failed = hash == NULL || store_open(&store, db_path, err) ||
		    store_run(store, add_person, &a, err);
	}
	store_close(store);
	mem_free_secret(password);
	free(hash);
	return failed ? -1 : 0;
}

struct creation {
	const char *username;
	char *token;
};

static int
create_token(struct db *db, void *arg, struct err *err)
{
	struct creation *c = arg;
	int64_t person = users_find(db, c->username);

	if (person == 0)
		return err_set(err, ERR_NOT_FOUND,
		    _("there is no user '%s'; iotapi user add makes one"), c->username);
	c->token = users_token(db, person, TOKEN_LONG, err);
	return c->token != NULL ? 0 : -1;
}

int
users_make_token(
    const char *db_path, const char *username, struct buf *out, struct err *err)
{
	struct creation c = {.username = username};
	struct store *store = NULL;
	int failed =
	    store_open(&store, db_path, err) || store_run(store, create_token, &c, err);

	store_close(store);
	if (!failed)
		buf_printf(out, "%s\n", c.token);
	mem_free_secret(c.token);
	return failed ? -1 : 0;
}
