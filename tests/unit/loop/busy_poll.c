/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A short wait without sleep ends with what comes, and is not tried again and again in vain. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/busy_poll.h"

static int ends[2];

static int
setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int
teardown(void **state)
{
	(void)state;
	close(ends[0]);
	return close(ends[1]);
}

static int
processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* How many answers are slept for while one is there already. */
static unsigned
slept(struct busy_poll *s)
{
	unsigned n = 0;

	while (!busy_poll_until_readable(s, ends[0]))
		n++;
	return n;
}

static void
waits_in_vain_get_rare(void **state)
{
	struct busy_poll s = {0};
	unsigned misses;
	char c;

	(void)state;
	if (processors() == 1)
		skip();
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(slept(&s), 0);
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_false(busy_poll_until_readable(&s, ends[0]));
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(slept(&s), 1);
	assert_int_equal(slept(&s), 0);
	assert_int_equal(read(ends[0], &c, 1), 1);
	for (misses = 0; misses < 5000; misses++)
		assert_false(busy_poll_until_readable(&s, ends[0]));
	assert_int_equal(s.pause, BUSY_POLL_PAUSE_MOST);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_within(slept(&s), 0, BUSY_POLL_PAUSE_MOST);
	assert_int_equal(slept(&s), 0);
}

static void
the_end_is_something_to_read(void **state)
{
	struct busy_poll s = {0};

	(void)state;
	if (processors() == 1)
		skip();
	assert_int_equal(shutdown(ends[1], SHUT_RDWR), 0);
	assert_true(busy_poll_until_readable(&s, ends[0]));
}

/* A thread, whose processors are its own. */
static void *
on_one_processor(void *arg)
{
	bool *found = arg;
	cpu_set_t set;
	struct busy_poll s = {0};

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	*found = sched_setaffinity(0, sizeof(set), &set) != 0 ||
	    busy_poll_until_readable(&s, ends[0]);
	return NULL;
}

static void
one_processor_is_left_to_the_other_side(void **state)
{
	pthread_t thread;
	bool found = true;

	(void)state;
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(pthread_create(&thread, NULL, on_one_processor, &found), 0);
	pthread_join(thread, NULL);
	assert_false(found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(waits_in_vain_get_rare, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_end_is_something_to_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_processor_is_left_to_the_other_side, setup, teardown),
	};

	return cmocka_run_group_tests_name("spin", tests, NULL, NULL);
}
