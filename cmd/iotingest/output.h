/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

/*
 * Where lines go, and when they are safe there: a regular file after fdatasync; anything else when
 * write(2) has taken them. Pipes, terminals and sockets never block: a reader that stalls must not
 * stop the keep-alive.
 */
struct output;

/* On `fd`, which stays the caller's and is left as it is: a pipe or terminal is opened once more by
 * its name in /proc (measured: that leaves the flags of fd alone). `name` is kept, for messages.
 * closed(arg) is called when the reader of a pipe has gone; may be NULL. */
int output_open(struct output **out, struct loop *loop, int fd, const char *name,
    void (*closed)(void *arg), void *arg, struct err *err);
/* Drops what is not written. Accepts NULL. */
void output_close(struct output *o);
bool output_is_terminal(const struct output *o);

/* Takes a copy of the bytes; done(arg, why) once, maybe before it returns: why->code 0 when they
 * are safe, ERR_OUTPUT when not, with errno EPIPE told apart by output_reader_left. One at a time. */
void output_put(struct output *o, struct span bytes, void (*done)(void *arg, const struct err *why),
    void *arg);
bool output_reader_left(const struct output *o);

#endif
