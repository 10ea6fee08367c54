/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "loop/timer_heap.h"

static struct loop *
loop_make(void)
{
	struct err err = {0};
	struct loop *loop = loop_new(&err);

	assert_string_equal(err.text, "");
	assert_non_null(loop);
	return loop;
}

static void
run(struct loop *loop)
{
	assert_int_equal(loop_run(loop, NULL), 0);
}

/* A trail of letters that callbacks leave. */
struct trail {
	struct loop *loop;
	struct loop_timer timer[4];
	struct loop_fd watch[2];
	int pair[2][2];
	char text[32];
	int count;
};

static void
leave(struct trail *t, char c)
{
	t->text[strlen(t->text)] = c;
}

static void
fire_a(void *arg)
{
	leave(arg, 'a');
}

static void
fire_b(void *arg)
{
	leave(arg, 'b');
}

static void
fire_stop(void *arg)
{
	struct trail *t = arg;

	leave(t, '.');
	loop_stop(t->loop);
}

static void
timers_fire_in_order_of_time(void **state)
{
	struct trail t = {.loop = loop_make()};

	(void)state;
	/* Far apart: on a busy machine time goes by between two lines. */
	loop_timer_set(t.loop, &t.timer[0], 600, fire_stop, &t);
	loop_timer_set(t.loop, &t.timer[1], 300, fire_b, &t);
	loop_timer_set(t.loop, &t.timer[2], 10, fire_a, &t);
	loop_timer_set(t.loop, &t.timer[3], 5, fire_a, &t);
	loop_timer_stop(&t.timer[3]);
	loop_timer_stop(&t.timer[3]);
	run(t.loop);
	assert_string_equal(t.text, "ab.");
	loop_free(t.loop);
}

static void
those_that_are_due_at_once_fire_in_the_order_of_their_setting(void **state)
{
	struct trail t = {.loop = loop_make()};

	(void)state;
	loop_timer_set(t.loop, &t.timer[0], 0, fire_a, &t);
	loop_timer_set(t.loop, &t.timer[1], 0, fire_b, &t);
	loop_timer_set(t.loop, &t.timer[2], 0, fire_b, &t);
	loop_timer_set(t.loop, &t.timer[0], 0, fire_a, &t);
	loop_timer_stop(&t.timer[2]);
	loop_timer_set(t.loop, &t.timer[3], 1, fire_stop, &t);
	run(t.loop);
	assert_string_equal(t.text, "ba.");
	loop_free(t.loop);
}

/* Behind one that waits for its turn. */
static void
what_is_set_at_once_over_and_over_takes_no_memory(void **state)
{
	struct loop_timer timers[3] = {0};
	struct timer_heap h = {0};
	int i;

	(void)state;
	timer_heap_add(&h, &timers[0], true);
	for (i = 0; i < 10000; i++) {
		timer_heap_add(&h, &timers[1], true);
		timer_heap_add(&h, &timers[2], true);
		timer_heap_remove(&h, &timers[1]);
		timer_heap_remove(&h, &timers[2]);
	}
	assert_true(h.now_room <= 16);
	assert_ptr_equal(timer_heap_first(&h), &timers[0]);
	timer_heap_remove(&h, &timers[0]);
	assert_null(timer_heap_first(&h));
	assert_int_equal(timer_heap_count(&h), 0);
	timer_heap_release(&h);
}

static int64_t last_fired;

static void
fire_later_than_the_last(void *arg)
{
	struct loop_timer *t = arg;

	assert_true(t->at >= last_fired);
	last_fired = t->at;
}

static void
order_survives_random_use(void **state)
{
	enum { N = 500 };
	struct trail t = {.loop = loop_make()};
	struct loop_timer *timers = xcalloc(N, sizeof(*timers));
	unsigned seed = 7;
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct loop_timer *one = &timers[(unsigned)rand_r(&seed) % N];

		if (rand_r(&seed) % 3 == 0)
			loop_timer_stop(one);
		else
			loop_timer_set(t.loop, one, rand_r(&seed) % 60,
			    fire_later_than_the_last, one);
	}
	loop_timer_set(t.loop, &t.timer[0], 100, fire_stop, &t);
	run(t.loop);
	assert_true(last_fired > 0);
	for (i = 0; i < N; i++)
		assert_int_equal(timers[i].slot, 0);
	free(timers);
	loop_free(t.loop);
}

static void
again_at_once(void *arg)
{
	struct trail *t = arg;

	t->count++;
	loop_timer_set(t->loop, &t->timer[0], 0, again_at_once, t);
}

static void
readable_stop(void *arg, unsigned events)
{
	struct trail *t = arg;

	assert_int_equal(events, LOOP_READ);
	loop_stop(t->loop);
}

