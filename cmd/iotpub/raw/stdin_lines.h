/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_RAW_STDIN_LINES_H
#define IOTPUB_RAW_STDIN_LINES_H

#include "base/buf.h"
#include "loop/loop.h"

/* The lines of a descriptor, read on the loop, only as fast as their taker wants them. Nothing is
 * held but the line that is not complete yet and the rest of one read. */
struct stdin_lines {
	struct loop *loop;
	int fd;
	const char *name;
	struct loop_fd watch;
	struct loop_timer soon;
	struct buf data;
	size_t from; /* data.p[from..] is not handed out yet */
	size_t seen; /* up to here there is no newline */
	bool file;   /* a regular file or /dev/null: cannot be waited for, and need not */
	bool eof, paused, over;
	void (*line)(void *arg, struct span line);
	void (*end)(void *arg, const struct err *why);
	void *arg;
};

/* Begins. `name` is fd's, for messages, and kept; NULL: standard input. `line` gets each without its newline, the last one with or without; then `end` is called
 * once, with code 0 unless reading failed. `fd` stays the caller's and is not made non-blocking:
 * others may share it. */
int stdin_lines_start(struct stdin_lines *l, struct loop *loop, int fd, const char *name,
    void (*line)(void *arg, struct span line),
    void (*end)(void *arg, const struct err *why), void *arg, struct err *err);
/* Stops handing out lines, and reading, until it is resumed. */
void stdin_lines_pause(struct stdin_lines *l, bool paused);
/* Neither `line` nor `end` is called any more. Accepts the zero value. */
void stdin_lines_release(struct stdin_lines *l);

#endif
