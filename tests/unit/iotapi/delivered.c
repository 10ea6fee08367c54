/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which messages are stored already: the last one of each identifier, in the batches that are kept. */
#include "iotapi/database.h"

#include "base/text.h"
#include "iotapi/mqtt/delivered.h"

static int
setup(void **state)
{
	(void)state;
	database_open();
	database_run("PRAGMA synchronous=OFF");
	database_run("PRAGMA foreign_keys=OFF");
	database_run("INSERT INTO broker (id, nombre, host, port, protocol, keepalive, "
		     "created_at, updated_at) VALUES (1, 'a', 'a', 1, 'mqtt', 60, 0, 0)");
	return 0;
}

static struct msg
message(uint16_t mid, const char *payload, bool dup)
{
	return (struct msg){.topic = SPAN("t"),
	    .payload = span_of(payload),
	    .mid = mid,
	    .qos = 1,
	    .dup = dup};
}

static void
store(int64_t broker, uint16_t mid, const char *payload)
{
	const struct msg m = message(mid, payload, false);
	struct delivered d = {.broker = broker};
	struct err err = {0};

	delivered_add(&d, &m);
	assert_int_equal(delivered_store(&d, db, &err), 0);
	delivered_release(&d);
}

static bool
has(int64_t broker, uint16_t mid, const char *payload, bool dup)
{
	const struct msg m = message(mid, payload, dup);
	struct delivered d = {.broker = broker};
	bool found = delivered_has(&d, db, &m);

	delivered_release(&d);
	return found;
}

static void
the_last_one_of_an_identifier_counts(void **state)
{
	struct delivered d = {.broker = 1};
	const struct msg m = message(5, "c", true);
	struct err err = {0};

	(void)state;
	store(1, 5, "a");
	store(1, 6, "a");
	assert_true(has(1, 5, "a", true));
	assert_false(has(1, 5, "a", false));
	assert_false(has(1, 7, "a", true));
	assert_false(has(1, 5, "b", true));
	assert_false(has(2, 5, "a", true));
	store(1, 5, "b");
	assert_false(has(1, 5, "a", true));
	assert_true(has(1, 5, "b", true));
	/* in the batch at hand, too */
	assert_false(delivered_has(&d, db, &m));
	delivered_add(&d, &m);
	assert_true(delivered_has(&d, db, &m));
	delivered_release(&d);
	assert_int_equal(delivered_forget(db, 1, &err), 0);
	assert_false(has(1, 5, "b", true));
}

/* Those of before the identifiers were used up are others, though they look the same. */
static void
messages_are_bounded(void **state)
{
	struct delivered d = {.broker = 1};
	struct msg m = message(1, "same", false);
	struct err err = {0};
	size_t i;

	(void)state;
	for (i = 0; i < DELIVERED_MESSAGES; i++) {
		m.mid = (uint16_t)(i + 1);
		delivered_add(&d, &m);
	}
	assert_int_equal(delivered_store(&d, db, &err), 0);
	delivered_release(&d);
	assert_true(has(1, 1, "same", true));
	store(1, DELIVERED_MESSAGES + 1, "same");
	assert_false(has(1, 1, "same", true));
	assert_true(has(1, 2, "same", true));
	assert_int_equal(delivered_forget(db, 1, &err), 0);
}

static void
batches_are_bounded(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < DELIVERED_BATCHES + 2; i++)
		store(1, (uint16_t)(i + 1), "a");
	assert_false(has(1, 2, "a", true));
	assert_true(has(1, 3, "a", true));
	assert_true(has(1, DELIVERED_BATCHES + 2, "a", true));
	assert_int_equal(
	    db_number(db, 0, "SELECT count(*) FROM delivered", ""), DELIVERED_BATCHES);
	/* of a broker that is gone there is none */
	store(2, 9, "a");
	assert_false(has(2, 9, "a", true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_one_of_an_identifier_counts),
	    cmocka_unit_test(messages_are_bounded),
	    cmocka_unit_test(batches_are_bounded),
	};

	return cmocka_run_group_tests_name("delivered", tests, setup, database_close);
}
