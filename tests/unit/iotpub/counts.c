/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is counted of all devices, and when there is too much of it. */
#include "unit.h"

#include "iotpub/sim/counts.h"

static void
in_flight_is_what_nobody_has_settled(void **state)
{
	struct counts c = {.given = 10,
	    .dropped = 1,
	    .outcome = {.published = 4, .refused = 2, .unacknowledged = 1}};

	(void)state;
	assert_int_equal(counts_in_flight(&c), 3);
	/* A message of a session that is gone may be told of twice. */
	c.dropped = 9;
	assert_int_equal(counts_in_flight(&c), 0);
}

static void
it_stays_full_until_half_have_left(void **state)
{
	struct counts c = {.given = 10};

	(void)state;
	assert_false(counts_are_full(&c, 11));
	assert_false(c.full);
	assert_true(counts_are_full(&c, 10));
	assert_true(c.full);
	c.outcome.published = 4;
	assert_false(counts_are_full(&c, 10));
	assert_true(c.full); /* and not told again when it fills up */
	c.outcome.published = 5;
	assert_false(counts_are_full(&c, 10));
	assert_false(c.full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(in_flight_is_what_nobody_has_settled),
	    cmocka_unit_test(it_stays_full_until_half_have_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
