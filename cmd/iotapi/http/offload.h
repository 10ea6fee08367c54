/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_OFFLOAD_H
#define IOTAPI_HTTP_OFFLOAD_H

#include <stdbool.h>

/* Work that takes long, away from the threads that serve: a few threads of their own, which the others go before
 * (nice 10), and queues with an end. The lanes take turns: who waits in one does not wait for all that came before in
 * another. */
struct offload;

/* `waiting` is how many may wait in each lane. NULL: no threads. */
struct offload *offload_new(int threads, int lanes, int waiting);
/* Has run(arg) called on one of its threads, in the order of coming within the lane, 0 or up. False: too many wait there
 * already, or it was stopped. From any thread; does not block. */
bool offload_put(struct offload *o, int lane, void (*run)(void *arg), void *arg);
/* Runs what waits, then ends the threads: blocks. */
void offload_stop(struct offload *o);
/* Behind the last offload_put; stops it first. Accepts NULL. */
void offload_free(struct offload *o);

#endif
