/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A broker's limit is learned from where it stands still and comes back at once, and only so. */
#include "mqtt/window.h"

#include "unit.h"

enum { LINGER = 1000, STORING = 2 };

/* Messages come, one a millisecond at most, until `n` are unacknowledged. */
static int64_t
come(struct window *w, size_t n, int64_t now, int64_t each)
{
	while (w->n < n) {
		now += each;
		window_look(w, w->n + 1, now, 0);
	}
	return now;
}

/* A batch lingers, is stored and acknowledged. */
static int64_t
linger(struct window *w, int64_t began)
{
	int64_t now = began + LINGER + STORING;

	window_look(w, 0, now, 0);
	return now;
}

/* As a broker with a limit of `n` and more to send. Returns when the limit was reached for the third time. */
static int64_t
learn(struct window *w, size_t n)
{
	int64_t now = come(w, n, 100000, 0);

	now = come(w, n, linger(w, now), 0);
	return come(w, n, linger(w, now), 0);
}

static void
is_learned_when_seen_twice(void **state)
{
	struct window w = {0};
	int64_t now;

	(void)state;
	now = come(&w, 20, 100000, 0);
	now = come(&w, 20, linger(&w, now), 0);
	assert_int_equal(window_size(&w), 0);
	assert_int_equal(window_wait(&w, now + LINGER), -1);
	now = come(&w, 20, linger(&w, now), 0);
	assert_int_equal(window_size(&w), 20);
	assert_int_equal(window_wait(&w, now), WINDOW_STANDS);
	assert_int_equal(window_wait(&w, now + WINDOW_STANDS - 1), 1);
	assert_int_equal(window_wait(&w, now + WINDOW_STANDS), 0);
}

static void
below_it_nothing_is_held(void **state)
{
	struct window w = {0};
	int64_t now = learn(&w, 20);

	(void)state;
	window_look(&w, 0, now + WINDOW_STANDS, 0);
	now = come(&w, 19, now + 500, 0);
	assert_int_equal(window_wait(&w, now + 60000), -1);
}

/* Who is held back again at once has waited already; who is so later has not. */
static void
goes_on_waiting_behind_an_acknowledgement(void **state)
{
	struct window w = {0};
	int64_t now = learn(&w, 20) + WINDOW_STANDS;

	(void)state;
	assert_int_equal(w.known, 0);
	window_look(&w, 0, now + 1, 0);
	assert_int_equal(window_wait(&w, now + 1), -1);
	assert_false(window_is_theirs(&w));
	now = come(&w, 20, now + 2, 0);
	assert_true(window_is_theirs(&w));
	assert_int_equal(window_wait(&w, now), 0);
	window_look(&w, 0, now + 1, 0);
	now = come(&w, 20, now + 3, 2);
	assert_int_equal(window_wait(&w, now), WINDOW_STANDS);
	window_look(&w, 0, now + LINGER, 0);
	now = come(&w, 10, now + LINGER + 1, 0);
	window_look(&w, 0, now + LINGER, 0);
	now = come(&w, 20, now + LINGER + 1, 0);
	assert_int_equal(window_wait(&w, now), WINDOW_STANDS);
}

/* Ten a second: each batch ends where the next message is due, and one does come at once. */
static void
a_steady_flow_has_no_limit(void **state)
{
	struct window w = {0};
	int64_t now = 100000;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		window_look(&w, 1, now, 0);
		come(&w, 10, now, 100);
		now = linger(&w, now) + 1;
		assert_int_equal(window_size(&w), 0);
	}
}

/* Bursts that come as often as batches are made are taken for a limit, until a batch that ends because of
 * it brings nothing. */
static void
bursts_that_keep_time_are_found_out(void **state)
{
	struct window w = {0};
	int64_t now = learn(&w, 5);

	(void)state;
	assert_int_equal(window_size(&w), 5);
	window_look(&w, 0, now + WINDOW_STANDS + STORING, 0);
	come(&w, 5, now + LINGER + STORING, 0);
	assert_int_equal(window_size(&w), 0);
	assert_int_equal(w.known, 0);
}

