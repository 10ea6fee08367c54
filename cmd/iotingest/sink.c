/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/sink.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/backoff.h"

extern char **environ;

struct sink {
	struct loop *loop;
	const char *command;
	int retries;
	uint64_t *failures;
	struct backoff backoff;
	int failed; /* tries of this batch */
	bool hurry;
	struct span bytes;
	pid_t pid; /* 0: none runs */
	int pid_fd;
	struct loop_fd pid_watch;
	struct loop_timer timer; /* of the next try, or of a failed start */
	struct err why;
	void (*done)(void *arg, const struct err *why);
	void *done_arg;
};

static void
close_fd(struct loop_fd *w, int *fd)
{
	loop_fd_stop(w);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool
is_secret(const char *variable)
{
	static const char *const secrets[] = {
	    "IOT_TOKEN=", "IOT_PASSWORD=", "IOT_MQTT_PASSWORD="};
	size_t i;

	for (i = 0; i < ARRAY_LEN(secrets); i++) {
		if (strncmp(variable, secrets[i], strlen(secrets[i])) == 0)
			return true;
	}
	return false;
}

/* Our environment without its secrets (free; the strings stay where they are). */
static char **
make_environment(void)
{
	size_t i, n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	for (i = n = 0; environ[i] != NULL; i++) {
		if (!is_secret(environ[i]))
			env[n++] = environ[i];
	}
	return env;
}

/* posix_spawn's answer: an errno value. */
static int
spawn(const struct sink *s, int in, pid_t *pid)
{
	char *argv[] = {"sh", "-c", (char *)s->command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char **env = make_environment();
	int failed;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	failed = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(env);
	return failed;
}

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
			err_in(&s->why, _("given up after %d tries"), s->failed);
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
judge(struct sink *s, const siginfo_t *info)
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
on_exit_of(void *arg, unsigned events)
{
	struct sink *s = arg;
	siginfo_t info = {0};

	(void)events;
	if (waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0)
		return;
	s->pid = 0;
	close_fd(&s->pid_watch, &s->pid_fd);
	judge(s, &info);
	if (s->why.code != ERR_OK) {
		fail(s);
		return;
	}
	if (s->failed > 0)
		log_warn(_("sink '%s' took the batch after %d failures"), s->command,
		    s->failed);
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
	int in = batch_file(s->bytes);
	int failed;

	if (in < 0)
		return -1;
	failed = spawn(s, in, &s->pid);
	close(in);
	if (failed) {
		s->pid = 0;
		errno = failed;
		return -1;
	}
	s->pid_fd = pidfd_open(s->pid, 0);
	return s->pid_fd < 0 ? -1 : 0;
}

static void
end_now(struct sink *s)
{
	if (s->pid == 0)
		return;
	kill(-s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

static void
start(struct sink *s)
{
	s->why = (struct err){0};
	if (start_command(s))
		err_sys(&s->why, ERR_OUTPUT, _("cannot run sink '%s'"), s->command);
	if (s->why.code != ERR_OK ||
	    loop_fd_start(
		s->loop, &s->pid_watch, s->pid_fd, LOOP_READ, on_exit_of, s, &s->why)) {
		end_now(s);
		close_fd(&s->pid_watch, &s->pid_fd);
		loop_timer_set(s->loop, &s->timer, 0, on_failed_start, s);
	}
}

struct sink *
sink_new(struct loop *loop, const char *command, int retries, uint64_t *failures)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	*s = (struct sink){.loop = loop,
	    .command = command,
	    .retries = retries,
	    .failures = failures,
	    .pid_fd = -1};
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
	if (s->done != NULL && s->pid == 0)
		loop_timer_set(s->loop, &s->timer, 0, on_time, s);
}

void
sink_interrupt(struct sink *s)
{
	s->hurry = true;
	if (s->pid != 0)
		kill(-s->pid, SIGTERM);
}

void
sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	loop_timer_stop(&s->timer);
	end_now(s);
	close_fd(&s->pid_watch, &s->pid_fd);
	free(s);
}
