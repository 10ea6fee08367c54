/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_OFFLOAD_H
#define IOTAPI_HTTP_OFFLOAD_H

#include <stdbool.h>

/* Work that takes long, away from the threads that serve: a few threads of their own, which the others go before
 * (nice 10), and a queue with an end. */
struct offload;

/* `waiting` is how many may wait. NULL: no threads. */
struct offload *offload_new(int threads, int waiting);
/* Has run(arg) called on one of its threads, in the order of coming. False: too many wait already, or it was stopped.
 * From any thread; does not block. */
bool offload_put(struct offload *o, void (*run)(void *arg), void *arg);
/* Runs what waits, then ends the threads: blocks. */
void offload_stop(struct offload *o);
/* Behind the last offload_put; stops it first. Accepts NULL. */
void offload_free(struct offload *o);

#endif
