/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "loop/safe_file.h"

struct writer {
	struct loop *loop;
	struct loop_fd watch;
	struct writer_opts opts;
	int fd;
	bool own;    /* fd is ours to close */
	bool file;   /* regular, */
	bool named;  /* and had a name when we began */
	bool socket; /* send, which can be told not to block */
	bool shared; /* a description that is not ours alone, and blocks */
	bool left;   /* the reader, as far as is known */
	bool busy;   /* inside write_all: a `done` may put more */
	struct writer_job *first, **last;
	void (*room)(void *arg); /* writer_await_room's; NULL: nobody waits */
	void *room_arg;
};

static void on_event(void *arg, unsigned events);

/* A private description of what fd is; -1 where there can be none. What may only be read, as a descriptor
 * that was closed before us (cli/program.c), could be opened for writing, and would swallow everything. */
static int
open_again(int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	char path[32];

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int
writer_open(struct writer **out, struct loop *loop, int fd,
    const struct writer_opts *opts, struct err *err)
{
	struct writer *w;
	struct stat st;
	int again;

	if (fstat(fd, &st) != 0)
		return err_sys(err, ERR_OUTPUT, _("cannot write to %s"), opts->name);
	w = xcalloc(1, sizeof(*w));
	*w = (struct writer){.loop = loop,
	    .opts = *opts,
	    .fd = fd,
	    .file = S_ISREG(st.st_mode),
	    .socket = S_ISSOCK(st.st_mode)};
	w->last = &w->first;
	w->named = w->file && st.st_nlink > 0;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		again = open_again(fd);
		w->own = again >= 0;
		w->shared = !w->own;
		if (w->own)
			w->fd = again;
	}
	*out = w;
	if (opts->closed != NULL && (S_ISFIFO(st.st_mode) || w->socket))
		loop_fd_start(loop, &w->watch, w->fd, LOOP_HANGUP, on_event, w, NULL);
	return 0;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	loop_fd_stop(&w->watch);
	if (w->own)
		close(w->fd);
	free(w);
}

bool
writer_reader_left(const struct writer *w)
{
	return w->left;
}

bool
writer_is_file(const struct writer *w)
{
	return w->file;
}

bool
writer_file_is_gone(const struct writer *w)
{
	return w->named && safe_file_is_nameless(w->fd);
}

static bool
takes_more(int fd)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	return poll(&out, 1, 0) != 0;
}

bool
writer_has_room(const struct writer *w)
{
	return w->first == NULL && takes_more(w->fd);
}

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking. */
ssize_t
writer_write(const struct writer *w, const void *p, size_t n)
{
	if (w->socket)
		return send(w->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!w->shared)
		return write(w->fd, p, n);
	if (takes_more(w->fd))
		return write(w->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

/* What is waited for now: room, or that the reader leaves. -1: it cannot be. */
static int
wait_for(struct writer *w, bool room)
{
	const unsigned idle = w->opts.closed != NULL && !w->left ? LOOP_HANGUP : 0;

	if (room && !w->watch.on)
		return loop_fd_start(
		    w->loop, &w->watch, w->fd, LOOP_WRITE, on_event, w, NULL);
	loop_fd_set(&w->watch, room ? LOOP_WRITE : idle);
	return 0;
}

/* What a file that is full took of the bytes, and the end of what it took whole. After a failed fdatasync nobody
 * knows what is on the disk: it is never tried twice. */
static int
settle_file(struct writer *w, const struct writer_job *job, int number)
{
	if (number != 0) {
		if (job->written < job->bytes.n)
			safe_file_undo(w->fd, (struct span){job->bytes.p, job->written});
		return number;
	}
	return w->opts.sync && job->bytes.n > 0 && fdatasync(w->fd) != 0 ? errno : 0;
}

static void
finish(struct writer *w, int number)
{
	struct writer_job *job = w->first;
	struct err why = {0};

	w->first = job->next;
	if (w->first == NULL)
		w->last = &w->first;
	job->queued = false;
	w->left |= number == EPIPE || number == ECONNRESET;
	if (w->file)
		number = settle_file(w, job, number);
	errno = number;
	if (number != 0)
		err_sys(&why, ERR_OUTPUT, _("cannot write to %s"), w->opts.name);
	else if (writer_file_is_gone(w))
		err_set(&why, ERR_OUTPUT, _("cannot write to %s: its file was removed"),
		    w->opts.name);
	job->done(job->arg, &why);
}

/* False: the reader takes no more now. */
static bool
write_first(struct writer *w)
{
	struct writer_job *job = w->first;
	int number = 0;

	while (job->written < job->bytes.n && number == 0) {
		ssize_t n = writer_write(
		    w, job->bytes.p + job->written, job->bytes.n - job->written);

		if (n >= 0)
			job->written += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (wait_for(w, true) == 0)
				return false;
			number = EAGAIN;
		} else if (errno != EINTR)
			number = errno;
	}
	finish(w, number);
	return true;
}

static void
write_all(struct writer *w)
{
	if (w->busy)
		return;
	w->busy = true;
	while (w->first != NULL && write_first(w))
		;
	w->busy = false;
	if (w->first == NULL)
		wait_for(w, w->room != NULL);
}

static void
tell_room(struct writer *w)
{
	void (*fn)(void *arg) = w->room;

	w->room = NULL;
	wait_for(w, false);
	fn(w->room_arg);
}

static void
on_event(void *arg, unsigned events)
{
	struct writer *w = arg;

	if (w->first != NULL) {
		write_all(w);
	} else if (w->room != NULL) {
		tell_room(w);
	} else if ((events & LOOP_HANGUP) != 0) {
		loop_fd_stop(&w->watch);
		w->left = true;
		if (w->opts.closed != NULL)
			w->opts.closed(w->opts.arg);
	}
}

void
writer_put(struct writer *w, struct writer_job *job, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	*job =
	    (struct writer_job){.bytes = bytes, .done = done, .arg = arg, .queued = true};
	*w->last = job;
	w->last = &job->next;
	if (w->first == job)
		write_all(w);
}

void
writer_cancel(struct writer *w, struct writer_job *job)
{
	struct writer_job **at = &w->first;

	if (!job->queued)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (*at == NULL)
		w->last = at;
	job->queued = false;
	if (w->first == NULL && !w->busy)
		wait_for(w, w->room != NULL);
}

void
writer_await_room(struct writer *w, void (*fn)(void *arg), void *arg)
{
	w->room = fn;
	w->room_arg = arg;
	if (w->first == NULL && !w->busy)
		wait_for(w, true);
}
