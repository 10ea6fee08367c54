/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_TIMER_HEAP_H
#define LOOP_TIMER_HEAP_H

#include "loop/loop.h"

/* The loop's timers: for loop.c only. The zero value is empty. A heap in which each entry has four children,
 * with the times in the entries: comparing those of thousands of timers touches no other memory. Beside it
 * a queue of those that are due at once: in the heap such a one would go all the way up, and send another all
 * the way down when it leaves. */
struct timer_heap {
	struct timer_heap_entry {
		int64_t at;
		struct loop_timer *t;
	} * v; /* from 1; v[1] is the earliest */
	size_t n, room;
	struct loop_timer **now; /* the queue: a ring of now_room, a power of two; NULL: taken out */
	size_t now_first, now_end, now_room;
};

/* Adds a timer that is in no heap; remembers its place in t->slot. `at_once`: its time has come; it is not
 * before that of any other that was added so. */
void timer_heap_add(struct timer_heap *h, struct loop_timer *t, bool at_once);
/* Takes out a timer; t->slot becomes 0. */
void timer_heap_remove(struct timer_heap *h, struct loop_timer *t);
/* The one that is due first, which stays; NULL when empty. */
struct loop_timer *timer_heap_first(struct timer_heap *h);
/* At least as many as there are: what was taken out of the queue may be counted. */
size_t timer_heap_count(const struct timer_heap *h);
void timer_heap_release(struct timer_heap *h);

#endif
