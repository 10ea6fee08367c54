/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database of yesterday: whatever row the schema got since, it is served, with what was in it. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotapi/api/object.h"
#include "iotapi/db/tables.h"

struct fixture {
	char dir[64], *path;
	struct strv names, sql; /* of today's tables */
	struct db *db;
	struct err err;
};

static void
run(struct fixture *f, const char *sql)
{
	if (db_run(f->db, &f->err, sql, ""))
		fail_msg("%s: %s", sql, f->err.text);
}

static int64_t
number(struct fixture *f, const char *sql)
{
	return db_number(f->db, -1, sql, "");
}

static void
open_db(struct fixture *f, const char *name)
{
	free(f->path);
	f->path = xasprintf("%s/%s", f->dir, name);
	assert_int_equal(db_open(&f->db, f->path, true, &f->err), 0);
	run(f, "PRAGMA synchronous=OFF");
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	sqlite3_stmt *stmt;

	log_init("upgrade", LOG_QUIET);
	snprintf(f->dir, sizeof(f->dir), "/tmp/iot-upgrade.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	open_db(f, "today");
	assert_int_equal(tables_make(f->db, &f->err), 0);
	stmt = db_query(f->db, &f->err,
	    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
	    "'sqlite%'",
	    "");
	while (db_step(f->db, stmt, &f->err) == 1) {
		strv_add(&f->names, db_column_text(stmt, 0).p);
		strv_add(&f->sql, db_column_text(stmt, 1).p);
	}
	db_close(f->db);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *remove = xasprintf("rm -r %s", f->dir);

	assert_int_equal(system(remove), 0);
	free(remove);
	free(f->path);
	strv_release(&f->names);
	strv_release(&f->sql);
	free(f);
	return 0;
}

/* Today's statement without one of its columns. */
static char *
without(const char *sql, const char *column)
{
	char *definition = xasprintf(", \"%s\" ", column);
	const char *at = strstr(sql, definition);
	const char *end;
	char *out;

	assert_non_null(at);
	end = strstr(at + 2, ", \"");
	if (end == NULL)
		end = sql + strlen(sql) - 1;
	out = xasprintf("%.*s%s", (int)(at - sql), sql, end);
	free(definition);
	return out;
}

/* Two rows in a table, each with its number in every column. */
static void
fill(struct fixture *f, const char *table)
{
	struct buf names = {0}, values = {0};
	sqlite3_stmt *stmt = db_query(f->db, &f->err,
	    "SELECT name, type FROM pragma_table_info(?1) WHERE name NOT LIKE "
	    "'%\\_sealed' "
	    "ESCAPE '\\'",
	    "s", table);
	char *sql;
	int i;

	while (db_step(f->db, stmt, &f->err) == 1) {
		buf_printf(&names, "%s\"%s\"", names.n != 0 ? ", " : "",
		    db_column_text(stmt, 0).p);
		buf_printf(&values, "%s%s", values.n != 0 ? ", " : "",
		    span_is(db_column_text(stmt, 1), "TEXT") ? "'[' || ?1 || ']'" : "?1");
	}
	sql = xasprintf("INSERT INTO \"%s\" (%s) VALUES (%s)", table, buf_str(&names),
	    buf_str(&values));
	for (i = 1; i <= 2; i++)
		assert_int_equal(db_run(f->db, &f->err, sql, "i", (int64_t)i), 0);
	free(sql);
	buf_release(&names);
	buf_release(&values);
}

/* A database that lacks a column of `table`, or with `column` NULL all of it. */
static void
make_yesterday(struct fixture *f, const char *table, const char *column)
{
	char *name = xasprintf("%s-%s", table, column != NULL ? column : "");
	size_t i;

	open_db(f, name);
	free(name);
	run(f, "PRAGMA foreign_keys=OFF");
	run(f, "BEGIN");
	for (i = 0; i < f->sql.n; i++) {
		const bool same = strcmp(f->names.v[i], table) == 0;
		char *sql = same && column != NULL ? without(f->sql.v[i], column)
						   : xstrdup(f->sql.v[i]);

		if (!same || column != NULL) {
			run(f, sql);
			fill(f, f->names.v[i]);
		}
		free(sql);
	}
	run(f, "COMMIT");
	run(f, "PRAGMA foreign_keys=ON");
}

static void
check_served(struct fixture *f, const char *absent)
{
	const struct schema_resource *r;
	struct buf out = {0};
	int64_t id;

	if (tables_make(f->db, &f->err))
		fail_msg("%s: %s", f->path, f->err.text);
	for (r = schema; r->name != NULL; r++) {
		const bool has = absent == NULL || strcmp(absent, r->name) != 0;

		for (id = 1; id <= 2 && !r->optional; id++) {
			if (object_get(&out, f->db, r, id, true, &f->err) != has)
				fail_msg("%s: %s %d: %s", f->path, r->name, (int)id,
				    f->err.text);
			assert_int_equal(f->err.code, ERR_OK);
		}
	}
	assert_int_equal(number(f,
			     "SELECT count(*) FROM sqlite_master WHERE name LIKE '%~%' "
			     "OR sql LIKE '%~%'"),
	    0);
	assert_int_equal(number(f, "PRAGMA foreign_keys"), 1);
	buf_release(&out);
	db_close(f->db);
}

static void
any_row_of_the_schema_can_be_new(void **state)
{
	struct fixture *f = *state;
	const struct schema_resource *r;
	const struct schema_field *field;

	for (r = schema; r->name != NULL; r++) {
		for (field = r->fields; field->name != NULL && !r->optional; field++) {
			if (!tables_has(field) || strcmp(field->name, "id") == 0)
				continue;
			make_yesterday(f, r->name, field->name);
			check_served(f, NULL);
		}
	}
}

static void
any_resource_can_be_new(void **state)
{
	struct fixture *f = *state;
	static const char *const leaves[] = {"reading", "credential", "device-config"};
	size_t i;

	/* Those that others refer to came before those. */
	for (i = 0; i < ARRAY_LEN(leaves); i++) {
		make_yesterday(f, leaves[i], NULL);
		check_served(f, leaves[i]);
	}
}

/* What was given up may be null today: the database refuses it no more. */
static void
a_column_that_may_be_null_now(void **state)
{
	struct fixture *f = *state;
	size_t i;

	open_db(f, "not-null");
	for (i = 0; i < f->sql.n; i++) {
		char *at = strstr(f->sql.v[i], "\"mqtt_client_id\" TEXT UNIQUE");
		char *sql = at == NULL
		    ? xstrdup(f->sql.v[i])
		    : xasprintf("%.*s\"mqtt_client_id\" TEXT NOT NULL UNIQUE%s",
			  (int)(at - f->sql.v[i]), f->sql.v[i],
			  at + strlen("\"mqtt_client_id\" TEXT UNIQUE"));

		run(f, sql);
		free(sql);
	}
	fill(f, "device");
	run(f, "DELETE FROM device WHERE id = 2");
	assert_int_equal(tables_make(f->db, &f->err), 0);
	run(f, "UPDATE device SET mqtt_client_id = NULL");
	run(f,
	    "INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, "
	    "created_at, updated_at) VALUES ('a', 'a', 'a', 'a', 'a', 'a')");
	/* No id is given out twice. */
	assert_int_equal(number(f, "SELECT max(id) FROM device"), 3);
	db_close(f->db);
}

static void
what_nobody_knows_is_refused(void **state)
{
	static const char *const odd[] = {
	    "ALTER TABLE device ADD COLUMN later TEXT",
	    "PRAGMA user_version = 1000",
	    "DROP TABLE person",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(odd); i++) {
		char *name = xasprintf("odd-%zu", i);

		open_db(f, name);
		assert_int_equal(tables_make(f->db, &f->err), 0);
		run(f, "PRAGMA foreign_keys=OFF");
		run(f, odd[i]);
		assert_int_equal(tables_make(f->db, &f->err), -1);
		assert_int_equal(f->err.code, ERR_USAGE);
		f->err.code = ERR_OK;
		db_close(f->db);
		free(name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_row_of_the_schema_can_be_new),
	    cmocka_unit_test(any_resource_can_be_new),
	    cmocka_unit_test(a_column_that_may_be_null_now),
	    cmocka_unit_test(what_nobody_knows_is_refused),
	};

	return cmocka_run_group_tests_name("upgrade", tests, setup, teardown);
}
