/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/safe_file.h"
#include "loop/writer.h"

struct output {
	struct writer *writer;
	struct writer_job job;
	bool terminal;
	bool archived;
	struct safe_file archive;
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
open_archive(struct output *o, int fd, const struct output_opts *opts, struct err *err)
{
	o->archived = true;
	if (safe_file_open(&o->archive, fd, opts->name, opts->head, err))
		return -1;
	if (!opts->no_sync)
		safe_file_sync_name(&o->archive);
	return 0;
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
	struct stat st;

	*out = o;
	if (writer_open(&o->writer, loop, fd, &w, err))
		return -1;
	o->terminal = isatty(fd) != 0;
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		widen_pipe(fd);
	return opts->archive && writer_is_file(o->writer) ? open_archive(o, fd, opts, err)
							  : 0;
}

void
output_close(struct output *o)
{
	if (o == NULL)
		return;
	writer_free(o->writer);
	if (o->archived)
		safe_file_close(&o->archive);
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
output_reader_left(const struct output *o)
{
	return writer_reader_left(o->writer);
}

void
output_put(struct output *o, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg)
{
	writer_put(o->writer, &o->job, bytes, done, arg);
}
