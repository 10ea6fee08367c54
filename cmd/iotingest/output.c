/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/output.h"

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
#include "iotingest/safe_file.h"

struct output {
	struct loop *loop;
	struct loop_fd watch;
	struct output_opts opts;
	int fd;
	bool own;    /* fd is ours to close */
	bool file;   /* regular */
	bool socket; /* send, which can be told not to block */
	bool shared; /* a description that is not ours alone, and blocks */
	bool terminal;
	bool archived;
	struct safe_file archive;
	bool left; /* EPIPE was seen */
	struct span bytes;
	size_t at;
	void (*done)(void *arg, const struct err *why);
	void *done_arg;
};

static void on_event(void *arg, unsigned events);

enum { PIPE_ROOM = 256 << 10 }; /* bytes */

/* Four of our writes: while the reader has one in its hands there is room for the next. Measured with
 * messages as fast as they go: in the 64 KiB that a pipe has otherwise, reader and writer put each other
 * to sleep at every write, 2.8 instead of 5.5 million lines/s at 1.4 times the CPU. A user who has too
 * much in pipes already (pipe(7), pipe-user-pages-soft) goes without. */
static void
widen_pipe(int fd)
{
	if (fcntl(fd, F_GETPIPE_SZ) < PIPE_ROOM)
		fcntl(fd, F_SETPIPE_SZ, PIPE_ROOM);
}

/* A private description of what fd is, so that O_NONBLOCK touches nobody else's. */
static int
open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static int
open_archive(struct output *o, struct err *err)
{
	o->archived = true;
	if (safe_file_open(&o->archive, o->fd, o->opts.name, o->opts.head, err))
		return -1;
	if (!o->opts.no_sync)
		safe_file_sync_name(&o->archive);
	return 0;
}

int
output_open(struct output **out, struct loop *loop, int fd,
    const struct output_opts *opts, struct err *err)
{
	struct output *o;
	struct stat st;
	int again;

	if (fstat(fd, &st) != 0)
		return err_sys(err, ERR_OUTPUT, _("cannot write to %s"), opts->name);
	o = xcalloc(1, sizeof(*o));
	*o = (struct output){.loop = loop,
	    .opts = *opts,
	    .fd = fd,
	    .file = S_ISREG(st.st_mode),
	    .socket = S_ISSOCK(st.st_mode),
	    .terminal = isatty(fd) != 0};
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		again = open_again(fd);
		o->own = again >= 0;
		o->shared = !o->own;
		if (o->own)
			o->fd = again;
	}
	if (S_ISFIFO(st.st_mode))
		widen_pipe(o->fd);
	*out = o;
	if (o->file && opts->archive)
		return open_archive(o, err);
	if (S_ISFIFO(st.st_mode) || o->socket)
		loop_fd_start(loop, &o->watch, o->fd, LOOP_HANGUP, on_event, o, NULL);
	return 0;
}

void
output_close(struct output *o)
{
	if (o == NULL)
		return;
	loop_fd_stop(&o->watch);
	if (o->archived)
		safe_file_close(&o->archive);
	if (o->own)
		close(o->fd);
	free(o);
}

bool
output_is_terminal(const struct output *o)
{
	return o->terminal;
}

bool
output_is_file(const struct output *o)
{
	return o->file;
}

bool
output_reader_left(const struct output *o)
{
	return o->left;
}

static void
finish(struct output *o, const struct err *why)
{
	void (*done)(void *arg, const struct err *why) = o->done;

	o->done = NULL;
	done(o->done_arg, why);
}

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking. */
static ssize_t
write_shared(const struct output *o, const char *p, size_t n)
{
	struct pollfd ready = {.fd = o->fd, .events = POLLOUT};

	if (poll(&ready, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(o->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
}

static ssize_t
write_some(struct output *o)
{
	const char *p = o->bytes.p + o->at;
	size_t n = o->bytes.n - o->at;

	if (o->socket)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return o->shared ? write_shared(o, p, n) : write(o->fd, p, n);
}

static void
wait_for(struct output *o, unsigned events)
{
	if (o->watch.on)
		loop_fd_set(&o->watch, events);
	else if (events == LOOP_WRITE)
		loop_fd_start(o->loop, &o->watch, o->fd, events, on_event, o, NULL);
}

static void
failed_with(struct output *o, struct err *err)
{
	err_sys(err, ERR_OUTPUT, _("cannot write to %s"), o->opts.name);
}

/* Writes until it is done, or the reader is full. */
static void
go_on(struct output *o)
{
	struct err err = {0};

	while (o->at < o->bytes.n) {
		ssize_t n = write_some(o);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			wait_for(o, LOOP_WRITE);
			return;
		}
		if (n < 0) {
			o->left = errno == EPIPE || errno == ECONNRESET;
			failed_with(o, &err);
			if (o->archived)
				safe_file_undo(
				    &o->archive, (struct span){o->bytes.p, o->at});
			break;
		}
		o->at += (size_t)n;
	}
	wait_for(o, LOOP_HANGUP);
	/* After a failed fdatasync nobody knows what is on the disk: never tried twice. */
	if (err.code == ERR_OK && o->file && !o->opts.no_sync && fdatasync(o->fd) != 0)
		failed_with(o, &err);
	finish(o, &err);
}

static void
on_event(void *arg, unsigned events)
{
	struct output *o = arg;

	if (o->done != NULL) {
		go_on(o);
	} else if ((events & LOOP_HANGUP) != 0) {
		loop_fd_stop(&o->watch);
		o->left = true;
		if (o->opts.closed != NULL)
			o->opts.closed(o->opts.arg);
	}
}

void
output_put(struct output *o, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	o->done = done;
	o->done_arg = arg;
	o->bytes = bytes;
	o->at = 0;
	if (bytes.n != 0)
		go_on(o);
	else
		finish(o, &(struct err){0});
}
