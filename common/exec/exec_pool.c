/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/exec_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "exec/spawn.h"

enum { KILL_AFTER = 1000 }; /* ms from SIGTERM to SIGKILL */

/* One run, from exec_pool_run to `done`. */
struct job {
	struct job *next; /* of those that run, or wait */
	struct exec_pool *pool;
	void *tag;
	struct buf payload; /* what its standard input has not taken yet */
	struct strv env;
	struct spawn_child child;
	int in, out; /* our ends of its standard input and output; -1: closed */
	struct loop_fd in_watch, out_watch;
	struct loop_timer timer; /* of the time-out, the kill, or a failed start */
	struct buf output;
	struct err why; /* it failed */
	bool too_much, too_long;
};

struct exec_pool {
	struct loop *loop;
	struct strv command; /* a NULL behind the last */
	char *path;          /* of the program */
	int64_t timeout;
	size_t jobs, output_max;
	exec_pool_done_fn *done;
	void *arg;
	struct job *running, *waiting, **waiting_end;
	size_t n_running, n_waiting;
};

static void start_waiting(struct exec_pool *p);

static void
close_end(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
close_fd(struct loop_fd *w, int *fd)
{
	loop_fd_stop(w);
	close_end(*fd);
	*fd = -1;
}

static void
job_free(struct job *j)
{
	spawn_child_kill(&j->child);
	loop_timer_stop(&j->timer);
	close_fd(&j->in_watch, &j->in);
	close_fd(&j->out_watch, &j->out);
	buf_release(&j->payload);
	buf_release(&j->output);
	strv_release(&j->env);
	free(j);
}

static void
unlink_running(struct exec_pool *p, const struct job *j)
{
	struct job **at = &p->running;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	p->n_running--;
}

static void
finish(struct job *j)
{
	struct exec_pool *p = j->pool;
	struct exec_pool_result r = {EXEC_POOL_OK, buf_as_span(&j->output), j->why};

	if (j->too_long)
		r.status = EXEC_POOL_TIMEOUT;
	else if (j->why.code != ERR_OK)
		r.status = EXEC_POOL_ERROR;
	unlink_running(p, j);
	start_waiting(p);
	p->done(p->arg, j->tag, &r);
	job_free(j);
}

/* A program that does not read all of it is free not to. */
static void
on_writable(void *arg, unsigned events)
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

/* What is over the limit is read and dropped: the program must not wait for a reader. */
static ssize_t
read_output(struct job *j)
{
	char piece[4096];
	ssize_t n = read(j->out, piece, sizeof(piece));
	size_t room = j->pool->output_max - j->output.n;

	if (n > 0) {
		buf_put(&j->output, piece, (size_t)n < room ? (size_t)n : room);
		j->too_much |= (size_t)n > room;
	}
	return n;
}

static void
on_readable(void *arg, unsigned events)
{
	struct job *j = arg;
	ssize_t n = read_output(j);

	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&j->out_watch, &j->out);
}

static void
explain_exit(struct job *j, const siginfo_t *info)
{
	const char *name = j->pool->command.v[0];

	if (j->too_long)
		err_set(&j->why, ERR_TIMEOUT, _("'%s' took longer than %g s"), name,
		    (double)j->pool->timeout / 1000);
	else if (info->si_code != CLD_EXITED)
		err_set(&j->why, ERR_FAILED, _("'%s' was ended by signal %d"), name,
		    info->si_status);
	else if (info->si_status != 0)
		err_set(&j->why, ERR_FAILED, _("'%s' exited with status %d"), name,
		    info->si_status);
	else if (j->too_much)
		err_set(&j->why, ERR_FAILED,
		    P_("'%s' printed more than %zu byte",
			"'%s' printed more than %zu bytes", j->pool->output_max),
		    name, j->pool->output_max);
}

/* All that it printed is in the pipe by now; what it left running may hold the other end for long. */
static void
on_ended(void *arg, const siginfo_t *info)
{
	struct job *j = arg;

	while (j->out >= 0 && !j->too_much && read_output(j) > 0)
		;
	explain_exit(j, info);
	finish(j);
}

static void
on_kill_time(void *arg)
{
	struct job *j = arg;

	spawn_child_signal(&j->child, SIGKILL);
}

