/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which broker and which address is tried next, how long each may take, and what of it all is told. */
#include "mqtt/connect/candidates.h"

#include "base/buf.h"
#include "mqtt/connect/attempts.h"
#include "mqtt/connect/deadline.h"
#include "unit.h"

static void
resolve(struct candidates *c, const char *addresses, uint64_t anywhere)
{
	struct strv list = {0};

	strv_split(&list, addresses, ' ');
	candidates_resolved(c, &list, anywhere);
	strv_release(&list);
}

/* The addresses that are left, tried one after the other. */
static void
is_tried(struct candidates *c, const char *wanted)
{
	struct buf tried = {0};
	const char *address;

	while ((address = candidates_address(c)) != NULL) {
		buf_printf(&tried, tried.n > 0 ? " %s" : "%s", address);
		candidates_next_address(c);
	}
	assert_string_equal(tried.n > 0 ? buf_str(&tried) : "", wanted);
	buf_release(&tried);
}

static void
a_round_comes_to_each_address(void **state)
{
	struct candidates c;

	(void)state;
	candidates_open(&c, 1, 0);
	candidates_begin(&c);
	assert_null(candidates_address(&c));
	assert_int_equal(candidates_left(&c), 1);
	assert_false(candidates_are_several(&c));
	resolve(&c, "A B C", 0);
	assert_true(candidates_are_several(&c));
	assert_int_equal(candidates_left(&c), 3);
	candidates_next_address(&c);
	assert_int_equal(candidates_left(&c), 2);
	is_tried(&c, "B C");
	assert_false(candidates_next_broker(&c));
	/* Who has no preference begins where chance says. */
	candidates_begin(&c);
	resolve(&c, "A B C", 7);
	is_tried(&c, "B C A");
	candidates_begin(&c);
	resolve(&c, "", 7);
	is_tried(&c, "");
	candidates_release(&c);
}

static void
a_round_begins_behind_the_bad_address(void **state)
{
	struct candidates c;

	(void)state;
	candidates_open(&c, 1, 0);
	candidates_begin(&c);
	resolve(&c, "A B C", 0);
	candidates_next_address(&c);
	candidates_mark_bad(&c);
	candidates_begin(&c);
	resolve(&c, "A B C", 0);
	is_tried(&c, "C A B");
	/* The last one was bad: the round ended with it. */
	candidates_mark_bad(&c);
	candidates_begin(&c);
	resolve(&c, "A B C", 0);
	is_tried(&c, "C A B");
	/* The name has it no more; nor is it remembered for ever. */
	candidates_mark_bad(&c);
	candidates_begin(&c);
	resolve(&c, "C D", 1);
	is_tried(&c, "C D");
	candidates_begin(&c);
	resolve(&c, "A B", 0);
	is_tried(&c, "A B");
	candidates_release(&c);
}

static void
a_round_comes_to_each_broker(void **state)
{
	struct candidates c;

	(void)state;
	candidates_open(&c, 3, 1);
	candidates_begin(&c);
	assert_int_equal(c.broker, 1);
	assert_int_equal(candidates_left(&c), 3);
	resolve(&c, "A B", 0);
	assert_int_equal(candidates_left(&c), 4);
	is_tried(&c, "A B");
	assert_true(candidates_next_broker(&c));
	assert_int_equal(c.broker, 2);
	assert_null(candidates_address(&c));
	assert_true(candidates_next_broker(&c));
	assert_int_equal(c.broker, 0);
	assert_int_equal(candidates_left(&c), 1);
	assert_false(candidates_next_broker(&c));
	/* With several, the broker is left, not its address. */
	resolve(&c, "A B", 0);
	candidates_mark_bad(&c);
	candidates_begin(&c);
	assert_int_equal(c.broker, 1);
	resolve(&c, "A B", 0);
	is_tried(&c, "A B");
	/* One that was not bad is tried again first. */
	candidates_begin(&c);
	assert_int_equal(c.broker, 1);
	candidates_release(&c);
}

static void
time_is_shared(void **state)
{
	struct deadline d = {0};

	(void)state;
	deadline_begin(&d, 1000, 9000);
	assert_int_equal(deadline_share(&d, 1000, 3), 3000);
	assert_int_equal(deadline_left(&d, 1500), 2500);
	assert_int_equal(deadline_left(&d, 4500), -500);
	/* What one did not need is the others'. */
	assert_int_equal(deadline_share(&d, 2000, 2), 4000);
	assert_int_equal(deadline_share(&d, 9760, 1), 240);
	assert_true(deadline_seconds(&d) > 0.19 && deadline_seconds(&d) < 0.21);
	assert_false(deadline_is_over(&d, 9999));
	assert_true(deadline_is_over(&d, 10000));
	assert_int_equal(deadline_share(&d, 12000, 1), 0);
}

static void
fails(struct attempts *a, enum attempts_reach reach, const char *text, bool only)
{
	struct err why = {.code = ERR_UNREACHABLE};

	snprintf(why.text, sizeof(why.text), "%s", text);
	a->reach = reach;
	attempts_failed(a, &why, only);
}

/* The round ends: what it tells. */
static void
tells(struct attempts *a, bool final, const char *wanted)
{
	struct err why = {.code = ERR_UNREACHABLE, .text = "the last"};

	assert_int_equal(attempts_end(a, &why), final);
	assert_string_equal(why.text, wanted);
}

static void
the_furthest_is_told(void **state)
{
	struct attempts a = {0};

	(void)state;
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_HOST, "refused", false);
	fails(&a, ATTEMPTS_REACH_SERVER, "silent", false);
	fails(&a, ATTEMPTS_REACH_SERVER, "silent, too", false);
	fails(&a, ATTEMPTS_REACH_NOTHING, "no way", false);
	tells(&a, false, "silent");
	/* Only the last one knows it where there is only one. */
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_HOST, "the last", true);
	tells(&a, false, "the last");
	attempts_release(&a);
}

static void
it_is_final_when_all_refused_for_good(void **state)
{
	struct attempts a = {0};

	(void)state;
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_END, "wrong login", false);
	fails(&a, ATTEMPTS_REACH_END, "banned", false);
	tells(&a, true, "wrong login");
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_END, "wrong login", false);
	fails(&a, ATTEMPTS_REACH_HOST, "refused", false);
	tells(&a, false, "wrong login");
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_END, "the last", true);
	tells(&a, true, "the last");
	attempts_release(&a);
}

static void
a_round_knows_nothing_of_the_one_before(void **state)
{
	struct attempts a = {0};

	(void)state;
	/* This one came up in the end. */
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_SERVER, "silent", false);
	attempts_begin(&a);
	fails(&a, ATTEMPTS_REACH_NOTHING, "no way", false);
	tells(&a, false, "no way");
	attempts_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_round_comes_to_each_address),
	    cmocka_unit_test(a_round_begins_behind_the_bad_address),
	    cmocka_unit_test(a_round_comes_to_each_broker),
	    cmocka_unit_test(time_is_shared),
	    cmocka_unit_test(the_furthest_is_told),
	    cmocka_unit_test(it_is_final_when_all_refused_for_good),
	    cmocka_unit_test(a_round_knows_nothing_of_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
