/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { MORE_THAN_A_PIPE = 1 << 20 };

struct bench {
	struct loop *loop;
	struct writer *w;
	struct writer_job job[3];
	struct loop_timer timer;
	int fd[2];
	size_t read;
	char trail[16]; /* '0'..'2': that job is done; 'r' room, 'c' closed, 't' time */
	struct err failed;
};

static void
leave(struct bench *b, char c)
{
	b->trail[strlen(b->trail)] = c;
}

static void
on_done(struct bench *b, char which, const struct err *why)
{
	leave(b, which);
	if (why->code != ERR_OK) {
		assert_int_equal(why->code, ERR_OUTPUT);
		b->failed = *why;
	}
}

static void
done_0(void *arg, const struct err *why)
{
	on_done(arg, '0', why);
}

static void
done_1(void *arg, const struct err *why)
{
	on_done(arg, '1', why);
}

/* The second follows from inside the first. */
static void
done_0_puts(void *arg, const struct err *why)
{
	struct bench *b = arg;

	on_done(b, '0', why);
	writer_put(b->w, &b->job[1], (struct span){"b", 1}, done_1, b);
}

static void
on_room(void *arg)
{
	leave(arg, 'r');
}

static void
on_closed(void *arg)
{
	struct bench *b = arg;

	leave(b, 'c');
	loop_stop(b->loop);
}

static void
on_time(void *arg)
{
	struct bench *b = arg;

	leave(b, 't');
	loop_stop(b->loop);
}

/* Reads all that is there, each 10 ms. */
static void
on_read(void *arg)
{
	struct bench *b = arg;
	char piece[4096];
	ssize_t n;

	while ((n = read(b->fd[0], piece, sizeof(piece))) > 0)
		b->read += (size_t)n;
	loop_timer_set(b->loop, &b->timer, 10, on_read, b);
	if (strchr(b->trail, '1') != NULL)
		loop_stop(b->loop);
}

