/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table as SQL. References are checked by the database; lists of references are JSON
 * arrays, checked by rows.c. Secrets have columns of their own (fields.c). */
#include "iotapi/db/tables.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/upgrade.h"

/* The user_version of a database with the columns of today; 0 is one of before it was written. tests/old has one of
 * each that was released. */
enum { VERSION = 2 };

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
     "NOT NULL, read_only INTEGER NOT NULL DEFAULT 0)"),
    ("token (handle TEXT PRIMARY KEY, hash BLOB NOT NULL, person INTEGER NOT NULL "
     "REFERENCES person(id) ON DELETE CASCADE, kind TEXT NOT NULL, expires INTEGER NOT "
     "NULL, created_at TEXT NOT NULL, read_only INTEGER NOT NULL DEFAULT 0)"),
    ("assignment (id INTEGER PRIMARY KEY AUTOINCREMENT, dispositivo INTEGER NOT NULL "
     "REFERENCES device(id) ON DELETE CASCADE, sensor INTEGER NOT NULL REFERENCES "
     "sensor(id), configuracion_json TEXT NOT NULL, fecha_asignacion TEXT NOT NULL, "
     "activo INTEGER NOT NULL DEFAULT 1, UNIQUE(dispositivo, sensor))"),
    ("reject (id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, topic "
     "TEXT NOT NULL, error TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT "
     "NULL)"),
    "setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    /* See mqtt/delivered.h. */
    ("delivered (broker INTEGER NOT NULL REFERENCES broker(id) ON DELETE CASCADE, batch "
     "INTEGER "
     "NOT NULL, messages BLOB NOT NULL, PRIMARY KEY(broker, batch)) WITHOUT ROWID"),
    /* See mqtt/kept_filters.h. */
    ("kept_filters (broker INTEGER PRIMARY KEY REFERENCES broker(id) ON DELETE CASCADE, "
     "filters BLOB NOT NULL)"),
};

