/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/types.h>
#include "exec/exec_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

/* A handler's command: its program, its process; only for net/handler*.c. */

/* The file that execvp would run for this name (free), or ERR_USAGE. */
static int exec_pool_find(const char *name, char **path, struct err *err);
/* Starts it in a process group of its own, default signal actions, `env` in front of our environment.
 * *in and *out are our ends of its standard input and output, not blocking. -1: errno says why. */
static int exec_pool_spawn(
    const char *path, char **argv, const struct strv *env, int *in, int *out, pid_t *pid);

enum { KILL_AFTER = 1000 };

/* One run, from exec_pool_run to `done`. */
struct job {
	struct job *next;
	struct exec_pool *h;
	void *tag;
	struct buf payload; /* what is not written yet */
	struct strv env;
	pid_t pid; /* 0: not started */
	int pid_fd, in, out;
	struct loop_fd pid_watch, in_watch, out_watch;
	struct loop_timer timer;
	struct buf output;
	struct err why;
	bool too_much, too_long;
};

struct exec_pool {
	struct loop *loop;
	struct strv words; /* a NULL behind the last */
	char *path;        /* of the program */
	int64_t timeout;
	size_t jobs, output_max;
	exec_pool_done_fn *done;
	void *arg;
	struct job *running, *waiting, **waiting_end;
	size_t n_running, n_waiting;
};

static void
close_fd(struct loop_fd *w, int *fd)
{
	loop_fd_stop(w);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
job_free(struct job *j)
{
	loop_timer_stop(&j->timer);
	close_fd(&j->in_watch, &j->in);
	close_fd(&j->out_watch, &j->out);
	close_fd(&j->pid_watch, &j->pid_fd);
	buf_release(&j->payload);
	buf_release(&j->output);
	strv_release(&j->env);
	free(j);
}

static void start_waiting(struct exec_pool *h);

static void
unlink_job(struct exec_pool *h, const struct job *j)
{
	struct job **at = &h->running;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	h->n_running--;
}

static void
finish(struct job *j)
{
	struct exec_pool *h = j->h;
	struct exec_pool_result r = {EXEC_POOL_OK, buf_as_span(&j->output), j->why};

	if (j->too_long)
		r.status = EXEC_POOL_TIMEOUT;
	else if (j->why.code != ERR_OK)
		r.status = EXEC_POOL_ERROR;
	unlink_job(h, j);
	start_waiting(h);
	h->done(h->arg, j->tag, &r);
	job_free(j);
}

static void
on_failed_start(void *arg)
{
	finish(arg);
}

/* Standard input. A program that does not read it all is free not to. */
static void
on_in(void *arg, unsigned events)
{
	struct job *j = arg;
	ssize_t n = write(j->in, j->payload.p, j->payload.n);

	(void)events;
	if (n > 0)
		buf_shift(&j->payload, (size_t)n);
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || j->payload.n == 0)
		close_fd(&j->in_watch, &j->in);
}

/* What goes over the limit is read, so that the program does not hang, and dropped. */
static ssize_t
read_some(struct job *j)
{
	char piece[4096];
	ssize_t n = read(j->out, piece, sizeof(piece));
	size_t room = j->h->output_max - j->output.n;

	if (n > 0) {
		buf_put(&j->output, piece, (size_t)n < room ? (size_t)n : room);
		j->too_much |= (size_t)n > room;
	}
	return n;
}

static void
on_out(void *arg, unsigned events)
{
	struct job *j = arg;
	ssize_t n = read_some(j);

	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&j->out_watch, &j->out);
}

static void
judge(struct job *j, const siginfo_t *info)
{
	const char *name = j->h->words.v[0];

	if (j->too_long)
		err_set(&j->why, ERR_TIMEOUT, _("'%s' took longer than %g s"), name,
		    (double)j->h->timeout / 1000);
	else if (info->si_code != CLD_EXITED)
		err_set(&j->why, ERR_FAILED, _("'%s' was ended by signal %d"), name,
		    info->si_status);
	else if (info->si_status != 0)
		err_set(&j->why, ERR_FAILED, _("'%s' exited with status %d"), name,
		    info->si_status);
	else if (j->too_much)
		err_set(&j->why, ERR_FAILED, _("'%s' printed more than %zu bytes"), name,
		    j->h->output_max);
}

