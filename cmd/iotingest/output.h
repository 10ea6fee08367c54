/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_OUTPUT_H
#define IOTINGEST_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"

/*
 * Where lines go (loop/writer.h), and when they are safe there: a regular file after fdatasync, and then
 * with no torn line in it (loop/safe_file.h); anything else when write(2) has taken them. Pipes, terminals and
 * sockets never block: a reader that stalls must not stop the keep-alive. A file does, while it is synced.
 * On the loop's thread.
 */
struct output;

struct output_opts {
	const char *name;          /* for messages; kept */
	bool archive;              /* a regular file is ours: see loop/safe_file.h */
	const char *head;          /* how its lines begin, or NULL */
	bool no_sync;              /* a regular file is safe after write(2) */
	void (*closed)(void *arg); /* the reader of a pipe has gone; may be NULL */
	void *arg;
};

/* On `fd`, which stays the caller's and is left as it is. A pipe is made wider. *out is the caller's to
 * output_close, also after a failure. */
int output_open(struct output **out, struct loop *loop, int fd, const struct output_opts *opts,
    struct err *err);
/* Drops what is not written. Accepts NULL. */
void output_close(struct output *o);
bool output_is_terminal(const struct output *o);
bool output_is_file(const struct output *o);

/* The bytes stay where they are until done(arg, why), once, maybe before it returns: why->code 0
 * when they are safe, ERR_OUTPUT when not, with EPIPE told apart by output_reader_left. One at a
 * time. A file keeps nothing of bytes that it did not take whole. */
void output_put(struct output *o, struct span bytes, void (*done)(void *arg, const struct err *why),
    void *arg);
bool output_reader_left(const struct output *o);

#endif
