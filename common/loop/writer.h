/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_WRITER_H
#define LOOP_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

/*
 * The way out for bytes that never blocks the loop: a reader of standard output that stalls, a full pipe or a
 * stopped terminal, must not stop keep-alives and timers. Of the loop's thread.
 */
struct writer;

struct writer_opts {
	const char *name;          /* of the descriptor, for messages; kept */
	bool sync;                 /* a regular file: bytes are out after fdatasync(2), not after write(2) */
	void (*closed)(void *arg); /* the reader of a pipe or socket left while nothing was on its way;
				    * told once; NULL: the next write finds out */
	void *arg;
};

/* On `fd`, which stays the caller's and is left as it is: a pipe or a terminal is opened once more by its
 * name in /proc, since O_NONBLOCK on `fd` itself would be everybody's who shares it (measured: opened
 * again, the flags of `fd` stay). Where that may not be opened, as another user's, it is asked with poll(2)
 * and written in pieces of PIPE_BUF. ERR_OUTPUT when `fd` is no descriptor. */
int writer_open(struct writer **out, struct loop *loop, int fd, const struct writer_opts *opts,
    struct err *err);
/* Drops what is not written; no `done` is called. Not from inside one. Accepts NULL. */
void writer_free(struct writer *w);

/* Bytes on their way, embedded in their owner, zero before use; they stay where they are until `done`. */
struct writer_job {
	struct writer_job *next;
	struct span bytes;
	size_t written;
	void (*done)(void *arg, const struct err *why);
	void *arg;
	bool queued;
};

/* Writes `bytes` behind what was put before. done(arg, why) once, maybe before it returns: why->code 0 when
 * they are out, ERR_OUTPUT when not, and then job->written says how many were written. A regular file keeps
 * nothing of bytes that it did not take whole; in one whose last name was removed meanwhile nothing is out.
 * writer_reader_left and writer_file_is_gone tell such failures apart. What was put behind a job that failed is
 * tried all the same. */
void writer_put(struct writer *w, struct writer_job *job, struct span bytes,
    void (*done)(void *arg, const struct err *why), void *arg);
/* Forgets a job, of which a part may be written. Harmless when it is not on its way. */
void writer_cancel(struct writer *w, struct writer_job *job);
bool writer_reader_left(const struct writer *w);
bool writer_is_file(const struct writer *w);
/* Whether it is a file that had a name when it was opened, and has none any more. */
bool writer_file_is_gone(const struct writer *w);

/* Whether nothing is on its way and a write of PIPE_BUF would not wait. */
bool writer_has_room(const struct writer *w);
/* Calls fn(arg) on the loop, once, as soon as that is so, or the reader is gone; never before it returns. */
void writer_await_room(struct writer *w, void (*fn)(void *arg), void *arg);

/* One write(2) past the queue, that does not block: EAGAIN instead. Safe in a signal handler. */
ssize_t writer_write(const struct writer *w, const void *p, size_t n);

#endif
