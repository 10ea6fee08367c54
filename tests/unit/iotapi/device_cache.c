/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of devices is what the database has, whoever changes it. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "iotapi/db/tables.h"
#include "iotapi/mqtt/device_cache.h"

struct fixture {
	char dir[64];
	struct db *db, *other;
	struct device_cache *cache;
	struct err err;
};

static void
run(struct fixture *f, struct db *db, const char *sql)
{
	if (db_run(db, &f->err, sql, ""))
		fail_msg("%s: %s", sql, f->err.text);
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	char *path;

	snprintf(f->dir, sizeof(f->dir), "/tmp/iot-cache.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	path = xasprintf("%s/db", f->dir);
	assert_int_equal(db_open(&f->db, path, true, &f->err), 0);
	assert_int_equal(tables_make(f->db, &f->err), 0);
	assert_int_equal(db_open(&f->other, path, true, &f->err), 0);
	free(path);
	run(f, f->db,
	    "INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, "
	    "mqtt_client_id, created_at, updated_at) VALUES ('A', 'otro', 'a', 'x', "
	    "'client', '', ''), ('B', 'otro', 'client', 'x', NULL, '', '')");
	run(f, f->db,
	    "INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, "
	    "mqtt_topic_suffix, created_at, updated_at) VALUES ('S', 'otro', '1', 0, 1, "
	    "'s', '', ''), ('N', 'otro', '1', 0, 1, NULL, '', '')");
	run(f, f->db,
	    "INSERT INTO assignment (dispositivo, sensor, configuracion_json, "
	    "fecha_asignacion) VALUES (1, 1, '{}', ''), (1, 2, '{}', '')");
	f->cache = device_cache_new();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *remove = xasprintf("rm -r %s", f->dir);

	device_cache_free(f->cache);
	db_close(f->other);
	db_close(f->db);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(f);
	return 0;
}

/* As a batch of messages does: a job of its own. */
static const struct known_device *
find(struct fixture *f, const char *id)
{
	db_forgive(f->db);
	db_note_job(f->db);
	device_cache_begin(f->cache, f->db);
	return device_cache_find(f->cache, f->db, span_of(id));
}

static void
devices_are_found_by_their_names(void **state)
{
	struct fixture *f = *state;
	const struct known_device *d = find(f, "a");

	assert_int_equal(d->id, 1);
	assert_int_equal(d->n, 1);
	assert_string_equal(d->sensors[0].suffix, "s");
	assert_true(d->sensors[0].min == 0 && d->sensors[0].max == 1);
	assert_int_equal(find(f, "client")->id, 2);
	assert_null(find(f, "nobody"));
	run(f, f->other, "UPDATE device SET identificador_unico = 'b' WHERE id = 2");
	assert_int_equal(find(f, "client")->id, 1);
}

static void
changes_are_seen(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(find(f, "a")->n, 1);
	/* Another process. */
	run(f, f->other, "UPDATE sensor SET rango_max = 2 WHERE id = 1");
	assert_true(find(f, "a")->sensors[0].max == 2);
	/* Another job; and the control: without one it is as it was. */
	run(f, f->db, "UPDATE sensor SET rango_max = 3 WHERE id = 1");
	assert_true(find(f, "a")->sensors[0].max == 2);
	db_note_job(f->db);
	assert_true(find(f, "a")->sensors[0].max == 3);
	db_note_job(f->db);
	run(f, f->db, "UPDATE device SET mqtt_enabled = 0 WHERE id = 1");
	assert_null(find(f, "a"));
	db_note_job(f->db);
	run(f, f->db, "UPDATE device SET mqtt_enabled = 1 WHERE id = 1");
	assert_non_null(find(f, "a"));
	/* What is undone. */
	assert_int_equal(db_begin(f->db, &f->err), 0);
	db_note_job(f->db);
	run(f, f->db, "DELETE FROM assignment");
	assert_int_equal(find(f, "a")->n, 0);
	db_rollback(f->db);
	assert_int_equal(find(f, "a")->n, 1);
}

static void
a_failure_is_not_kept(void **state)
{
	struct fixture *f = *state;

	run(f, f->db, "ALTER TABLE assignment RENAME TO gone");
	assert_null(find(f, "a"));
	assert_int_equal(db_failed(f->db, &f->err), -1);
	run(f, f->db, "ALTER TABLE gone RENAME TO assignment");
	assert_int_equal(find(f, "a")->n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		devices_are_found_by_their_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(changes_are_seen, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_failure_is_not_kept, setup, teardown),
	};

	return cmocka_run_group_tests_name("device_cache", tests, NULL, NULL);
}
