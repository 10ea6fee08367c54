/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a name has to wait after how many failed logins. */
#include "unit.h"

#include "base/mem.h"
#include "iotapi/api/guesses.h"

#include <stdlib.h>

static void
waits_grow_up_to_a_minute(void **state)
{
	static const int64_t waits[] = {
	    0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct guesses *g = guesses_new();
	int64_t now = 1000;
	size_t i;

	(void)state;
	assert_int_equal(guesses_wait(g, "ana", now), 0);
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(guesses_failed(g, "ana", now), i + 1);
		assert_int_equal(guesses_wait(g, "ana", now), waits[i]);
		assert_int_equal(guesses_wait(g, "eva", now), 0);
		now += waits[i];
		assert_int_equal(guesses_wait(g, "ana", now), 0);
	}
	guesses_free(g);
}

static void
a_login_or_a_quiet_time_forgets(void **state)
{
	struct guesses *g = guesses_new();
	int64_t now = 1000;
	int i;

	(void)state;
	for (i = 0; i < 7; i++)
		guesses_failed(g, "ana", now);
	assert_int_equal(guesses_wait(g, "ana", now), 2000);
	guesses_passed(g, "ana");
	assert_int_equal(guesses_wait(g, "ana", now), 0);
	assert_int_equal(guesses_failed(g, "ana", now), 1);
	for (i = 0; i < 6; i++)
		guesses_failed(g, "ana", now);
	assert_int_equal(guesses_wait(g, "ana", now), 2000);
	now += 2000 + GUESSES_FORGET;
	assert_int_equal(guesses_failed(g, "ana", now), 8);
	now += 4000 + GUESSES_FORGET + 1;
	assert_int_equal(guesses_failed(g, "ana", now), 1);
	guesses_free(g);
}

static void
names_that_are_made_up_do_not_lock_one_out(void **state)
{
	struct guesses *g = guesses_new();
	int64_t now = 1000;
	int i, locked = 0;

	(void)state;
	/* As many as are tried until the first is forgotten. */
	for (i = 0; i < 36000; i++) {
		char *name = xasprintf("made-up-%d", i);

		guesses_failed(g, name, now);
		free(name);
	}
	for (i = 0; i < 1000; i++) {
		char *name = xasprintf("user%d", i);

		locked += guesses_wait(g, name, now) != 0;
		free(name);
	}
	if (locked > 1)
		print_message("# wanted: 1 of 1000 at most, got: %d\n", locked);
	assert_true(locked <= 1);
	guesses_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_grow_up_to_a_minute),
	    cmocka_unit_test(a_login_or_a_quiet_time_forgets),
	    cmocka_unit_test(names_that_are_made_up_do_not_lock_one_out),
	};

	return cmocka_run_group_tests_name("guesses", tests, NULL, NULL);
}