static void
more_than_the_limit_ends_it(void **state)
{
	struct window w = {0};
	int64_t now = learn(&w, 20);

	(void)state;
	window_look(&w, 0, now + WINDOW_STANDS, 0);
	now = come(&w, 20, now + WINDOW_STANDS, 0);
	assert_int_equal(w.known, 20);
	window_look(&w, 21, now, 0);
	assert_int_equal(window_size(&w), 0);
	assert_int_equal(window_wait(&w, now + 60000), -1);
}

/* What is known stays when there is little to send; a smaller limit takes its own proof. */
static void
is_not_forgotten_without_reason(void **state)
{
	struct window w = {0};
	int64_t now = learn(&w, 20);

	(void)state;
	window_look(&w, 0, now + WINDOW_STANDS, 0);
	now = come(&w, 20, now + WINDOW_STANDS, 0);
	now = come(&w, 3, linger(&w, now), 0);
	now = come(&w, 3, linger(&w, now), 0);
	assert_int_equal(window_size(&w), 20);
	now = come(&w, 7, linger(&w, now), 0);
	linger(&w, now);
	assert_int_equal(window_size(&w), 20);
}

static void
ours_is_the_most(void **state)
{
	struct window w;
	int64_t now;

	(void)state;
	window_reset(&w, 10);
	assert_int_equal(window_size(&w), 10);
	now = come(&w, 9, 100000, 0);
	assert_int_equal(window_wait(&w, now), -1);
	now = come(&w, 10, now, 0);
	assert_int_equal(window_wait(&w, now), WINDOW_STANDS);
	now = come(&w, 12, now, 0); /* mosquitto does that to a session that it resumes */
	assert_int_equal(window_wait(&w, now + WINDOW_STANDS), 0);
	now = come(&w, 12, linger(&w, now), 0);
	now = come(&w, 12, linger(&w, now), 0);
	assert_int_equal(w.guess, 12);
	assert_int_equal(window_size(&w), 10);
	window_reset(&w, 10);
	now = learn(&w, 10) + WINDOW_STANDS;
	window_look(&w, 0, now, 0);
	come(&w, 10, now, 0);
	assert_int_equal(w.known, 10);
	assert_false(window_is_theirs(&w));
}

/* At once is later where the broker is far. */
static void
a_far_broker_has_its_time(void **state)
{
	struct window near = {0}, far = {0};
	int64_t trip = 100, now = 100000;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		come(&near, 20, now, 0);
		come(&far, 20, now, 0);
		now += LINGER;
		window_look(&near, 0, now, 0);
		window_look(&far, 0, now, trip);
		now += trip + 1;
	}
	come(&near, 20, now, 0);
	come(&far, 20, now, 0);
	assert_int_equal(window_size(&near), 0);
	assert_int_equal(window_size(&far), 20);
}

/* Two batches are on the way: each acknowledgement brings a part. */
static void
parts_are_added_up(void **state)
{
	struct window w = {0};
	int64_t now = come(&w, 20, 100000, 0);
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		now += LINGER;
		window_look(&w, 10, now, 0);
		now = come(&w, 15, now + 1, 0);
		window_look(&w, 5, now + 1, 0);
		now = come(&w, 20, now + 2, 0);
	}
	assert_int_equal(window_size(&w), 20);
}

/* What comes behind a later acknowledgement says nothing of the one before. */
static void
each_acknowledgement_is_looked_at_alone(void **state)
{
	struct window w = {0};
	int64_t now = come(&w, 20, 100000, 0);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		window_look(&w, 10, now + LINGER, 0);
		now = come(&w, 20, linger(&w, now + LINGER), 0);
		assert_int_equal(window_size(&w), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_learned_when_seen_twice),
	    cmocka_unit_test(below_it_nothing_is_held),
	    cmocka_unit_test(goes_on_waiting_behind_an_acknowledgement),
	    cmocka_unit_test(a_steady_flow_has_no_limit),
	    cmocka_unit_test(bursts_that_keep_time_are_found_out),
	    cmocka_unit_test(more_than_the_limit_ends_it),
	    cmocka_unit_test(is_not_forgotten_without_reason),
	    cmocka_unit_test(ours_is_the_most),
	    cmocka_unit_test(a_far_broker_has_its_time),
	    cmocka_unit_test(parts_are_added_up),
	    cmocka_unit_test(each_acknowledgement_is_looked_at_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
