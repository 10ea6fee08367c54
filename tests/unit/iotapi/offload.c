/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was taken is run, also when it is stopped; what comes behind that is told so; lanes take turns. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "iotapi/http/offload.h"

static void
count(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
nothing_is_taken_that_would_not_run(void **state)
{
	struct offload *o = offload_new(1, 1, 64);
	atomic_int ran = 0;
	int i, taken = 0;

	(void)state;
	assert_non_null(o);
	for (i = 0; i < 1000; i++)
		taken += offload_put(o, 0, count, &ran);
	assert_true(taken >= 64);
	offload_stop(o);
	assert_int_equal(ran, taken);
	assert_false(offload_put(o, 0, count, &ran));
	offload_free(o);
	assert_int_equal(ran, taken);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool at_gate;

static void
wait_at_gate(void *arg)
{
	(void)arg;
	at_gate = true;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static char order[16];

static void
note(void *arg)
{
	strcat(order, arg);
}

static void
nobody_waits_for_all_of_another_lane(void **state)
{
	struct offload *o = offload_new(1, 2, 4);
	int i;

	(void)state;
	pthread_mutex_lock(&gate);
	assert_true(offload_put(o, 1, wait_at_gate, NULL));
	while (!at_gate)
		sched_yield();
	for (i = 0; i < 4; i++)
		assert_true(offload_put(o, 0, note, "a"));
	assert_false(offload_put(o, 0, note, "a"));
	assert_true(offload_put(o, 1, note, "b"));
	assert_true(offload_put(o, 1, note, "b"));
	pthread_mutex_unlock(&gate);
	offload_stop(o);
	offload_free(o);
	assert_string_equal(order, "ababaa");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_taken_that_would_not_run),
	    cmocka_unit_test(nobody_waits_for_all_of_another_lane),
	};

	return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