/* It ended: what it printed is in the pipe, whoever else still holds the other end. */
static void
on_exit_of(void *arg, unsigned events)
{
	struct job *j = arg;
	siginfo_t info = {0};

	(void)events;
	if (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0)
		return;
	j->pid = 0;
	while (j->out >= 0 && !j->too_much && read_some(j) > 0)
		;
	judge(j, &info);
	finish(j);
}

static void
on_killed_late(void *arg)
{
	struct job *j = arg;

	kill(-j->pid, SIGKILL);
}

static void
on_timeout(void *arg)
{
	struct job *j = arg;

	j->too_long = true;
	kill(-j->pid, SIGTERM);
	loop_timer_set(j->h->loop, &j->timer, KILL_AFTER, on_killed_late, j);
}

static int
start_program(struct job *j)
{
	if (exec_pool_spawn(j->h->path, j->h->words.v, &j->env, &j->in, &j->out, &j->pid))
		return -1;
	j->pid_fd = pidfd_open(j->pid, 0);
	return j->pid_fd < 0 ? -1 : 0;
}

static int
watch_program(struct job *j)
{
	struct loop *loop = j->h->loop;

	if (j->payload.n == 0)
		close_fd(&j->in_watch, &j->in);
	return (j->in >= 0 &&
		   loop_fd_start(
		       loop, &j->in_watch, j->in, LOOP_WRITE, on_in, j, &j->why)) ||
	    loop_fd_start(loop, &j->out_watch, j->out, LOOP_READ, on_out, j, &j->why) ||
	    loop_fd_start(
		loop, &j->pid_watch, j->pid_fd, LOOP_READ, on_exit_of, j, &j->why);
}

static void
end_now(struct job *j)
{
	if (j->pid == 0)
		return;
	kill(-j->pid, SIGKILL);
	waitpid(j->pid, NULL, 0);
	j->pid = 0;
}

static void
start(struct job *j)
{
	struct exec_pool *h = j->h;

	j->next = h->running;
	h->running = j;
	h->n_running++;
	if (start_program(j))
		err_sys(&j->why, ERR_FAILED, _("cannot run '%s'"), h->words.v[0]);
	if (j->why.code != ERR_OK || watch_program(j)) {
		end_now(j);
		loop_timer_set(h->loop, &j->timer, 0, on_failed_start, j);
	} else if (h->timeout > 0) {
		loop_timer_set(h->loop, &j->timer, h->timeout, on_timeout, j);
	}
}

static void
start_waiting(struct exec_pool *h)
{
	struct job *j;

	while (h->n_running < h->jobs && (j = h->waiting) != NULL) {
		h->waiting = j->next;
		if (h->waiting == NULL)
			h->waiting_end = &h->waiting;
		h->n_waiting--;
		start(j);
	}
}

static void
add_variable(struct strv *env, const char *name, struct span value)
{
	char *text;

	if (value.p == NULL)
		return;
	text = xasprintf("%s=%.*s", name, (int)value.n, value.p);
	strv_add(env, text);
	free(text);
}

void
exec_pool_run(struct exec_pool *h, const struct msg *m, struct span device_id,
    struct span device_command_id, void *tag)
{
	const char qos[] = {(char)('0' + m->qos)};
	struct job *j = xcalloc(1, sizeof(*j));

	j->h = h;
	j->tag = tag;
	j->in = j->out = j->pid_fd = -1;
	buf_span(&j->payload, m->payload);
	add_variable(&j->env, "IOT_TOPIC", m->topic);
	add_variable(&j->env, "IOT_DEVICE_ID", device_id);
	add_variable(&j->env, "IOT_COMMAND_ID", device_command_id);
	add_variable(&j->env, "IOT_QOS", (struct span){qos, 1});
	add_variable(&j->env, "IOT_RETAIN", m->retain ? SPAN("1") : SPAN("0"));
	*h->waiting_end = j;
	h->waiting_end = &j->next;
	h->n_waiting++;
	start_waiting(h);
}

size_t
exec_pool_busy(const struct exec_pool *h)
{
	return h->n_running + h->n_waiting;
}

