/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table as SQL. References are checked by the database; lists of references are JSON
 * arrays, checked by rows.c. Secrets have columns of their own (fields.c). */
#include "iotapi/db/tables.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* The user_version of a database with the columns of today; 0 is one of before it was written. */
enum { VERSION = 1 };

enum { NAMED_MOST = 10 };

static const char *const column_types[] = {
    [SCHEMA_INT] = "INTEGER",
    [SCHEMA_FLOAT] = "REAL",
    [SCHEMA_BOOL] = "INTEGER",
    [SCHEMA_STRING] = "TEXT",
    [SCHEMA_TEXT] = "TEXT",
    [SCHEMA_CHOICE] = "TEXT",
    [SCHEMA_CHOICE_INT] = "INTEGER",
    [SCHEMA_TIME] = "TEXT",
    [SCHEMA_REF] = "INTEGER",
    [SCHEMA_REFS] = "TEXT",
    [SCHEMA_JSON] = "TEXT",
};

/* Each behind the name of the database that it is made in. */
static const char *const own_tables[] = {
    ("person (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL UNIQUE, "
     "password_hash TEXT NOT NULL, is_active INTEGER NOT NULL DEFAULT 1, created_at TEXT "
     "NOT NULL)"),
    ("token (handle TEXT PRIMARY KEY, hash BLOB NOT NULL, person INTEGER NOT NULL "
     "REFERENCES person(id) ON DELETE CASCADE, kind TEXT NOT NULL, expires INTEGER NOT "
     "NULL, created_at TEXT NOT NULL)"),
    ("assignment (id INTEGER PRIMARY KEY AUTOINCREMENT, dispositivo INTEGER NOT NULL "
     "REFERENCES device(id) ON DELETE CASCADE, sensor INTEGER NOT NULL REFERENCES "
     "sensor(id), configuracion_json TEXT NOT NULL, fecha_asignacion TEXT NOT NULL, "
     "activo INTEGER NOT NULL DEFAULT 1, UNIQUE(dispositivo, sensor))"),
    ("reject (id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, topic "
     "TEXT NOT NULL, error TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT "
     "NULL)"),
    "setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
};

static const char *const indexes[] = {
    "CREATE INDEX IF NOT EXISTS device_order ON device(mqtt_enabled, created_at, id)",
    ("CREATE INDEX IF NOT EXISTS device_state ON device(mqtt_enabled, connection_status, "
     "created_at, id)"),
    "CREATE INDEX IF NOT EXISTS reading_time ON reading(timestamp)",
    "CREATE INDEX IF NOT EXISTS reading_device ON reading(dispositivo, timestamp)",
};

void
tables_name(struct buf *out, const struct schema_resource *r)
{
	buf_printf(out, "\"%s\"", r->name);
}

bool
tables_has(const struct schema_field *f)
{
	return (f->flags & (SCHEMA_DERIVED | SCHEMA_WRITE_ONLY)) == 0;
}

static void
put_column(struct buf *out, const struct schema_field *f)
{
	buf_printf(out, ", \"%s\" %s", f->name, column_types[f->type]);
	if ((f->flags & SCHEMA_NULLABLE) == 0)
		buf_puts(out, " NOT NULL");
	if ((f->flags & SCHEMA_UNIQUE) != 0)
		buf_puts(out, " UNIQUE");
	if (f->type == SCHEMA_REF)
		buf_printf(out, " REFERENCES \"%s\"(id)", f->ref);
}

/* Two columns for every secret: sealed for who must use it, hashed for who must check it. */
static int
make_table(
    struct db *db, const char *where, const struct schema_resource *r, struct err *err)
{
	const struct schema_field *f;
	struct buf sql = {0};
	int failed;

	buf_printf(&sql, "CREATE TABLE %s.", where);
	tables_name(&sql, r);
	buf_puts(&sql, " (id INTEGER PRIMARY KEY AUTOINCREMENT");
	for (f = r->fields; f->name != NULL; f++) {
		if (tables_has(f) && strcmp(f->name, "id") != 0)
			put_column(&sql, f);
		else if ((f->flags & SCHEMA_WRITE_ONLY) != 0)
			buf_printf(&sql, ", \"%s_sealed\" BLOB, \"%s_hash\" TEXT",
			    f->name, f->name);
	}
	buf_puts(&sql, ")");
	failed = db_run(db, err, buf_str(&sql), "");
	buf_release(&sql);
	return failed;
}

static int
make_all(struct db *db, const char *where, struct err *err)
{
	const struct schema_resource *r;
	int failed = 0;
	size_t i;

	for (r = schema; r->name != NULL && !failed; r++) {
		if (!r->optional)
			failed = make_table(db, where, r, err);
	}
	for (i = 0; i < ARRAY_LEN(own_tables) && !failed; i++) {
		char *sql = xasprintf("CREATE TABLE %s.%s", where, own_tables[i]);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed;
}

/* Compares with tables made anew beside them, so that it cannot get out of step with what is made. */
static int
check_columns(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT t.name || '.' || c.name FROM wanted.sqlite_master t, "
	    "pragma_table_info(t.name, 'wanted') c WHERE t.type = 'table' AND t.name NOT "
	    "LIKE 'sqlite%' AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name, "
	    "'main') m WHERE m.name = c.name) ORDER BY 1",
	    "");
	struct buf missing = {0};
	int step = stmt != NULL ? 1 : -1;
	size_t n = 0;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		if (n++ >= NAMED_MOST)
			continue;
		buf_puts(&missing, n > 1 ? ", " : "");
		buf_span(&missing, db_column_text(stmt, 0));
	}
	if (n > NAMED_MOST)
		buf_printf(&missing, _(" and %zu more"), n - NAMED_MOST);
	if (step == 0 && n != 0)
		step = err_set(err, ERR_USAGE,
		    _("serve this database with the iotapi that made it: it lacks %s"),
		    buf_str(&missing));
	buf_release(&missing);
	return step;
}

static int
check_version(int64_t version, struct err *err)
{
	if (version >= 0 && version <= VERSION)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("serve this database with the iotapi that made it: its user_version is "
	      "%lld, and this one knows 0 to %d"),
	    (long long)version, VERSION);
}

/* In one transaction: whoever starts at the same time finds all of it or nothing. */
static int
make_or_check(struct db *db, struct err *err)
{
	const int64_t version = db_number(db, -1, "PRAGMA main.user_version", "");
	const bool is_new = version == 0 &&
	    db_number(db, 1, "SELECT count(*) FROM main.sqlite_master", "") == 0;
	int failed = check_version(version, err);
	size_t i;

	if (!failed && is_new)
		failed = make_all(db, "main", err);
	failed = failed || make_all(db, "wanted", err) || check_columns(db, err);
	for (i = 0; i < ARRAY_LEN(indexes) && !failed; i++)
		failed = db_run(db, err, indexes[i], "");
	if (!failed && version != VERSION) {
		char *sql = xasprintf("PRAGMA main.user_version = %d", VERSION);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed ? -1 : 0;
}

int
tables_make(struct db *db, struct err *err)
{
	int failed;

	if (db_run(db, err, "ATTACH ':memory:' AS wanted", "") ||
	    db_run(db, err, "BEGIN IMMEDIATE", ""))
		return -1;
	failed = make_or_check(db, err) || db_run(db, err, "COMMIT", "");
	if (failed)
		db_run(db, NULL, "ROLLBACK", "");
	else
		failed = db_run(db, err, "DETACH wanted", "");
	return failed ? -1 : 0;
}
