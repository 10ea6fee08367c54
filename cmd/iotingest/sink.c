/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/sink.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/backoff.h"
#include "exec/spawn.h"

struct sink {
	struct loop *loop;
	const char *command;
	int retries;
	uint64_t *failures;
	struct backoff backoff;
	int failed; /* tries of this batch */
	bool hurry;
	struct span bytes;
	struct spawn_child child;
	struct loop_timer timer; /* of the next try, or of a failed start */
	struct err why;
	void (*done)(void *arg, const struct err *why);
	void *done_arg;
};

static void start(struct sink *s);

static void
on_time(void *arg)
{
	start(arg);
}

static void
finish(struct sink *s, const struct err *why)
{
	void (*done)(void *arg, const struct err *why) = s->done;

	s->done = NULL;
	s->failed = 0;
	s->backoff = (struct backoff){0};
	done(s->done_arg, why);
}

/* Tells a failure once: here when the batch is tried again, else by who hears of it. */
static void
fail(struct sink *s)
{
	int64_t wait;

	++*s->failures;
	s->failed++;
	if (s->hurry || (s->retries != SINK_FOR_EVER && s->failed > s->retries)) {
		if (s->failed > 1)
			err_in(&s->why,
			    P_("given up after %d try", "given up after %d tries",
				s->failed),
			    s->failed);
		finish(s, &s->why);
		return;
	}
	wait = backoff_next(&s->backoff, 1);
	log_warn(_("%s; the same batch again in %lld.%lld s (failure %d)"), s->why.text,
	    (long long)wait / 1000, (long long)wait % 1000 / 100, s->failed);
	loop_timer_set(s->loop, &s->timer, wait, on_time, s);
}

static void
on_failed_start(void *arg)
{
	fail(arg);
}

static void
explain_exit(struct sink *s, const siginfo_t *info)
{
	s->why = (struct err){0};
	if (info->si_code != CLD_EXITED)
		err_set(&s->why, ERR_OUTPUT, _("sink '%s' was ended by signal %d"),
		    s->command, info->si_status);
	else if (info->si_status != 0)
		err_set(&s->why, ERR_OUTPUT, _("sink '%s' exited with status %d"),
		    s->command, info->si_status);
}

static void
on_ended(void *arg, const siginfo_t *info)
{
	struct sink *s = arg;

	explain_exit(s, info);
	if (s->why.code != ERR_OK) {
		fail(s);
		return;
	}
	if (s->failed > 0)
		log_warn(P_("sink '%s' took the batch after %d failure",
			     "sink '%s' took the batch after %d failures", s->failed),
		    s->command, s->failed);
	finish(s, &s->why);
}

/* The batch as a file in memory: through a pipe, when we are killed, a command would see a part
 * of it end as if it were the whole. What it does not read is its own affair: its status counts. */
static int
batch_file(struct span bytes)
{
	int fd = memfd_create("batch", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < bytes.n) {
		ssize_t n = write(fd, bytes.p + at, bytes.n - at);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int
start_command(struct sink *s)
{
	const char *const words[] = {"sh", "-c", s->command, NULL};
	const struct spawn child = {.role = SPAWN_HANDLER,
	    .path = "/bin/sh",
	    .words = (char *const *)words,
	    .in = batch_file(s->bytes),
	    .out = STDOUT_FILENO};
	int failed =
	    child.in < 0 || spawn_child_start(&s->child, &child, s->loop, on_ended, s)
	    ? err_sys(&s->why, ERR_OUTPUT, _("cannot run sink '%s'"), s->command)
	    : 0;

	if (child.in >= 0)
		close(child.in);
	return failed;
}

static void
start(struct sink *s)
{
	s->why = (struct err){0};
	if (start_command(s))
		loop_timer_set(s->loop, &s->timer, 0, on_failed_start, s);
}

struct sink *
sink_new(struct loop *loop, const char *command, int retries, uint64_t *failures)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	*s = (struct sink){
	    .loop = loop, .command = command, .retries = retries, .failures = failures};
	return s;
}

void
sink_put(struct sink *s, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	s->bytes = bytes;
	s->done = done;
	s->done_arg = arg;
	start(s);
}

void
sink_hurry(struct sink *s)
{
	s->hurry = true;
	if (s->done != NULL && s->child.pid == 0)
		loop_timer_set(s->loop, &s->timer, 0, on_time, s);
}

void
sink_interrupt(struct sink *s)
{
	s->hurry = true;
	spawn_child_signal(&s->child, SIGTERM);
}

void
sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	loop_timer_stop(&s->timer);
	spawn_child_kill(&s->child);
	free(s);
}
