/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_LIMITER_H
#define LOOP_LIMITER_H

#include <stdbool.h>

#include "loop/loop.h"

/* Limits how many of a fleet connect at a time (200 at once overflow a broker's queue of 100 and lose a
 * second, 64 do not: measured) and how many a second; in the order of limiter_enter. Of the loop's thread. */
struct limiter;

enum { LIMITER_IN_FLIGHT = 64 };

/* At most `in_flight` at a time, and `per_second` a second; 0: as many as come. */
struct limiter *limiter_new(struct loop *loop, int in_flight, int per_second);
/* Everyone must have left. Accepts NULL. */
void limiter_free(struct limiter *l);

/* One who wants to connect, embedded in its owner, zero before use. */
struct limiter_pass {
	struct limiter *limiter; /* NULL: neither waiting nor inside */
	struct limiter_pass *next;
	bool inside;
	void (*fn)(void *arg);
	void *arg;
};
/* Calls fn(arg) on the loop, never before it returns, when there is room; the room is taken until
 * limiter_leave. Not while `p` waits or is inside. */
void limiter_enter(struct limiter *l, struct limiter_pass *p, void (*fn)(void *arg), void *arg);
/* Gives the room back, or waits no longer. Harmless otherwise. */
void limiter_leave(struct limiter_pass *p);

#endif
