/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/export.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/mosquitto_file.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotapi/mqtt/cut_off.h"

enum { BEFORE_MAX = 64 << 20 }; /* bytes of a password file: half a million logins */

/* The login before this one, to notice one name with two passwords. */
struct last {
	char *username, *hash, *owner;
};

static void
last_release(struct last *l)
{
	free(l->username);
	free(l->hash);
	free(l->owner);
	*l = (struct last){0};
}

static int
add_login(struct buf *out, struct last *last, const char *username, const char *hash,
    const char *owner, struct err *err)
{
	bool again = last->username != NULL && strcmp(last->username, username) == 0;

	if (username[0] == '#' || strpbrk(username, ":\r\n") != NULL)
		return err_set(err, ERR_REFUSED,
		    _("%s: mosquitto takes no user name with ':', a line end, or '#' in "
		      "front"),
		    owner);
	if (again && strcmp(last->hash, hash) != 0)
		return err_set(err, ERR_REFUSED,
		    _("%s and %s have the same user name '%s' and different passwords"),
		    last->owner, owner, username);
	if (!again)
		buf_printf(out, "%s:%s\n", username, hash);
	last_release(last);
	*last = (struct last){xstrdup(username), xstrdup(hash), xstrdup(owner)};
	return 0;
}

static int
collect(struct db *db, struct buf *out, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT c.username, c.password_hash, 'device ''' || d.identificador_unico || "
	    "'''' FROM credential c JOIN device d ON d.id = c.dispositivo WHERE "
	    "c.is_active AND c.password_hash IS NOT NULL UNION ALL SELECT username, "
	    "password_hash, 'broker ''' || nombre || '''' FROM broker WHERE is_active "
	    "AND "
	    "coalesce(username, '') <> '' AND password_hash IS NOT NULL ORDER BY 1, 3",
	    "");
	struct last last = {0};
	int step = stmt != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		if (add_login(out, &last, db_column_text(stmt, 0).p,
			db_column_text(stmt, 1).p, db_column_text(stmt, 2).p, err))
			step = -1;
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	last_release(&last);
	return step;
}

static int
write_file(const char *dir, const struct buf *text, struct err *err)
{
	char *path = xasprintf("%s/passwords", dir);
	int failed = mosquitto_file_write(path, buf_as_span(text), err);

	free(path);
	return failed;
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The user names of lines that are gone, or have another password now. */
static void
find_gone(struct buf *before, struct buf *now, struct strv *out)
{
	struct strv was = {0}, is = {0};
	size_t i;

	strv_split(&was, buf_str(before), '\n');
	strv_split(&is, buf_str(now), '\n');
	if (is.n != 0)
		qsort(is.v, is.n, sizeof(*is.v), compare_lines);
	for (i = 0; i < was.n; i++) {
		char *line = was.v[i];

		if (is.n != 0 &&
		    bsearch(&line, is.v, is.n, sizeof(*is.v), compare_lines) != NULL)
			continue;
		line[strcspn(line, ":")] = '\0';
		strv_add(out, line);
	}
	strv_release(&was);
	strv_release(&is);
}

/* The file that mosquitto reads at SIGHUP is there by now: what goes wrong here is told, not more. */
static void
tell_cut_off(struct app *app, struct buf *before, struct buf *now)
{
	struct strv gone = {0};
	struct err why = {0};
	size_t n = 0;

	find_gone(before, now, &gone);
	if (gone.n != 0 && cut_off_correct(app, &gone, &n, &why))
		log_warn(
		    _("devices that mosquitto cuts off may go on saying that they are "
		      "connected: %s"),
		    why.text);
	if (n != 0)
		log_info(P_("%zu device needs its new password: its status says that it "
			    "is disconnected",
			     "%zu devices need their new passwords: their statuses say "
			     "that they are disconnected",
			     n),
		    n);
	strv_release(&gone);
}

/* What mosquitto has so far; nothing where there is no such file, or none that can be read. */
static void
read_before(const char *dir, struct buf *out)
{
	char *path = xasprintf("%s/passwords", dir);

	if (access(path, R_OK) == 0)
		file_read(path, BEFORE_MAX, out, NULL);
	free(path);
}

int
export_mosquitto(struct app *app, const char *dir, struct err *err)
{
	struct db *db = store_reader(app->store, err);
	struct buf text = {0}, before = {0};
	int failed = db == NULL || collect(db, &text, err) != 0;

	store_reader_done(app->store, db);
	read_before(dir, &before);
	failed = failed || write_file(dir, &text, err) != 0;
	if (!failed)
		tell_cut_off(app, &before, &text);
	buf_release(&before);
	buf_release(&text);
	return failed ? -1 : 0;
}
