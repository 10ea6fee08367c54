/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices are silent, on clocks of the test's own; and what a status may say of them. */
#include "iotapi/database.h"

#include "base/buf.h"
#include "iotapi/mqtt/silence.h"
#include "iotapi/mqtt/device_cache.h"
#include "iotapi/mqtt/store_message.h"
#include "iotapi/mqtt/store_presence.h"

#define S INT64_C(1000000)
#define NOW (INT64_C(1800000000) * S)

static int
set_up(void **state)
{
	(void)state;
	database_open();
	database_run(
	    "INSERT INTO broker (id, nombre, host, port, protocol, keepalive, "
	    "clean_session, use_tls, is_active, created_at, updated_at) VALUES (1, 'A', "
	    "'a', 1883, 'mqtt', 60, 0, 0, 1, '', ''), (2, 'B', 'b', 1883, 'mqtt', 60, 0, "
	    "0, 1, '', '')");
	return 0;
}

/* A device that is online and was heard `ago` seconds before NOW (negative: after it); broker 0: no configuration. */
static void
device(int64_t id, int64_t broker, int64_t interval, int64_t ago)
{
	struct err err = {0};
	struct buf seen = {0};
	char *name = xasprintf("D%lld", (long long)id);

	buf_time(&seen, NOW - ago * S);
	assert_int_equal(
	    db_run(db, &err,
		"INSERT INTO device (id, nombre, tipo, identificador_unico, ubicacion, "
		"estado, descripcion, mqtt_enabled, last_seen, connection_status, "
		"created_at, updated_at) VALUES (?1, ?2, 'otro', ?2, 'x', 'activo', '', "
		"1, "
		"?3, 'online', '', '')",
		"ist", id, name, buf_as_span(&seen)),
	    0);
	if (broker != 0)
		assert_int_equal(
		    db_run(db, &err,
			"INSERT INTO \"device-config\" (dispositivo, broker, "
			"subscribe_topics, publish_interval, qos, retain, "
			"auto_reconnect, "
			"connection_status, metadata_json, is_active, created_at, "
			"updated_at) VALUES (?1, ?2, '[]', ?3, 1, 0, 1, 'connected', "
			"'{}', "
			"1, '', '')",
			"iii", id, broker, interval),
		    0);
	buf_release(&seen);
	free(name);
}

/* The devices that are not online, as "1 3", after a look. */
static void
assert_silent(
    const struct silence_link *links, size_t n, bool all, int64_t now, const char *want)
{
	struct err err = {0};
	struct buf got = {0};
	size_t silent;
	sqlite3_stmt *stmt;

	assert_int_equal(silence_judge(db, links, n, all, now, &silent, &err), 0);
	stmt = db_query(db, &err,
	    "SELECT group_concat(id, ' ') FROM (SELECT id FROM device WHERE "
	    "connection_status <> 'online' ORDER BY id)",
	    "");
	assert_int_equal(db_step(db, stmt, &err), 1);
	if (!db_is_null(stmt, 0))
		buf_span(&got, db_column_text(stmt, 0));
	sqlite3_reset(stmt);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
}

static void
three_intervals_and_90_seconds_at_least(void **state)
{
	const struct silence_link link = {1, NOW - 86400 * S};

	(void)state;
	device(1, 1, 10, 89);
	device(2, 1, 10, 91);
	device(3, 1, 60, 179);
	device(4, 1, 60, 181);
	device(5, 1, 86400, 86400);
	device(6, 0, 0, 179);
	device(7, 0, 0, 181);
	database_run("UPDATE device SET last_seen = NULL WHERE id = 5");
	assert_silent(&link, 1, true, NOW, "2 4 7");
	/* Both fields say so; when it was last heard stays. */
	assert_int_equal(
	    db_number(db, 0,
		"SELECT count(*) FROM \"device-config\" c JOIN device d ON d.id "
		"= c.dispositivo WHERE (c.connection_status = 'connected') = "
		"(d.connection_status = 'online')",
		""),
	    5);
	assert_int_equal(
	    db_number(db, 0, "SELECT count(*) FROM device WHERE last_seen IS NULL", ""),
	    1);
	assert_silent(&link, 1, true, NOW + 3 * S, "1 2 3 4 6 7");
}

