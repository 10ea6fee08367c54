/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/safe_file.h"
#include "loop/writer.h"

struct output {
	struct output_opts opts;
	struct writer *writer;
	struct writer_job job;
	int fd;
	bool own; /* fd is ours to close */
	bool terminal;
	bool archived;
	struct safe_file archive;
	char *
	    path; /* of that file, when it was opened; NULL: it is none, or has no name */
	bool fresh;        /* nothing is in it: the header goes first */
	struct span bytes; /* of output_put, */
	struct buf first;  /* and these behind the header */
	void (*done)(void *arg, const struct err *why);
	void *done_arg;
};

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

static int
open_archive(const struct output *o, struct safe_file *archive, int fd, struct err *err)
{
	if (safe_file_open(archive, fd, o->opts.name, o->opts.head, err)) {
		safe_file_close(archive);
		return -1;
	}
	if (!o->opts.no_sync)
		safe_file_sync_name(archive);
	return 0;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* -1: err. A fifo that nobody reads is no reason to wait where it would not do anyway. */
static int
open_path(const char *path, mode_t mode, bool regular, struct stat *st, struct err *err)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd = open(path, flags | (regular ? O_NONBLOCK : 0), mode);

	if (fd < 0 && errno != ENXIO)
		return err_sys(err, ERR_OUTPUT, _("cannot write to '%s'"), path);
	if (fd >= 0 && fstat(fd, st) == 0 && (!regular || S_ISREG(st->st_mode)))
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, ERR_USAGE, _("'%s' is no regular file"), path);
}

static int
open_first(struct output *o, int fd, struct stat *st, struct err *err)
{
	const struct output_opts *opts = &o->opts;

	o->fd = fd;
	if (opts->path == NULL)
		return fstat(fd, st) == 0
		    ? 0
		    : err_sys(err, ERR_OUTPUT, _("cannot write to %s"), opts->name);
	o->fd = open_path(opts->path, opts->mode, opts->regular, st, err);
	o->own = o->fd >= 0;
	return o->own ? 0 : -1;
}

int
output_open(struct output **out, struct loop *loop, int fd,
    const struct output_opts *opts, struct err *err)
{
	const struct writer_opts w = {.name = opts->name,
	    .sync = !opts->no_sync,
	    .closed = opts->closed,
	    .arg = opts->arg};
	struct output *o = xcalloc(1, sizeof(*o));
	struct stat st = {0};

	*out = o;
	o->opts = *opts;
	if (open_first(o, fd, &st, err) || writer_open(&o->writer, loop, o->fd, &w, err))
		return -1;
	o->terminal = isatty(o->fd) != 0;
	if (S_ISFIFO(st.st_mode))
		widen_pipe(o->fd);
	o->archived = opts->archive && S_ISREG(st.st_mode);
	if (o->archived && st.st_nlink > 0)
		o->path = opts->path != NULL ? xstrdup(opts->path) : safe_file_path(fd);
	if (o->archived && open_archive(o, &o->archive, o->fd, err)) {
		o->archived = false;
		return -1;
	}
	o->fresh = st.st_size == 0;
	return 0;
}

void
output_close(struct output *o)
{
	if (o == NULL)
		return;
	writer_free(o->writer);
	if (o->archived)
		safe_file_close(&o->archive);
	if (o->own)
		close(o->fd);
	free(o->path);
	buf_release(&o->first);
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
	return writer_is_file(o->writer);
}

bool
output_is_file_of(const struct output *o, const char *path)
{
	struct stat own, other;

	return output_is_file(o) && fstat(o->fd, &own) == 0 && stat(path, &other) == 0 &&
	    is_same(&own, &other);
}

bool
output_reader_left(const struct output *o)
{
	return writer_reader_left(o->writer);
}

/* The new file takes the place of the old one, under its number. */
static int
replace(struct output *o, int fd, struct err *err)
{
	struct safe_file archive = {.own = -1};

	if (o->archived && open_archive(o, &archive, fd, err))
		return -1;
	if (dup3(fd, o->fd, o->own ? O_CLOEXEC : 0) < 0) {
		err_sys(err, ERR_OUTPUT, _("cannot write to '%s'"), o->path);
		if (o->archived)
			safe_file_close(&archive);
		return -1;
	}
	if (o->archived) {
		/* One that had no description of its own went with dup3, its lock, too. */
		if (o->archive.own >= 0)
			safe_file_close(&o->archive);
		o->archive = archive;
		o->archive.fd = o->fd;
	}
	return 0;
}

/* What has the name now; ERR_OUTPUT, and the old file stays, when it cannot be written to. */
static int
open_again(struct output *o, struct err *err)
{
	struct stat old, st;
	int fd, failed = 0;

	if (fstat(o->fd, &old) != 0)
		return err_sys(err, ERR_OUTPUT, _("cannot write to '%s'"), o->path);
	fd = open_path(o->path, old.st_mode & 0777, true, &st, err);
	if (fd < 0)
		return -1;
	if (!is_same(&old, &st)) {
		/* An umask took some from what is made by us. */
		if (st.st_size == 0)
			fchmod(fd, old.st_mode & 0777);
		failed = replace(o, fd, err);
	}
	o->fresh = !failed && st.st_size == 0;
	close(fd);
	return failed;
}

bool
output_reopen(struct output *o)
{
	struct err why = {0};

	if (o->path == NULL)
		return false;
	if (open_again(o, &why))
		log_warn(_("%s; lines go on into the file that was open"), why.text);
	return true;
}

static void on_written(void *arg, const struct err *why);

static void
put(struct output *o)
{
	if (!o->fresh || o->opts.header.n == 0 || o->bytes.n == 0) {
		writer_put(o->writer, &o->job, o->bytes, on_written, o);
		return;
	}
	buf_clear(&o->first);
	buf_span(&o->first, o->opts.header);
	buf_span(&o->first, o->bytes);
	writer_put(o->writer, &o->job, buf_as_span(&o->first), on_written, o);
}

/* Of a file that we opened by its path the name is ours to make anew, in which the lines are written once more. */
static bool
is_made_anew(struct output *o, struct err *why)
{
	if (o->opts.path == NULL || !writer_file_is_gone(o->writer))
		return false;
	*why = (struct err){0};
	if (open_again(o, why)) {
		why->code = ERR_OUTPUT;
		return false;
	}
	log_warn(_("%s was removed while it was written to: going on in a new one"),
	    o->opts.name);
	return true;
}

static void
on_written(void *arg, const struct err *why)
{
	struct output *o = arg;
	struct err failed = *why;

	if (failed.code != ERR_OK && is_made_anew(o, &failed)) {
		put(o);
		return;
	}
	if (failed.code == ERR_OK && o->job.bytes.n > 0)
		o->fresh = false;
	if (!o->fresh)
		buf_release(&o->first);
	o->done(o->done_arg, &failed);
}

void
output_put(struct output *o, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	o->bytes = bytes;
	o->done = done;
	o->done_arg = arg;
	put(o);
}