/* Besides those of the orders of lists; each behind the name of the database, too. */
static const char *const indexes[] = {
    "device_order ON device(mqtt_enabled, created_at, id)",
    "device_state ON device(mqtt_enabled, connection_status, created_at, id)",
    "credential_username ON credential(username)",
    "reading_device ON reading(dispositivo, timestamp)",
    "token_expires ON token(expires)",
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

bool
tables_is_moment(const struct schema_field *f)
{
	return f->type == SCHEMA_TIME && strcmp(f->name, "timestamp") == 0;
}

/* The preset as SQL; n 0: there is none that every row can have. */
static struct buf
preset_sql(const struct schema_field *f)
{
	const bool has = f->preset != NULL && (f->flags & SCHEMA_UNIQUE) == 0;
	json_t *v = has ? json_loads(f->preset, JSON_DECODE_ANY, NULL) : NULL;
	struct buf out = {0};

	if (has && (f->type == SCHEMA_JSON || f->type == SCHEMA_REFS))
		buf_printf(&out, "'%s'", f->preset);
	else if (json_is_string(v))
		buf_printf(&out, "'%s'", json_string_value(v));
	else if (json_is_boolean(v))
		buf_puts(&out, json_is_true(v) ? "1" : "0");
	else if (json_is_number(v))
		buf_puts(&out, f->preset);
	json_decref(v);
	return out;
}

static void
put_column(struct buf *out, const struct schema_field *f, bool loose)
{
	struct buf preset = preset_sql(f);

	buf_printf(out, ", \"%s\" %s", f->name,
	    tables_is_moment(f) ? "INTEGER" : column_types[f->type]);
	if ((f->flags & SCHEMA_NULLABLE) == 0 && (!loose || preset.n != 0))
		buf_puts(out, " NOT NULL");
	if (preset.n != 0)
		buf_printf(out, " DEFAULT %s", buf_str(&preset));
	if ((f->flags & SCHEMA_UNIQUE) != 0)
		buf_puts(out, " UNIQUE");
	/* An older iotapi that serves while a command of this one brings its tables up to date would go on with texts. */
	if (tables_is_moment(f))
		buf_printf(out, " CHECK(typeof(\"%s\") <> 'text')", f->name);
	if (f->type == SCHEMA_REF)
		buf_printf(out, " REFERENCES \"%s\"(id)", f->ref);
	buf_release(&preset);
}

/* Two columns for every secret: sealed for who must use it, hashed for who must check it. */
static int
make_table(struct db *db, const char *where, bool loose, const struct schema_resource *r,
    struct err *err)
{
	const struct schema_field *f;
	struct buf sql = {0};
	int failed;

	buf_printf(&sql, "CREATE TABLE %s.", where);
	tables_name(&sql, r);
	buf_puts(&sql, " (id INTEGER PRIMARY KEY AUTOINCREMENT");
	for (f = r->fields; f->name != NULL; f++) {
		if (tables_has(f) && strcmp(f->name, "id") != 0)
			put_column(&sql, f, loose);
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
make_all(struct db *db, const char *where, bool loose, struct err *err)
{
	const struct schema_resource *r;
	int failed = 0;
	size_t i;

	for (r = schema; r->name != NULL && !failed; r++) {
		if (!r->optional)
			failed = make_table(db, where, loose, r, err);
	}
	for (i = 0; i < ARRAY_LEN(own_tables) && !failed; i++) {
		char *sql = xasprintf("CREATE TABLE %s.%s", where, own_tables[i]);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed;
}

/* Of each field that a list may be ordered by: without, every page would sort all rows. */
static int
make_order_indexes(
    struct db *db, const char *where, const struct schema_resource *r, struct err *err)
{
	int failed = 0;
	size_t i;

	for (i = 0; r->ordering[i] != NULL && !failed; i++) {
		char *sql =
		    xasprintf("CREATE INDEX IF NOT EXISTS %s.\"%s_%s\" ON \"%s\"(\"%s\")",
			where, r->name, r->ordering[i], r->name, r->ordering[i]);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed;
}

static int
make_indexes(struct db *db, const char *where, struct err *err)
{
	const struct schema_resource *r;
	int failed = 0;
	size_t i;

	for (r = schema; r->name != NULL && !failed; r++) {
		if (!r->optional)
			failed = make_order_indexes(db, where, r, err);
	}
	for (i = 0; i < ARRAY_LEN(indexes) && !failed; i++) {
		char *sql =
		    xasprintf("CREATE INDEX IF NOT EXISTS %s.%s", where, indexes[i]);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed;
}

static int
check_version(int64_t version, struct err *err)
{
	if (version >= 0 && version <= VERSION)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("it is of a later iotapi, or of another program: its user_version is %lld, "
	      "and this one knows 0 to %d"),
	    (long long)version, VERSION);
}

/* All versions have had the table of people. */
static int
check_ours(struct db *db, struct err *err)
{
	if (db_number(db, 0,
		"SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND name = "
		"'person'",
		"") != 0)
		return 0;
	return err_set(err, ERR_USAGE, _("it is no database of iotapi"));
}

static int
make_or_upgrade(struct db *db, struct err *err)
{
	const int64_t version = db_number(db, -1, "PRAGMA main.user_version", "");
	const bool is_new = version == 0 &&
	    db_number(db, 1, "SELECT count(*) FROM main.sqlite_master", "") == 0;
	int failed = check_version(version, err);

	if (!failed && is_new)
		failed = make_all(db, "main", false, err);
	else if (!failed)
		failed = check_ours(db, err) || make_all(db, "wanted", false, err) ||
		    make_indexes(db, "wanted", err) || make_all(db, "loose", true, err) ||
		    upgrade_run(db, err);
	if (!failed)
		failed = make_indexes(db, "main", err);
	if (!failed && version != VERSION) {
		char *sql = xasprintf("PRAGMA main.user_version = %d", VERSION);

		failed = db_run(db, err, sql, "");
		free(sql);
	}
	return failed ? -1 : 0;
}

static int
run_all(struct db *db, const char *const *sql, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (db_run(db, err, sql[i], ""))
			return -1;
	}
	return 0;
}

/* In one transaction: whoever starts at the same time finds all of it or nothing. A table can be replaced only while
 * references to it are not enforced. */
int
tables_make(struct db *db, struct err *err)
{
	static const char *const begin[] = {"ATTACH ':memory:' AS wanted",
	    "ATTACH ':memory:' AS loose", "PRAGMA foreign_keys=OFF",
	    "PRAGMA legacy_alter_table=ON", "BEGIN IMMEDIATE"};
	static const char *const end[] = {"COMMIT", "PRAGMA legacy_alter_table=OFF",
	    "PRAGMA foreign_keys=ON", "DETACH loose", "DETACH wanted"};

	if (run_all(db, begin, ARRAY_LEN(begin), err))
		return -1;
	if (make_or_upgrade(db, err) || run_all(db, end, ARRAY_LEN(end), err)) {
		db_run(db, NULL, "ROLLBACK", "");
		return -1;
	}
	return 0;
}
