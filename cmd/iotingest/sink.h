/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_SINK_H
#define IOTINGEST_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"

/*
 * A command that stores batches: run by the shell for each, as split --filter does, the batch on its
 * standard input; the batch is safe when it exits with 0. Else the same batch again, with back-off.
 * It runs in a process group of its own, with our standard output and error, no other descriptor of
 * ours and no secret of our environment.
 */
struct sink;

enum { SINK_FOR_EVER = -1 };

/* Copies nothing: `command` stays the caller's. `retries` after a first failure, or SINK_FOR_EVER.
 * Each failure adds one to *failures. */
struct sink *sink_new(struct loop *loop, const char *command, int retries, uint64_t *failures);
/* The bytes stay where they are until done(arg, why), once, never before it returns: why->code 0
 * when they are safe, else ERR_OUTPUT. One at a time. */
void sink_put(struct sink *s, struct span bytes, void (*done)(void *arg, const struct err *why),
    void *arg);
/* From now on one try is the last; one that waits for its time begins at once. */
void sink_hurry(struct sink *s);
/* Asks the command that runs, if any, to end: SIGTERM for its group. */
void sink_interrupt(struct sink *s);
/* Kills what runs; `done` is not called. Accepts NULL. */
void sink_free(struct sink *s);

#endif
