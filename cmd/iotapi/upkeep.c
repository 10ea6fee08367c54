/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/upkeep.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/secrets.h"
#include "iotapi/db/backup.h"

enum { KEY_FILE_MOST = 4096 };

/* Where there is no key the copy is asked whether one is needed, not what goes on beside it: what it has sealed was
 * sealed with a key that is there by now. */
static int
copy_key(const char *from, const char *copy, const char *to, struct err *err)
{
	struct secrets_sealed sealed = {0};
	struct buf key = {0};
	struct db *db;
	int failed = 0;

	if (access(from, F_OK) != 0) {
		failed = db_open(&db, copy, false, err) ||
		    secrets_count_sealed(db, NULL, &sealed, err);
		db_close(db);
		if (failed || sealed.n == 0)
			return failed;
	}
	failed = file_read_private(from, KEY_FILE_MOST, &key, err) ||
	    file_write_new(to, buf_as_span(&key), 0600, err);
	if (key.n != 0)
		explicit_bzero(key.p, key.n);
	buf_release(&key);
	return failed;
}

int
upkeep_backup(const char *path, const char *from, const char *to, struct err *err)
{
	char *key = xasprintf("%s.key", to);
	int failed;

	/* One that is there may be the key of another backup. */
	if (access(key, F_OK) == 0)
		failed = err_set(err, ERR_USAGE, _("'%s' is there already"), key);
	else
		failed = backup_make(path, to, err);
	if (!failed && copy_key(from, to, key, err)) {
		unlink(to);
		failed = -1;
	}
	free(key);
	return failed;
}

/* Adds what an error says as a line, and forgets it. */
static void
note_err(struct buf *out, struct err *err)
{
	if (err->code != ERR_OK)
		buf_printf(out, "%s\n", err->text);
	*err = (struct err){0};
}

static void
check_pages(struct db *db, struct buf *out)
{
	struct err err = {0};
	sqlite3_stmt *stmt = db_query(db, &err, "PRAGMA quick_check", "");

	while (stmt != NULL && db_step(db, stmt, &err) == 1) {
		if (!span_is(db_column_text(stmt, 0), "ok"))
			buf_printf(out, "%s\n", db_column_text(stmt, 0).p);
	}
	note_err(out, &err);
}

static void
check_references(struct db *db, struct buf *out)
{
	struct err err = {0};
	sqlite3_stmt *stmt = db_query(db, &err, "PRAGMA foreign_key_check", "");

	while (stmt != NULL && db_step(db, stmt, &err) == 1)
		buf_printf(out,
		    _("row %lld of %s refers to a row of %s that is not there\n"),
		    (long long)sqlite3_column_int64(stmt, 1), db_column_text(stmt, 0).p,
		    db_column_text(stmt, 2).p);
	note_err(out, &err);
}

static void
check_seals(struct db *db, const char *key, struct buf *out)
{
	struct secretbox *box = NULL;
	struct secrets_sealed s;
	struct err err = {0};

	if (secrets_count_sealed(db, NULL, &s, &err) == 0 && s.n != 0 &&
	    secretbox_open(&box, key, false, &err) == 0 &&
	    secrets_count_sealed(db, box, &s, &err) == 0 && s.shut != 0)
		err_set(&err, ERR_FAILED,
		    _("the key in '%s' does not open %lld of %lld sealed secrets, %s "
		      "first"),
		    key, (long long)s.shut, (long long)s.n, s.first);
	note_err(out, &err);
	secretbox_close(box);
}

static void
check_mode(const char *name, struct buf *out)
{
	struct stat st;

	if (stat(name, &st) == 0 && (st.st_mode & 077) != 0)
		buf_printf(out, _("'%s' is open to others: mode %03o, not 600\n"), name,
		    (unsigned)(st.st_mode & 0777));
}

static void
check_modes(const char *path, const char *key, struct buf *out)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(ends); i++) {
		char *name = xasprintf("%s%s", path, ends[i]);

		check_mode(name, out);
		free(name);
	}
	check_mode(key, out);
}

int
upkeep_check(const char *path, const char *key, struct buf *out, struct err *err)
{
	struct db *db;

	/* Before it makes a WAL of the database's mode itself. */
	check_modes(path, key, out);
	if (db_open(&db, path, false, err))
		return -1;
	check_pages(db, out);
	check_references(db, out);
	check_seals(db, key, out);
	db_close(db);
	if (out->n != 0)
		return err_set(err, ERR_FAILED, _("'%s' is not as it should be"), path);
	buf_puts(out, "ok\n");
	return 0;
}
