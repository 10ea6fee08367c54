/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

struct output {
	struct loop *loop;
	struct loop_fd watch;
	const char *name;
	int fd;
	bool own;    /* fd is ours to close */
	bool file;   /* regular: sync */
	bool socket; /* send, which can be told not to block */
	bool left;   /* EPIPE was seen */
	struct buf bytes;
	size_t at;
	void (*done)(void *arg, const struct err *why);
	void *done_arg;
	void (*closed)(void *arg);
	void *closed_arg;
};

static void on_event(void *arg, unsigned events);

/* A private description of what fd is, so that O_NONBLOCK touches nobody else's. */
static int
open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

int
output_open(struct output **out, struct loop *loop, int fd, const char *name,
    void (*closed)(void *arg), void *arg, struct err *err)
{
	struct output *o;
	struct stat st;
	int again;

	if (fstat(fd, &st) != 0)
		return err_sys(err, ERR_OUTPUT, _("cannot write to %s"), name);
	o = xcalloc(1, sizeof(*o));
	*o = (struct output){.loop = loop,
	    .name = name,
	    .fd = fd,
	    .file = S_ISREG(st.st_mode),
	    .socket = S_ISSOCK(st.st_mode),
	    .closed = closed,
	    .closed_arg = arg};
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		again = open_again(fd);
		if (again >= 0) {
			o->fd = again;
			o->own = true;
		}
	}
	if (S_ISFIFO(st.st_mode) || o->socket)
		loop_fd_start(loop, &o->watch, o->fd, LOOP_HANGUP, on_event, o, NULL);
	*out = o;
	return 0;
}

void
output_close(struct output *o)
{
	if (o == NULL)
		return;
	loop_fd_stop(&o->watch);
	if (o->own)
		close(o->fd);
	buf_release(&o->bytes);
	free(o);
}

bool
output_is_terminal(const struct output *o)
{
	return isatty(o->fd) != 0;
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

	buf_clear(&o->bytes);
	o->at = 0;
	o->done = NULL;
	done(o->done_arg, why);
}

static ssize_t
write_some(struct output *o)
{
	const char *p = o->bytes.p + o->at;
	size_t n = o->bytes.n - o->at;

	if (o->socket)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(o->fd, p, n);
}

static void
wait_for(struct output *o, unsigned events)
{
	if (o->watch.on)
		loop_fd_set(&o->watch, events);
	else if (events == LOOP_WRITE)
		loop_fd_start(o->loop, &o->watch, o->fd, events, on_event, o, NULL);
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
			err_sys(&err, ERR_OUTPUT, _("cannot write to %s"), o->name);
			break;
		}
		o->at += (size_t)n;
	}
	wait_for(o, LOOP_HANGUP);
	/* After a failed fdatasync nobody knows what is on the disk: never tried twice. */
	if (err.code == ERR_OK && o->file && fdatasync(o->fd) != 0)
		err_sys(&err, ERR_OUTPUT, _("cannot write to %s"), o->name);
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
		if (o->closed != NULL)
			o->closed(o->closed_arg);
	}
}

void
output_put(struct output *o, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	o->done = done;
	o->done_arg = arg;
	buf_span(&o->bytes, bytes);
	if (bytes.n != 0)
		go_on(o);
	else
		finish(o, &(struct err){0});
}