static void
copy_words(struct strv *to, const struct strv *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
	to->v = xreallocarray(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n] = NULL;
}

int
exec_pool_new(struct exec_pool **out, struct loop *loop,
    const struct exec_pool_opts *opts, exec_pool_done_fn *done, void *arg,
    struct err *err)
{
	struct exec_pool *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	h->timeout = opts->timeout;
	h->jobs = opts->jobs != 0 ? opts->jobs : 1;
	h->output_max = opts->output_max;
	h->done = done;
	h->arg = arg;
	h->waiting_end = &h->waiting;
	copy_words(&h->words, opts->command);
	if (exec_pool_find(h->words.v[0], &h->path, err)) {
		exec_pool_free(h);
		return -1;
	}
	*out = h;
	return 0;
}

static void
free_all(struct job *j)
{
	while (j != NULL) {
		struct job *next = j->next;

		end_now(j);
		job_free(j);
		j = next;
	}
}

void
exec_pool_free(struct exec_pool *h)
{
	if (h == NULL)
		return;
	free_all(h->running);
	free_all(h->waiting);
	strv_release(&h->words);
	free(h->path);
	free(h);
}

static bool
is_program(const char *path)
{
	struct stat s;

	if (access(path, X_OK) != 0 || stat(path, &s) != 0)
		return false;
	errno = EISDIR;
	return S_ISREG(s.st_mode);
}

/* Who knows commands in one string finds here how it is done. */
static int
not_found(const char *name, struct err *err)
{
	if (strpbrk(name, " \t") != NULL)
		return err_set(err, ERR_USAGE,
		    _("cannot run '%s': there is no such program; its arguments are "
		      "words "
		      "of their own, without quotes around it all"),
		    name);
	return err_set(
	    err, ERR_USAGE, _("cannot run '%s': there is no such program"), name);
}

static int
exec_pool_find(const char *name, char **path, struct err *err)
{
	const char *list = getenv("PATH");
	struct strv dirs = {0};
	size_t i;

	if (name[0] == '\0')
		return err_set(err, ERR_USAGE, _("the command is empty"));
	if (strchr(name, '/') != NULL) {
		if (!is_program(name) && errno == ENOENT)
			return not_found(name, err);
		if (!is_program(name))
			return err_sys(err, ERR_USAGE, _("cannot run '%s'"), name);
		*path = xstrdup(name);
		return 0;
	}
	strv_split(&dirs, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin", ':');
	for (i = 0; *path == NULL && i < dirs.n; i++) {
		*path = xasprintf("%s/%s", dirs.v[i], name);
		if (!is_program(*path)) {
			free(*path);
			*path = NULL;
		}
	}
	strv_release(&dirs);
	return *path != NULL ? 0 : not_found(name, err);
}

extern char **environ;

/* Those of `env` come first: a program takes the first it finds. */
static char **
make_environment(const struct strv *own)
{
	size_t i, n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + own->n + 1, sizeof(*env));
	for (i = 0; i < own->n; i++)
		env[i] = own->v[i];
	memcpy(env + i, environ, n * sizeof(*env));
	return env;
}

static int
spawn(const char *path, char **argv, char **env, const int *ends, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int failed;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	failed = posix_spawn(pid, path, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static void
close_pair(const int *pair)
{
	close(pair[0]);
	close(pair[1]);
}

static int
exec_pool_spawn(
    const char *path, char **argv, const struct strv *env, int *in, int *out, pid_t *pid)
{
	int to[2], from[2];
	char **all;
	int failed;

	if (pipe2(to, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(from, O_CLOEXEC) != 0) {
		close_pair(to);
		return -1;
	}
	all = make_environment(env);
	failed = spawn(path, argv, all, (const int[]){to[0], from[1]}, pid);
	free(all);
	if (failed) {
		close_pair(to);
		close_pair(from);
		*pid = 0;
		errno = failed;
		return -1;
	}
	close(to[0]);
	close(from[1]);
	*in = to[1];
	*out = from[0];
	fcntl(*in, F_SETFL, O_NONBLOCK);
	fcntl(*out, F_SETFL, O_NONBLOCK);
	return 0;
}
