/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_HEAP_H
#define NET_HEAP_H

#include "net/loop.h"

/* The loop's timers, a binary heap: for loop.c only. The zero value is empty. */
struct heap {
	struct loop_timer **v; /* from 1; v[1] is the earliest */
	size_t n, room;
};

/* Adds a timer that is in no heap; remembers its place in t->slot. */
void heap_add(struct heap *h, struct loop_timer *t);
/* Takes out a timer; t->slot becomes 0. */
void heap_remove(struct heap *h, struct loop_timer *t);
/* NULL when empty. */
struct loop_timer *heap_first(const struct heap *h);
void heap_release(struct heap *h);

#endif
