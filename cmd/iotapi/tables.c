/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table as SQL. References are checked by the database; lists of references are JSON
 * arrays, checked by rows.c. Secrets have columns of their own (fields.c). */
#include "tables.h"

#include "base/text.h"

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

static const char *const own_tables[] = {
    "CREATE TABLE IF NOT EXISTS person (id INTEGER PRIMARY KEY AUTOINCREMENT, username "
    "TEXT NOT "
    "NULL UNIQUE, password_hash TEXT NOT NULL, is_active INTEGER NOT NULL DEFAULT 1, "
    "created_at TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS token (handle TEXT PRIMARY KEY, hash BLOB NOT NULL, "
    "person "
    "INTEGER NOT NULL "
    "REFERENCES "
    "person(id) ON DELETE CASCADE, kind TEXT NOT NULL, expires INTEGER NOT NULL, "
    "created_at TEXT "
    "NOT NULL)",
    "CREATE TABLE IF NOT EXISTS assignment (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "dispositivo "
    "INTEGER NOT NULL REFERENCES device(id) ON DELETE CASCADE, sensor INTEGER NOT NULL "
    "REFERENCES sensor(id), configuracion_json TEXT NOT NULL, fecha_asignacion TEXT NOT "
    "NULL, "
    "activo INTEGER NOT NULL DEFAULT 1, UNIQUE(dispositivo, sensor))",
    "CREATE TABLE IF NOT EXISTS reject (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "received_at TEXT "
    "NOT NULL, topic TEXT NOT NULL, error TEXT NOT NULL, detail TEXT NOT NULL, payload "
    "BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
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
make_table(struct db *db, const struct schema_resource *r, struct err *err)
{
	const struct schema_field *f;
	struct buf sql = {0};
	int failed;

	buf_puts(&sql, "CREATE TABLE IF NOT EXISTS ");
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

int
tables_make(struct db *db, struct err *err)
{
	const struct schema_resource *r;
	size_t i;

	for (r = schema; r->name != NULL; r++) {
		if (!r->optional && make_table(db, r, err))
			return -1;
	}
	for (i = 0; i < ARRAY_LEN(own_tables); i++) {
		if (db_run(db, err, own_tables[i], ""))
			return -1;
	}
	return 0;
}
