/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists in every order: page by page, each page behind the last row of the one before, every row comes once and where
 * it belongs; and none sorts more than a page. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/list_order.h"
#include "iotapi/api/object.h"
#include "iotapi/db/tables.h"

enum { ROWS = 60, PAGE = 7 };

struct fixture {
	char dir[64];
	struct db *db;
	struct err err;
};

static void
run(struct fixture *f, const char *sql)
{
	if (db_run(f->db, &f->err, sql, ""))
		fail_msg("%s: %s", sql, f->err.text);
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	char *path;

	snprintf(f->dir, sizeof(f->dir), "/tmp/iot-order.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	path = xasprintf("%s/db", f->dir);
	assert_int_equal(db_open(&f->db, path, true, &f->err), 0);
	run(f, "PRAGMA synchronous=OFF");
	assert_int_equal(tables_make(f->db, &f->err), 0);
	free(path);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *remove = xasprintf("rm -r %s", f->dir);

	db_close(f->db);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(f);
	return 0;
}

/* Sensors of which many are equal in each of the fields. */
static void
make_sensors(struct fixture *f)
{
	run(f,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "60) INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, "
	    "created_at, updated_at) SELECT CASE i % 4 WHEN 0 THEN '\"' || i % 12 WHEN 1 "
	    "THEN '' ELSE 'N' || i % 5 END, 'T' || i % 3, '1', 0, 1, '2026-01-0' || (1 + "
	    "i * 7 % 9), '' FROM n");
}

/* The ids of a page behind a key (NULL: all) in this order; returns how many. */
static size_t
read_ids(struct fixture *f, const struct list_order *o, const char *key, size_t most,
    int64_t ids[ROWS])
{
	struct buf sql = {0}, where = {0};
	json_t *binds = json_array();
	sqlite3_stmt *stmt;
	size_t i, n = 0;

	if (key != NULL)
		assert_true(list_order_after(o, key, &where, binds));
	buf_puts(&sql, "SELECT t.id FROM sensor t");
	buf_printf(&sql, "%s%s", key != NULL ? " WHERE " : "", buf_str(&where));
	list_order_put(o, &sql);
	stmt = db_query(f->db, &f->err, buf_str(&sql), "");
	if (stmt == NULL)
		fail_msg("%s", f->err.text);
	for (i = 0; i < json_array_size(binds); i++) {
		const json_t *v = json_array_get(binds, i);

		if (json_is_string(v))
			sqlite3_bind_text(
			    stmt, (int)i + 1, json_string_value(v), -1, SQLITE_TRANSIENT);
		else
			sqlite3_bind_int64(stmt, (int)i + 1, json_integer_value(v));
	}
	while (n < most && db_step(f->db, stmt, &f->err) == 1)
		ids[n++] = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	json_decref(binds);
	buf_release(&sql);
	buf_release(&where);
	return n;
}

static void
walk(struct fixture *f, const char *order)
{
	struct list_order o;
	struct field_errs errs = {0};
	struct buf key = {0};
	int64_t all[ROWS], page[ROWS];
	size_t n = 0, got;

	list_order_read(&o, schema_find("sensor"), order, &errs);
	assert_int_equal(errs.n, 0);
	assert_true(o.has_keys);
	assert_int_equal(read_ids(f, &o, NULL, ROWS, all), ROWS);
	do {
		got = read_ids(f, &o, n == 0 ? NULL : buf_str(&key), PAGE, page);
		assert_true(n + got <= ROWS);
		if (memcmp(all + n, page, got * sizeof(*page)) != 0)
			fail_msg("order '%s': the page behind row %zu", order, n);
		n += got;
		buf_clear(&key);
		if (list_order_key(&o, f->db, all[n - 1], &key, &f->err))
			fail_msg("%s", f->err.text);
	} while (got == PAGE);
	assert_int_equal(n, ROWS);
	buf_release(&key);
}

static void
pages_behind_keys_are_the_whole_list(void **state)
{
	static const char *const orders[] = {"nombre", "-nombre", "tipo,nombre",
	    "tipo,-nombre", "-tipo,nombre,created_at", "-created_at",
	    "nombre,nombre,-tipo", "created_at,-tipo,nombre"};
	struct fixture *f = *state;
	size_t i;

	make_sensors(f);
	for (i = 0; i < ARRAY_LEN(orders); i++)
		walk(f, orders[i]);
}

static void
what_is_no_key_is_refused(void **state)
{
	static const char *const bad[] = {"", "x", "{}", "[]", "[1]", "[\"a\"]",
	    "[\"a\",1,2]", "[\"a\",\"b\"]", "[null,1]", "[[],1]", "[\"a\",true]",
	    "[\"a\",1] x"};
	struct list_order o;
	struct field_errs errs = {0};
	struct buf where = {0};
	json_t *binds = json_array();
	size_t i;

	(void)state;
	list_order_read(&o, schema_find("sensor"), "nombre", &errs);
	assert_true(list_order_after(&o, "[\"a\",1]", &where, binds));
	buf_clear(&where);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		if (list_order_after(&o, bad[i], &where, binds))
			fail_msg("'%s' is taken", bad[i]);
	}
	assert_int_equal(where.n, 0);
	/* Null is before or behind nothing. */
	list_order_read(&o, schema_find("device-config"), NULL, &errs);
	assert_false(o.has_keys);
	assert_false(list_order_after(&o, "[\"a\",1]", &where, binds));
	json_decref(binds);
	buf_release(&where);
}

/* Whether the database sorts, for a page of a list in this order. */
static bool
sorts(struct fixture *f, const struct schema_resource *r, const struct list_order *o)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	bool found = false;

	buf_printf(&sql, "EXPLAIN QUERY PLAN %s", object_select(r, false));
	list_order_put(o, &sql);
	buf_puts(&sql, " LIMIT 50 OFFSET 100");
	stmt = db_query(f->db, &f->err, buf_str(&sql), "");
	if (stmt == NULL)
		fail_msg("%s", f->err.text);
	while (db_step(f->db, stmt, &f->err) == 1)
		found = found || strstr(db_column_text(stmt, 3).p, "TEMP B-TREE") != NULL;
	buf_release(&sql);
	return found;
}

static void
no_list_is_sorted_for_each_page(void **state)
{
	struct fixture *f = *state;
	const struct schema_resource *r;
	struct list_order o;
	struct field_errs errs = {0};
	size_t i;
	int down;

	for (r = schema; r->name != NULL; r++) {
		for (i = 0; r->ordering[i] != NULL && !r->optional; i++) {
			for (down = 0; down < 2; down++) {
				char *order =
				    xasprintf("%s%s", down ? "-" : "", r->ordering[i]);

				list_order_read(&o, r, order, &errs);
				if (sorts(f, r, &o))
					fail_msg("%s by %s is sorted", r->name, order);
				free(order);
			}
		}
	}
	/* The control: what no index has. */
	list_order_read(&o, schema_find("sensor"), "tipo,nombre", &errs);
	assert_true(sorts(f, schema_find("sensor"), &o));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		pages_behind_keys_are_the_whole_list, setup, teardown),
	    cmocka_unit_test(what_is_no_key_is_refused),
	    cmocka_unit_test_setup_teardown(
		no_list_is_sorted_for_each_page, setup, teardown),
	};

	return cmocka_run_group_tests_name("list_order", tests, NULL, NULL);
}