static void
bench_open(struct bench *b, bool closed)
{
	struct err err = {0};
	const struct writer_opts opts = {
	    .name = "the pipe", .closed = closed ? on_closed : NULL, .arg = b};

	*b = (struct bench){.loop = loop_new(&err)};
	assert_int_equal(pipe2(b->fd, O_CLOEXEC), 0);
	fcntl(b->fd[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(writer_open(&b->w, b->loop, b->fd[1], &opts, &err), 0);
}

static void
bench_close(struct bench *b)
{
	loop_timer_stop(&b->timer);
	writer_free(b->w);
	close(b->fd[1]);
	if (b->fd[0] >= 0)
		close(b->fd[0]);
	loop_free(b->loop);
}

static void
run_for(struct bench *b, int64_t ms)
{
	loop_timer_set(b->loop, &b->timer, ms, on_time, b);
	assert_int_equal(loop_run(b->loop, NULL), 0);
}

static void
test_at_once(void **state)
{
	struct bench b;
	char got[4] = {0};

	(void)state;
	bench_open(&b, false);
	writer_put(b.w, &b.job[0], (struct span){"a", 1}, done_0_puts, &b);
	assert_string_equal(b.trail, "01");
	assert_int_equal(read(b.fd[0], got, sizeof(got)), 2);
	assert_string_equal(got, "ab");
	assert_true(writer_has_room(b.w));
	assert_int_equal(fcntl(b.fd[1], F_GETFL) & O_NONBLOCK, 0);
	bench_close(&b);
}

static void
test_stalled_reader(void **state)
{
	struct bench b;
	char *much = calloc(1, MORE_THAN_A_PIPE);

	(void)state;
	bench_open(&b, false);
	writer_put(b.w, &b.job[0], (struct span){much, MORE_THAN_A_PIPE}, done_0, &b);
	writer_put(b.w, &b.job[1], (struct span){"b", 1}, done_1, &b);
	writer_await_room(b.w, on_room, &b);
	assert_false(writer_has_room(b.w));
	run_for(&b, 50);
	assert_string_equal(b.trail, "t");
	assert_int_equal(writer_write(b.w, "x", 1), -1);
	assert_int_equal(errno, EAGAIN);

	memset(b.trail, 0, sizeof(b.trail));
	on_read(&b);
	assert_int_equal(loop_run(b.loop, NULL), 0);
	on_read(&b);
	assert_int_equal(b.read, MORE_THAN_A_PIPE + 1);
	run_for(&b, 0);
	assert_memory_equal(b.trail, "01", 2);
	assert_non_null(strchr(b.trail, 'r'));
	free(much);
	bench_close(&b);
}

static void
test_cancel(void **state)
{
	struct bench b;
	char *much = calloc(1, MORE_THAN_A_PIPE);

	(void)state;
	bench_open(&b, false);
	writer_put(b.w, &b.job[0], (struct span){much, MORE_THAN_A_PIPE}, done_0, &b);
	writer_cancel(b.w, &b.job[0]);
	writer_cancel(b.w, &b.job[0]);
	writer_cancel(b.w, &b.job[2]);
	writer_put(b.w, &b.job[1], (struct span){"b", 1}, done_1, &b);
	on_read(&b);
	assert_int_equal(loop_run(b.loop, NULL), 0);
	assert_string_equal(b.trail, "1");
	free(much);
	bench_close(&b);
}

static void
test_reader_left(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, true);
	close(b.fd[0]);
	b.fd[0] = -1;
	run_for(&b, 1000);
	assert_string_equal(b.trail, "c");
	assert_true(writer_reader_left(b.w));
	writer_put(b.w, &b.job[0], (struct span){"a", 1}, done_0, &b);
	assert_string_equal(b.trail, "c0");
	assert_string_equal(b.failed.text, "cannot write to the pipe: Broken pipe");
	bench_close(&b);
}

/* A reader that leaves while bytes wait for it: each job is told. */
static void
test_reader_leaves_in_between(void **state)
{
	struct bench b;
	char *much = calloc(1, MORE_THAN_A_PIPE);

	(void)state;
	bench_open(&b, false);
	writer_put(b.w, &b.job[0], (struct span){much, MORE_THAN_A_PIPE}, done_0, &b);
	writer_put(b.w, &b.job[1], (struct span){"b", 1}, done_1, &b);
	close(b.fd[0]);
	b.fd[0] = -1;
	run_for(&b, 20);
	assert_string_equal(b.trail, "01t");
	assert_true(b.job[0].written > 0 && b.job[0].written < MORE_THAN_A_PIPE);
	assert_true(writer_reader_left(b.w));
	free(much);
	bench_close(&b);
}

static void
test_full_device(void **state)
{
	struct bench b = {0};
	struct err err = {0};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	b.loop = loop_new(&err);
	assert_int_equal(
	    writer_open(&b.w, b.loop, fd, &(struct writer_opts){.name = "it"}, &err), 0);
	writer_put(b.w, &b.job[0], (struct span){"a", 1}, done_0, &b);
	assert_string_equal(b.trail, "0");
	assert_string_equal(b.failed.text, "cannot write to it: No space left on device");
	assert_false(writer_reader_left(b.w));
	writer_free(b.w);
	close(fd);
	loop_free(b.loop);
}

/* What cannot be written to at all is not opened for it. */
static void
test_only_for_reading(void **state)
{
	struct bench b = {0};
	struct err err = {0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	b.loop = loop_new(&err);
	assert_int_equal(
	    writer_open(&b.w, b.loop, fd, &(struct writer_opts){.name = "it"}, &err), 0);
	writer_put(b.w, &b.job[0], (struct span){"a", 1}, done_0, &b);
	assert_string_equal(b.failed.text, "cannot write to it: Bad file descriptor");
	writer_free(b.w);
	close(fd);
	assert_int_equal(
	    writer_open(&b.w, b.loop, fd, &(struct writer_opts){.name = "it"}, &err), -1);
	assert_string_equal(err.text, "cannot write to it: Bad file descriptor");
	loop_free(b.loop);
}

/* A writer on a file of its own, which has the bytes "old\n", has no name if `named` is not set, and may have
 * `limit` bytes at most. */
static void
file_open(struct bench *b, int flags, bool named, rlim_t limit)
{
	const struct rlimit most = {limit, RLIM_INFINITY};
	char name[] = "/tmp/iot-writer.XXXXXX";
	struct err err = {0};
	int fd = mkstemp(name);

	*b = (struct bench){.loop = loop_new(&err)};
	assert_int_equal(write(fd, "old\n", 4), 4);
	b->fd[0] = open(name, flags | O_CLOEXEC);
	close(fd);
	if (!named)
		unlink(name);
	b->fd[1] = b->fd[0];
	lseek(b->fd[0], 0, SEEK_END);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
	assert_int_equal(writer_open(&b->w, b->loop, b->fd[0],
			     &(struct writer_opts){.name = "it", .sync = true}, &err),
	    0);
}

static void
file_close(struct bench *b)
{
	const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_FSIZE, &most);
	writer_free(b->w);
	close(b->fd[0]);
	loop_free(b->loop);
}

/* What a file took only a part of is taken back, and the next bytes stand where it was. */
static void
test_full_file(void **state)
{
	static const int flags[] = {O_WRONLY | O_APPEND, O_WRONLY};
	struct bench b;
	char got[16] = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		file_open(&b, flags[i], false, 8);
		writer_put(b.w, &b.job[0], SPAN("too long\n"), done_0, &b);
		assert_string_equal(b.failed.text, "cannot write to it: File too large");
		assert_int_equal(b.job[0].written, 4);
		writer_put(b.w, &b.job[1], SPAN("new\n"), done_1, &b);
		assert_string_equal(b.trail, "01");
		snprintf(got, sizeof(got), "/proc/self/fd/%d", b.fd[0]);
		b.fd[1] = open(got, O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(b.fd[1], got, sizeof(got)), 8);
		assert_memory_equal(got, "old\nnew\n", 8);
		close(b.fd[1]);
		file_close(&b);
	}
}