static void
pairs_open(struct trail *t)
{
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t->pair[i]), 0);
		assert_int_equal(write(t->pair[i][1], "x", 1), 1);
	}
}

static void
pairs_close(struct trail *t)
{
	int i;

	for (i = 0; i < 4; i++)
		close(t->pair[i / 2][i % 2]);
	loop_free(t->loop);
}

static void
restless_timer_does_not_starve_descriptors(void **state)
{
	struct trail t = {.loop = loop_make()};

	(void)state;
	pairs_open(&t);
	loop_timer_set(t.loop, &t.timer[0], 0, again_at_once, &t);
	assert_int_equal(loop_fd_start(t.loop, &t.watch[0], t.pair[0][0], LOOP_READ,
			     readable_stop, &t, NULL),
	    0);
	run(t.loop);
	assert_true(t.count > 0);
	loop_timer_stop(&t.timer[0]);
	loop_fd_stop(&t.watch[0]);
	pairs_close(&t);
}

/* Both descriptors are readable in the same round; whoever comes first removes the other. */
static void
remove_both(void *arg, unsigned events)
{
	struct trail *t = arg;

	(void)events;
	t->count++;
	loop_fd_stop(&t->watch[0]);
	loop_fd_stop(&t->watch[1]);
	loop_timer_set(t->loop, &t->timer[0], 5, fire_stop, t);
}

static void
fetched_event_of_a_stopped_watcher_is_not_delivered(void **state)
{
	struct trail t = {.loop = loop_make()};
	int i;

	(void)state;
	pairs_open(&t);
	for (i = 0; i < 2; i++)
		assert_int_equal(loop_fd_start(t.loop, &t.watch[i], t.pair[i][0],
				     LOOP_READ, remove_both, &t, NULL),
		    0);
	run(t.loop);
	assert_int_equal(t.count, 1);
	pairs_close(&t);
}

static void
never(void *arg, unsigned events)
{
	(void)arg;
	(void)events;
	fail_msg("an old event reached a new watcher");
}

/* The first closes the second's descriptor and starts a watcher with the same number. */
static void
reuse_number(void *arg, unsigned events)
{
	struct trail *t = arg;
	int fd;

	(void)events;
	t->count++;
	loop_fd_stop(&t->watch[0]);
	loop_fd_stop(&t->watch[1]);
	fd = t->pair[1][0];
	close(fd);
	close(t->pair[1][1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t->pair[1]), 0);
	assert_int_equal(t->pair[1][0], fd);
	assert_int_equal(
	    loop_fd_start(t->loop, &t->watch[1], fd, LOOP_READ, never, t, NULL), 0);
	loop_timer_set(t->loop, &t->timer[0], 5, fire_stop, t);
}

static void
fetched_event_does_not_reach_the_next_owner_of_the_number(void **state)
{
	struct trail t = {.loop = loop_make()};
	int i;

	(void)state;
	pairs_open(&t);
	for (i = 0; i < 2; i++)
		assert_int_equal(loop_fd_start(t.loop, &t.watch[i], t.pair[i][0],
				     LOOP_READ, reuse_number, &t, NULL),
		    0);
	run(t.loop);
	assert_int_equal(t.count, 1);
	loop_fd_stop(&t.watch[1]);
	pairs_close(&t);
}

static void
hangup_seen(void *arg, unsigned events)
{
	struct trail *t = arg;

	assert_int_equal(events, LOOP_READ | LOOP_HANGUP);
	t->count++;
	loop_fd_set(&t->watch[0], 0);
	loop_timer_set(t->loop, &t->timer[0], 20, fire_stop, t);
}

static void
paused_watcher_hears_no_hangup(void **state)
{
	struct trail t = {.loop = loop_make()};

	(void)state;
	pairs_open(&t);
	close(t.pair[0][1]);
	t.pair[0][1] = dup(0);
	assert_int_equal(loop_fd_start(t.loop, &t.watch[0], t.pair[0][0], LOOP_READ,
			     hangup_seen, &t, NULL),
	    0);
	run(t.loop);
	assert_int_equal(t.count, 1);
	loop_fd_set(&t.watch[0], LOOP_READ);
	run(t.loop);
	assert_int_equal(t.count, 2);
	loop_fd_stop(&t.watch[0]);
	pairs_close(&t);
}

static void
regular_file_is_refused(void **state)
{
	struct trail t = {.loop = loop_make()};
	struct err err = {0};
	char name[] = "/tmp/iot-loop.XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(
	    loop_fd_start(t.loop, &t.watch[0], fd, LOOP_READ, never, &t, &err), -1);
	assert_non_null(strstr(err.text, "Operation not permitted"));
	loop_fd_stop(&t.watch[0]);
	close(fd);
	loop_free(t.loop);
}