static void
on_timeout(void *arg)
{
	struct job *j = arg;

	j->too_long = true;
	spawn_child_signal(&j->child, SIGTERM);
	loop_timer_set(j->pool->loop, &j->timer, KILL_AFTER, on_kill_time, j);
}

static void
on_failed_start(void *arg)
{
	finish(arg);
}

static int
spawn_program(struct job *j, int in, int out)
{
	const struct spawn s = {.role = SPAWN_HANDLER,
	    .path = j->pool->path,
	    .words = j->pool->command.v,
	    .env = &j->env,
	    .in = in,
	    .out = out};

	return spawn_child_start(&j->child, &s, j->pool->loop, on_ended, j);
}

static int
start_program(struct job *j)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1};
	int failed = 0;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
	    spawn_program(j, in[0], out[1]))
		failed = err_sys(
		    &j->why, ERR_FAILED, _("cannot run '%s'"), j->pool->command.v[0]);
	close_end(in[0]);
	close_end(out[1]);
	j->in = in[1];
	j->out = out[0];
	return failed;
}

static int
watch_pipes(struct job *j)
{
	struct loop *loop = j->pool->loop;

	fcntl(j->in, F_SETFL, O_NONBLOCK);
	fcntl(j->out, F_SETFL, O_NONBLOCK);
	if (j->payload.n == 0)
		close_fd(&j->in_watch, &j->in);
	return (j->in >= 0 &&
		   loop_fd_start(
		       loop, &j->in_watch, j->in, LOOP_WRITE, on_writable, j, &j->why)) ||
	    loop_fd_start(
		loop, &j->out_watch, j->out, LOOP_READ, on_readable, j, &j->why);
}

/* A failure is told from the loop, as exec_pool_done_fn promises. */
static void
start(struct job *j)
{
	struct exec_pool *p = j->pool;

	j->next = p->running;
	p->running = j;
	p->n_running++;
	if (start_program(j) || watch_pipes(j)) {
		spawn_child_kill(&j->child);
		loop_timer_set(p->loop, &j->timer, 0, on_failed_start, j);
	} else if (p->timeout > 0) {
		loop_timer_set(p->loop, &j->timer, p->timeout, on_timeout, j);
	}
}

static void
start_waiting(struct exec_pool *p)
{
	struct job *j;

	while (p->n_running < p->jobs && (j = p->waiting) != NULL) {
		p->waiting = j->next;
		if (p->waiting == NULL)
			p->waiting_end = &p->waiting;
		p->n_waiting--;
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
exec_pool_run(struct exec_pool *p, const struct msg *m, struct span device_id,
    struct span device_command_id, void *tag)
{
	const char qos[] = {(char)('0' + m->qos)};
	struct job *j = xcalloc(1, sizeof(*j));

	j->pool = p;
	j->tag = tag;
	j->in = j->out = -1;
	buf_span(&j->payload, m->payload);
	add_variable(&j->env, "IOT_TOPIC", m->topic);
	add_variable(&j->env, "IOT_DEVICE_ID", device_id);
	add_variable(&j->env, "IOT_COMMAND_ID", device_command_id);
	add_variable(&j->env, "IOT_QOS", (struct span){qos, 1});
	add_variable(&j->env, "IOT_RETAIN", m->retain ? SPAN("1") : SPAN("0"));
	*p->waiting_end = j;
	p->waiting_end = &j->next;
	p->n_waiting++;
	start_waiting(p);
}

size_t
exec_pool_busy(const struct exec_pool *p)
{
	return p->n_running + p->n_waiting;
}

static void
copy_command(struct strv *to, const struct strv *from)
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
	struct exec_pool *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->timeout = opts->timeout;
	p->jobs = opts->jobs != 0 ? opts->jobs : 1;
	p->output_max = opts->output_max;
	p->done = done;
	p->arg = arg;
	p->waiting_end = &p->waiting;
	copy_command(&p->command, opts->command);
	if (spawn_find(p->command.v[0], &p->path, err)) {
		exec_pool_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

static void
free_jobs(struct job *j)
{
	while (j != NULL) {
		struct job *next = j->next;

		job_free(j);
		j = next;
	}
}

void
exec_pool_free(struct exec_pool *p)
{
	if (p == NULL)
		return;
	free_jobs(p->running);
	free_jobs(p->waiting);
	strv_release(&p->command);
	free(p->path);
	free(p);
}