static void
only_where_it_could_have_been_heard(void **state)
{
	struct silence_link links[] = {{1, NOW - 89 * S}, {2, NOW - 1000 * S}};

	(void)state;
	device(1, 1, 10, 5000);
	device(2, 2, 10, 5000);
	device(3, 0, 0, 5000);
	/* The link to its broker is down, or came up not long enough ago: so after a restart. */
	assert_silent(links, 0, false, NOW, "");
	assert_silent(&links[0], 1, false, NOW, "");
	assert_silent(links, 2, true, NOW, "2");
	assert_silent(links, 2, true, NOW + 2 * S, "1 2");
	/* Which broker it uses nobody knows: not while one is away. */
	assert_silent(links, 2, false, NOW + 200 * S, "1 2");
	assert_silent(links, 2, true, NOW + 200 * S, "1 2 3");
}

static void
others_are_left_alone(void **state)
{
	const struct silence_link link = {1, NOW - 86400 * S};

	(void)state;
	device(1, 1, 10, 5000);
	device(2, 1, 10, 5000);
	database_run("UPDATE device SET mqtt_enabled = 0 WHERE id = 1");
	database_run("UPDATE device SET connection_status = 'error' WHERE id = 2");
	assert_silent(&link, 1, true, NOW, "2");
	assert_int_equal(
	    db_number(db, 0,
		"SELECT count(*) FROM device WHERE connection_status = 'error'", ""),
	    1);
}

static void
many_go_in_steps(void **state)
{
	const struct silence_link link = {1, NOW - 86400 * S};
	struct err err = {0};
	size_t silent;
	int64_t id;

	(void)state;
	assert_int_equal(db_begin(db, &err), 0);
	for (id = 1; id <= SILENCE_STEP + 1; id++)
		device(id, id % 2, 10, 5000);
	assert_int_equal(db_commit(db, &err), 0);
	assert_int_equal(silence_judge(db, &link, 1, true, NOW, &silent, &err), 0);
	assert_int_equal(silent, SILENCE_STEP);
	assert_int_equal(silence_judge(db, &link, 1, true, NOW, &silent, &err), 0);
	assert_int_equal(silent, 1);
	assert_int_equal(silence_judge(db, &link, 1, true, NOW, &silent, &err), 0);
	assert_int_equal(silent, 0);
}

/* As NTP may do: what was heard a moment ago lies ahead. */
static void
a_step_back_is_no_silence(void **state)
{
	const struct silence_link link = {1, NOW - 86400 * S};

	(void)state;
	device(1, 1, 10, -1);
	assert_silent(&link, 1, true, NOW, "");
}

static void
a_clock_that_is_set_ends_nobody(void **state)
{
	struct silence_clock last = {0};
	struct silence_clock now = {NOW, 5 * S};
	struct silence_link link = {1, NOW - 86400 * S};

	(void)state;
	assert_false(silence_was_set(&last, &now));
	now = (struct silence_clock){NOW + 10 * S, 15 * S};
	assert_false(silence_was_set(&last, &now));
	now = (struct silence_clock){NOW + 20 * S + S / 2, 25 * S};
	assert_false(silence_was_set(&last, &now));
	/* A year ahead: silence begins there. */
	now = (struct silence_clock){NOW + 31536000 * S, 30 * S};
	assert_true(silence_was_set(&last, &now));
	device(1, 1, 10, 5);
	link.since_us = now.wall_us;
	assert_silent(&link, 1, true, now.wall_us + 89 * S, "");
	assert_silent(&link, 1, true, now.wall_us + 91 * S, "1");
	/* And back: what was heard then lies ahead, and is no sign of life. */
	database_run("UPDATE device SET connection_status = 'online'");
	now = (struct silence_clock){NOW - 86400 * S, 40 * S};
	assert_true(silence_was_set(&last, &now));
	link.since_us = now.wall_us;
	assert_silent(&link, 1, true, now.wall_us + 89 * S, "");
	assert_silent(&link, 1, true, now.wall_us + 91 * S, "1");
}

static void
store(const char *topic, const char *payload, bool retain, int64_t at)
{
	static struct topic_set topics;
	const struct store_message from = {
	    .topics = &topics, .devices = device_cache_new()};
	const struct topicopts templates = {0};
	const struct msg m = {.topic = span_of(topic),
	    .payload = span_of(payload),
	    .received_us = at,
	    .retain = retain,
	    .qos = 1};
	struct err err = {0};

	if (topics.data == NULL)
		assert_int_equal(topic_set_compile(&topics, &templates, &err), 0);
	device_cache_begin(from.devices, db);
	assert_int_equal(store_message(db, &from, &m, &err), 0);
	device_cache_free(from.devices);
}

