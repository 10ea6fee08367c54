/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a connection is tried again, and when that is in vain. */
#include "mqtt/connect/retry.h"

#include "unit.h"

enum { SHORT = 100, LONG = 60000, LOOK = 50, HURRY = 1000 }; /* ms */

static void
lose(struct retry *r, int times, int64_t up_for, bool suspect)
{
	while (times-- > 0)
		retry_lost(r, up_for, suspect);
}

static void
it_is_in_vain_after_some_in_a_row(void **state)
{
	struct retry r = {0};

	(void)state;
	lose(&r, RETRY_IN_VAIN - 1, SHORT, true);
	assert_false(retry_is_in_vain(&r));
	lose(&r, 1, SHORT, true);
	assert_true(retry_is_in_vain(&r));
	/* It is seen at once whether a broker is there at all. */
	assert_int_equal(retry_wait(&r, 1), LOOK);
	/* It is not: whoever has ended them, it has crashed. */
	retry_failed(&r);
	assert_false(retry_is_in_vain(&r));
	lose(&r, RETRY_IN_VAIN - 1, SHORT, true);
	assert_false(retry_is_in_vain(&r));
}

static void
a_long_or_harmless_one_ends_the_row(void **state)
{
	struct retry r = {0};

	(void)state;
	lose(&r, RETRY_IN_VAIN - 1, SHORT, true);
	lose(&r, 1, SHORT, false);
	lose(&r, 1, SHORT, true);
	assert_false(retry_is_in_vain(&r));
	lose(&r, RETRY_IN_VAIN - 2, SHORT, true);
	lose(&r, 1, LONG, true);
	assert_false(retry_is_in_vain(&r));
}

static void
back_off_begins_anew_after_a_long_one(void **state)
{
	struct retry r = {0};

	(void)state;
	assert_within(retry_wait(&r, 1), 0, BACKOFF_FIRST);
	retry_wait(&r, 1);
	assert_int_equal(r.backoff.failures, 2);
	/* One that is taken away again at once changes nothing. */
	lose(&r, 1, SHORT, false);
	assert_int_equal(r.backoff.failures, 2);
	lose(&r, 1, LONG, false);
	assert_int_equal(r.backoff.failures, 0);
	assert_within(retry_wait(&r, 1), 0, BACKOFF_FIRST);
}

static void
in_a_hurry_there_is_none(void **state)
{
	struct retry r = {.backoff.failures = 20};

	(void)state;
	retry_hurry(&r);
	assert_int_equal(retry_wait(&r, 10000), HURRY);
	lose(&r, RETRY_IN_VAIN, SHORT, true);
	assert_int_equal(retry_wait(&r, 10000), HURRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_in_vain_after_some_in_a_row),
	    cmocka_unit_test(a_long_or_harmless_one_ends_the_row),
	    cmocka_unit_test(back_off_begins_anew_after_a_long_one),
	    cmocka_unit_test(in_a_hurry_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
