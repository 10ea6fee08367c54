/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sessions at brokers are subscribed to, as it is kept. */
#include "iotapi/database.h"

#include "base/text.h"
#include "iotapi/mqtt/kept_filters.h"

static int
setup(void **state)
{
	(void)state;
	database_open();
	database_run("PRAGMA synchronous=OFF");
	database_run("INSERT INTO broker (id, nombre, host, port, protocol, keepalive, "
		     "created_at, updated_at) VALUES (1, 'a', 'a', 1, 'mqtt', 60, 0, 0), "
		     "(2, 'b', 'b', 1, 'mqtt', 60, 0, 0)");
	return 0;
}

static void
store(int64_t broker, const char *filters)
{
	struct strv v = {0};
	struct err err = {0};

	strv_split(&v, filters, ' ');
	assert_int_equal(kept_filters_store(db, broker, &v, &err), 0);
	strv_release(&v);
}

/* With a blank behind each. */
static void
are(int64_t broker, const char *wanted)
{
	struct strv v = {0};
	struct buf text = {0};
	size_t i;

	kept_filters_read(db, broker, &v);
	for (i = 0; i < v.n; i++)
		buf_printf(&text, "%s ", v.v[i]);
	assert_string_equal(buf_str(&text), wanted);
	buf_release(&text);
	strv_release(&v);
}

static void
each_broker_has_its_own(void **state)
{
	(void)state;
	are(1, "");
	store(1, "a/+ b/+/c");
	store(2, "d");
	are(1, "a/+ b/+/c ");
	store(1, "a/+");
	are(1, "a/+ ");
	are(2, "d ");
}

static void
they_go_with_the_broker(void **state)
{
	(void)state;
	database_run("DELETE FROM broker WHERE id = 2");
	are(2, "");
	store(2, "d"); /* the session's last word, behind it */
	are(2, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_broker_has_its_own),
	    cmocka_unit_test(they_go_with_the_broker),
	};

	return cmocka_run_group_tests_name("kept_filters", tests, setup, database_close);
}