static void
assert_device(int64_t id, const char *status, int64_t seen)
{
	struct buf want = {0}, got = {0};
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT connection_status, last_seen FROM device WHERE id = ?1", "i", id);

	assert_int_equal(db_step(db, stmt, NULL), 1);
	buf_printf(&got, "%s %s", db_column_text(stmt, 0).p, db_column_text(stmt, 1).p);
	sqlite3_reset(stmt);
	buf_printf(&want, "%s ", status);
	buf_time(&want, seen);
	assert_string_equal(buf_str(&got), buf_str(&want));
	buf_release(&want);
	buf_release(&got);
}

#define STATUS "iot/devices/D1/status"

static void
a_retained_connected_of_old_is_no_news(void **state)
{
	const struct silence_link link = {1, NOW - 86400 * S};
	char *old = xasprintf(
	    "{\"status\":\"connected\",\"timestamp\":%lld}", (long long)(NOW / S - 5000));
	char *new = xasprintf(
	    "{\"status\":\"connected\",\"timestamp\":%lld}", (long long)(NOW / S - 100));

	(void)state;
	device(1, 1, 10, 1000);
	assert_silent(&link, 1, true, NOW, "1");
	store(STATUS, old, true, NOW);
	assert_device(1, "offline", NOW - 1000 * S);
	/* It connected again while nobody listened here. */
	store(STATUS, new, true, NOW);
	assert_device(1, "online", NOW - 100 * S);
	/* A will has the time of its connection: it counts, though data came after it. */
	store(
	    STATUS, "{\"status\":\"disconnected\",\"timestamp\":1790000000}", true, NOW);
	assert_device(1, "offline", NOW - 100 * S);
	store(STATUS, "{\"status\":\"connected\"}", false, NOW);
	assert_device(1, "online", NOW);
	/* News of now counts on a clock that was set back, too. */
	store(STATUS, "{\"status\":\"connected\"}", false, NOW - 9000 * S);
	assert_device(1, "online", NOW - 9000 * S);
	free(old);
	free(new);
}

static void
a_status_of_another_device_is_a_reject(void **state)
{
	(void)state;
	device(1, 1, 10, 1000);
	store(STATUS, "{\"device_id\":\"D2\",\"status\":\"disconnected\"}", false, NOW);
	assert_device(1, "online", NOW - 1000 * S);
	assert_int_equal(
	    db_number(db, -1, "SELECT count(*) FROM reject WHERE error = 'id'", ""), 1);
	store(STATUS, "{\"device_id\":\"D1\",\"status\":\"error\"}", false, NOW);
	assert_device(1, "error", NOW);
}

static void
emqx_tells_of_clients(void **state)
{
	static const char node[] = "$SYS/brokers/emqx@127.0.0.1/clients/";
	char *up = xasprintf("%sD1/connected", node);
	char *down = xasprintf("%sD1/disconnected", node);
	char *login = xasprintf("%sown-id/connected", node);
	char *other = xasprintf("%snobody/connected", node);

	(void)state;
	device(1, 1, 10, 1000);
	device(2, 1, 10, 1000);
	database_run("UPDATE device SET connection_status = 'offline'");
	database_run(
	    "INSERT INTO credential (dispositivo, client_id, username, use_device_cert, "
	    "is_active, created_at, updated_at) VALUES (2, 'own-id', 'u', 0, 1, '', '')");
	store(up, "{}", false, NOW);
	assert_device(1, "online", NOW);
	store(down, "no json", false, NOW + S);
	assert_device(1, "offline", NOW);
	store(login, "{}", false, NOW);
	assert_device(2, "online", NOW);
	store(other, "{}", false, NOW);
	assert_int_equal(db_number(db, -1, "SELECT count(*) FROM reject", ""), 0);
	free(up);
	free(down);
	free(login);
	free(other);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, database_close)
	const struct CMUnitTest tests[] = {
	    TEST(three_intervals_and_90_seconds_at_least),
	    TEST(only_where_it_could_have_been_heard),
	    TEST(others_are_left_alone),
	    TEST(many_go_in_steps),
	    TEST(a_step_back_is_no_silence),
	    TEST(a_clock_that_is_set_ends_nobody),
	    TEST(a_retained_connected_of_old_is_no_news),
	    TEST(a_status_of_another_device_is_a_reject),
	    TEST(emqx_tells_of_clients),
	};

	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
