/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_GATE_H
#define NET_GATE_H

#include <stdbool.h>

#include "loop/loop.h"

/* Lets the connects of a fleet through: so many at a time (200 at once overflow a broker's queue of
 * 100 and lose a second, 64 do not: measured), so many a second. In order. Of one thread. */
struct gate;

enum { GATE_IN_FLIGHT = 64 };

/* per_second 0: no such limit. */
struct gate *gate_new(struct loop *loop, int in_flight, int per_second);
/* Nobody may be inside or waiting. Accepts NULL. */
void gate_free(struct gate *g);

/* One who wants in, embedded in its owner, zero before use. */
struct gate_pass {
	struct gate *gate; /* NULL: neither waiting nor inside */
	struct gate_pass *next;
	bool inside;
	void (*fn)(void *arg);
	void *arg;
};
/* Calls fn(arg) on the loop, later, when there is room; the room is taken until gate_leave. */
void gate_enter(struct gate *g, struct gate_pass *p, void (*fn)(void *arg), void *arg);
/* Gives the room back, or waits no longer. Harmless otherwise. */
void gate_leave(struct gate_pass *p);

#endif
