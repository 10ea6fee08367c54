/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <pthread.h>

#include "loop/resolve.h"

struct asked {
	struct loop *loop;
	struct resolve *lookup;
	int answers;
	size_t addresses;
	int stop_at;
};

static void
on_answer(void *arg, const struct strv *addresses, const struct err *why)
{
	struct asked *a = arg;

	assert_int_equal(why->code, ERR_OK);
	a->addresses += addresses->n;
	if (++a->answers == a->stop_at)
		loop_stop(a->loop);
}

static struct asked
asks(int stop_at)
{
	struct err err = {0};

	return (struct asked){.loop = loop_new(&err), .stop_at = stop_at};
}

static void
test_an_address_is_its_own_answer(void **state)
{
	struct asked a = asks(2);

	(void)state;
	resolve_start(a.loop, "127.0.0.1", on_answer, &a);
	resolve_start(a.loop, "/run/socket", on_answer, &a);
	assert_int_equal(resolve_running(), 0);
	assert_int_equal(a.answers, 0);
	assert_int_equal(loop_run(a.loop, NULL), 0);
	assert_int_equal(a.addresses, 2);
	loop_free(a.loop);
}

static void
test_one_lookup_for_all_of_a_loop(void **state)
{
	struct asked a = asks(2), b = asks(1);
	struct resolve *given_up;

	(void)state;
	resolve_start(a.loop, "localhost", on_answer, &a);
	given_up = resolve_start(a.loop, "localhost", on_answer, &a);
	resolve_start(a.loop, "localhost", on_answer, &a);
	resolve_start(b.loop, "localhost", on_answer, &b);
	assert_within(resolve_running(), 0, 2);
	resolve_cancel(given_up);
	assert_int_equal(loop_run(a.loop, NULL), 0);
	assert_int_equal(loop_run(b.loop, NULL), 0);
	assert_true(a.addresses >= 2 && b.addresses >= 1);
	loop_free(a.loop);
	loop_free(b.loop);
}

static void *
cancel(void *arg)
{
	resolve_cancel(((struct asked *)arg)->lookup);
	return NULL;
}

/* A loop belongs to one thread at a time, not to the one that made it. */
static void
test_a_loop_that_changes_its_thread(void **state)
{
	struct asked a = asks(1);
	pthread_t other;

	(void)state;
	a.lookup = resolve_start(a.loop, "localhost", on_answer, &a);
	assert_int_equal(pthread_create(&other, NULL, cancel, &a), 0);
	pthread_join(other, NULL);
	while (resolve_running() > 0)
		;
	resolve_start(a.loop, "localhost", on_answer, &a);
	assert_int_equal(loop_run(a.loop, NULL), 0);
	assert_int_equal(a.answers, 1);
	loop_free(a.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_address_is_its_own_answer),
	    cmocka_unit_test(test_one_lookup_for_all_of_a_loop),
	    cmocka_unit_test(test_a_loop_that_changes_its_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
