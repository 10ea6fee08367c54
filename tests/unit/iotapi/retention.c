/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which readings are too old, on a clock of the test's own, and how many of them go in one step. */
#include "iotapi/database.h"

#include <time.h>

#include "base/buf.h"
#include "iotapi/db/purge.h"
#include "iotapi/retention.h"

#define DAY (INT64_C(86400) * 1000000)
#define NOW (INT64_C(1800000000) * 1000000)

static int
set_up(void **state)
{
	(void)state;
	database_open();
	database_run(
	    "INSERT INTO device (id, nombre, tipo, identificador_unico, ubicacion, "
	    "estado, descripcion, mqtt_enabled, connection_status, created_at, "
	    "updated_at) VALUES (1, 'D', 'otro', 'D', 'x', 'activo', '', 1, "
	    "'online', "
	    "'', '')");
	database_run(
	    "INSERT INTO sensor (id, nombre, tipo, unidad_medida, rango_min, "
	    "rango_max, estado, descripcion, created_at, updated_at) VALUES (1, 'S', "
	    "'gas', 'x', 0, 1, 'activo', '', '', '')");
	return 0;
}

static void
readings(int n, int64_t at)
{
	struct err err = {0};

	while (n-- > 0)
		assert_int_equal(
		    db_run(db, &err,
			"INSERT INTO reading (dispositivo, sensor, valor, timestamp, "
			"metadata_json, mqtt_retained) VALUES (1, 1, 0.5, ?1, '{}', 0)",
			"i", at),
		    0);
}

static void
assert_step(int64_t keep_days, int64_t now, int64_t deleted, bool more)
{
	struct err err = {0};
	int64_t n = 0;
	bool is_more;

	assert_int_equal(
	    retention_step(db, keep_days * DAY / 1000, now, &n, &is_more, &err), 0);
	assert_int_equal(n, deleted);
	assert_int_equal(is_more, more);
}

static void
old_ones_go_in_steps(void **state)
{
	struct err err = {0};

	(void)state;
	assert_step(90, NOW, 0, false);
	assert_int_equal(db_begin(db, &err), 0);
	readings(PURGE_STEP + 10, NOW - 91 * DAY);
	readings(3, NOW - 89 * DAY);
	readings(1, NOW);
	assert_int_equal(db_commit(db, &err), 0);
	assert_step(90, NOW, PURGE_STEP, true);
	assert_step(90, NOW, 10, false);
	assert_step(90, NOW, 0, false);
	assert_int_equal(db_number(db, 0, "SELECT count(*) FROM reading", ""), 4);
}

static void
a_clock_that_is_far_ahead_takes_nothing(void **state)
{
	(void)state;
	readings(1, NOW - 89 * DAY);
	readings(1, NOW);
	assert_step(90, NOW + 20000 * DAY, 0, false);
	/* Nor does one that is behind. */
	assert_step(90, NOW - 9000 * DAY, 0, false);
	assert_step(80, NOW + 20000 * DAY, 1, false);
}

/* Microseconds of the processor that a hundred looks take. */
static int64_t
looks(void)
{
	const clock_t began = clock();
	int i;

	for (i = 0; i < 100; i++)
		assert_step(90, NOW, 0, false);
	return (int64_t)(clock() - began) * 1000000 / CLOCKS_PER_SEC;
}

static void
a_look_costs_the_same_with_many_devices(void **state)
{
	int64_t one;

	(void)state;
	readings(1, NOW);
	one = looks();
	database_run("INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, "
		     "created_at, updated_at) WITH RECURSIVE n(i) AS (SELECT 10 UNION "
		     "ALL SELECT i + 1 FROM n LIMIT 20000) SELECT 'D', 'otro', i, 'x', "
		     "'', '' FROM n");
	assert_true(looks() < 20 * (one + 1000));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, database_close)
	const struct CMUnitTest tests[] = {
	    TEST(old_ones_go_in_steps),
	    TEST(a_clock_that_is_far_ahead_takes_nothing),
	    TEST(a_look_costs_the_same_with_many_devices),
	};

	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