static void
test_removed_file(void **state)
{
	struct bench b;
	char link[32], name[64] = {0};

	(void)state;
	file_open(&b, O_WRONLY | O_APPEND, true, RLIM_INFINITY);
	writer_put(b.w, &b.job[0], SPAN("a\n"), done_0, &b);
	assert_false(writer_file_is_gone(b.w));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", b.fd[0]);
	assert_true(readlink(link, name, sizeof(name) - 1) > 0);
	unlink(name);
	assert_true(writer_file_is_gone(b.w));
	assert_int_equal(b.failed.code, ERR_OK);
	writer_put(b.w, &b.job[0], SPAN("b\n"), done_0, &b);
	assert_string_equal(b.failed.text, "cannot write to it: its file was removed");
	file_close(&b);
}

/* Who never had a name, as a temporary file of the one who reads it, loses none. */
static void
test_file_without_name(void **state)
{
	struct bench b;

	(void)state;
	file_open(&b, O_WRONLY, false, RLIM_INFINITY);
	writer_put(b.w, &b.job[0], SPAN("a\n"), done_0, &b);
	assert_string_equal(b.trail, "0");
	assert_int_equal(b.failed.code, ERR_OK);
	file_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_once),
	    cmocka_unit_test(test_stalled_reader),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_reader_left),
	    cmocka_unit_test(test_reader_leaves_in_between),
	    cmocka_unit_test(test_full_device),
	    cmocka_unit_test(test_only_for_reading),
	    cmocka_unit_test(test_full_file),
	    cmocka_unit_test(test_removed_file),
	    cmocka_unit_test(test_file_without_name),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
