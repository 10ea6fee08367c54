/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_LIMITER_H
#define LOOP_LIMITER_H

#include <stdbool.h>

#include "loop/loop.h"

/* Lets the connects of a fleet through: so many at a time (200 at once overflow a broker's queue of
 * 100 and lose a second, 64 do not: measured), so many a second. In order. Of one thread. */
struct limiter;

enum { LIMITER_IN_FLIGHT = 64 };

/* per_second 0: no such limit. */
struct limiter *limiter_new(struct loop *loop, int in_flight, int per_second);
/* Nobody may be inside or waiting. Accepts NULL. */
void limiter_free(struct limiter *g);

/* One who wants in, embedded in its owner, zero before use. */
struct limiter_pass {
	struct limiter *gate; /* NULL: neither waiting nor inside */
	struct limiter_pass *next;
	bool inside;
	void (*fn)(void *arg);
	void *arg;
};
/* Calls fn(arg) on the loop, later, when there is room; the room is taken until limiter_leave. */
void limiter_enter(struct limiter *g, struct limiter_pass *p, void (*fn)(void *arg), void *arg);
/* Gives the room back, or waits no longer. Harmless otherwise. */
void limiter_leave(struct limiter_pass *p);

#endif