static void
signal_seen(void *arg, int signo)
{
	struct trail *t = arg;

	t->count = signo;
	loop_stop(t->loop);
}

static void
signals_arrive_on_the_loop(void **state)
{
	struct trail t = {.loop = loop_make()};
	sigset_t now;

	(void)state;
	assert_int_equal(loop_signal(t.loop, SIGUSR1, signal_seen, &t, NULL), 0);
	assert_int_equal(loop_signal(t.loop, SIGUSR2, signal_seen, &t, NULL), 0);
	raise(SIGUSR2);
	run(t.loop);
	assert_int_equal(t.count, SIGUSR2);
	raise(SIGUSR1);
	run(t.loop);
	assert_int_equal(t.count, SIGUSR1);
	raise(SIGUSR1);
	loop_free(t.loop);
	sigprocmask(SIG_BLOCK, NULL, &now);
	assert_false(sigismember(&now, SIGUSR1));
}

static void
count_signal(void *arg, int signo)
{
	struct trail *t = arg;

	(void)signo;
	t->count++;
}

static void
raise_again(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}

static void
stop_trail(void *arg)
{
	loop_stop(((struct trail *)arg)->loop);
}

/* timeout(1) sends its signal twice: that must not read as "end at once". */
static void
a_signal_sent_twice_is_one_request(void **state)
{
	struct trail t = {.loop = loop_make()};
	struct loop_timer soon = {0}, late = {0}, end = {0};

	(void)state;
	assert_int_equal(loop_signal(t.loop, SIGUSR1, count_signal, &t, NULL), 0);
	raise(SIGUSR1);
	loop_timer_set(t.loop, &soon, 30, raise_again, NULL);
	loop_timer_set(t.loop, &late, 400, raise_again, NULL);
	loop_timer_set(t.loop, &end, 450, stop_trail, &t);
	run(t.loop);
	assert_int_equal(t.count, 2);
	loop_free(t.loop);
}

/* In a process of its own: 10 when the second one comes at once, then ends as the third one wants. */
static void
end_by_signal(int out)
{
	const struct timespec later = {.tv_nsec = 300 * 1000000};
	struct trail t = {.loop = loop_make()};
	struct loop_timer end = {0};

	loop_signal(t.loop, SIGUSR1, count_signal, &t, NULL);
	raise(SIGUSR1);
	loop_timer_set(t.loop, &end, 10, stop_trail, &t);
	run(t.loop);
	loop_free(t.loop);
	raise(SIGUSR1);
	if (t.count != 1 || write(out, "x", 1) != 1)
		_exit(1);
	nanosleep(&later, NULL);
	raise(SIGUSR1);
	_exit(2);
}

/* The second one may come when the loop is gone and the program not yet. */
static void
a_signal_sent_twice_is_one_request_also_at_the_end(void **state)
{
	int ends[2], status;
	char c;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		end_by_signal(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
	close(ends[0]);
}

static void
posted(void *arg)
{
	struct trail *t = arg;

	if (++t->count == 4000)
		loop_stop(t->loop);
}

static void *
post_many(void *arg)
{
	struct trail *t = arg;
	int i;

	for (i = 0; i < 1000; i++)
		loop_post(t->loop, posted, t);
	return NULL;
}

static void
posts_of_threads_all_arrive(void **state)
{
	struct trail t = {.loop = loop_make()};
	pthread_t threads[4];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &t), 0);
	run(t.loop);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(t.count, 4000);
	loop_post(t.loop, posted, &t);
	loop_free(t.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timers_fire_in_order_of_time),
	    cmocka_unit_test(
		those_that_are_due_at_once_fire_in_the_order_of_their_setting),
	    cmocka_unit_test(what_is_set_at_once_over_and_over_takes_no_memory),
	    cmocka_unit_test(order_survives_random_use),
	    cmocka_unit_test(restless_timer_does_not_starve_descriptors),
	    cmocka_unit_test(fetched_event_of_a_stopped_watcher_is_not_delivered),
	    cmocka_unit_test(fetched_event_does_not_reach_the_next_owner_of_the_number),
	    cmocka_unit_test(paused_watcher_hears_no_hangup),
	    cmocka_unit_test(regular_file_is_refused),
	    cmocka_unit_test(signals_arrive_on_the_loop),
	    cmocka_unit_test(a_signal_sent_twice_is_one_request),
	    cmocka_unit_test(a_signal_sent_twice_is_one_request_also_at_the_end),
	    cmocka_unit_test(posts_of_threads_all_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
