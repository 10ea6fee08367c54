/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_OUTPUT_H
#define IOTINGEST_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"

/*
 * Where lines go (loop/writer.h), and when they are safe there: a regular file after fdatasync, and then
 * with no torn line in it (loop/safe_file.h); anything else when write(2) has taken them. Pipes, terminals and
 * sockets never block: a reader that stalls must not stop the keep-alive. A file does, while it is synced.
 *
 * Files are rotated: renamed, and later compressed or removed. output_reopen goes on in the file that has the
 * name now. One that was removed takes no more lines: of a file that we opened by its path the name is made
 * anew, else that is an error. On the loop's thread.
 */
struct output;

struct output_opts {
	const char *name;          /* for messages; kept */
	const char *path;          /* a file that we open, append to and make; kept. NULL: it is open already */
	mode_t mode;               /* of one that is made, before the umask */
	bool regular;              /* nothing but a regular file will do */
	bool archive;              /* a regular file is ours: see loop/safe_file.h */
	const char *head;          /* how its lines begin, or NULL */
	struct span header;        /* a line to begin an empty file, or anything else, with; kept */
	bool no_sync;              /* a regular file is safe after write(2) */
	void (*closed)(void *arg); /* the reader of a pipe has gone; may be NULL */
	void *arg;
};

/* On `fd`, which stays the caller's and is left as it is, but for output_reopen; or on opts->path. A pipe is made
 * wider. *out is the caller's to output_close, also after a failure: ERR_OUTPUT, ERR_USAGE for what is no regular
 * file. */
int output_open(struct output **out, struct loop *loop, int fd, const struct output_opts *opts,
    struct err *err);
/* Drops what is not written. Accepts NULL. */
void output_close(struct output *o);
bool output_is_terminal(const struct output *o);
bool output_is_file(const struct output *o);
/* Whether it is the regular file that has this name now. */
bool output_is_file_of(const struct output *o, const char *path);

/* The bytes stay where they are until done(arg, why), once, maybe before it returns: why->code 0
 * when they are safe, ERR_OUTPUT when not, with EPIPE told apart by output_reader_left. One at a
 * time. A file keeps nothing of bytes that it did not take whole. */
void output_put(struct output *o, struct span bytes, void (*done)(void *arg, const struct err *why),
    void *arg);
bool output_reader_left(const struct output *o);

/* Goes on in the file that has the name now, made if there is none; the descriptor keeps its number. Does nothing
 * while the name is still that of the open file. False: it is no file that is ours (`archive`), or has no name. A failure is told,
 * and lines go on into the old file. Not while bytes are on their way, which for a file is only inside
 * output_put. */
bool output_reopen(struct output *o);

#endif
