/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/timer_heap.h"

#include <stdlib.h>

#include "base/mem.h"

/* In a slot: it is the queue's. */
#define NOW (SIZE_MAX / 2 + 1)

enum { CHILDREN = 4 };

static void
put(struct timer_heap *h, size_t slot, struct timer_heap_entry e)
{
	h->v[slot] = e;
	e.t->slot = slot;
}

static size_t
parent(size_t slot)
{
	return (slot + CHILDREN - 2) / CHILDREN;
}

static void
up(struct timer_heap *h, struct timer_heap_entry e, size_t slot)
{
	for (; slot > 1 && h->v[parent(slot)].at > e.at; slot = parent(slot))
		put(h, slot, h->v[parent(slot)]);
	put(h, slot, e);
}

/* Without a branch, which nobody could foresee. */
static size_t
earliest_of_four(const struct timer_heap_entry *v, size_t first)
{
	const size_t a = first + (v[first + 1].at < v[first].at);
	const size_t b = first + 2 + (v[first + 3].at < v[first + 2].at);

	return v[b].at < v[a].at ? b : a;
}

/* The earliest of those behind a slot; 0: there is none. */
static size_t
first_child(const struct timer_heap *h, size_t slot)
{
	size_t first = (slot - 1) * CHILDREN + 2, i;

	if (first + CHILDREN <= h->n + 1)
		return earliest_of_four(h->v, first);
	if (first > h->n)
		return 0;
	for (i = first + 1; i <= h->n; i++) {
		if (h->v[i].at < h->v[first].at)
			first = i;
	}
	return first;
}

static void
down(struct timer_heap *h, struct timer_heap_entry e, size_t slot)
{
	size_t child;

	while ((child = first_child(h, slot)) != 0 && h->v[child].at < e.at) {
		put(h, slot, h->v[child]);
		slot = child;
	}
	put(h, slot, e);
}

static void
add_later(struct timer_heap *h, struct loop_timer *t)
{
	if (h->n + 1 >= h->room) {
		h->room = h->room * 2 + 16;
		h->v = xreallocarray(h->v, h->room, sizeof(*h->v));
	}
	up(h, (struct timer_heap_entry){t->at, t}, ++h->n);
}

static void
put_now(struct timer_heap *h, struct loop_timer *t)
{
	const size_t at = h->now_end++ & (h->now_room - 1);

	h->now[at] = t;
	t->slot = NOW | at;
}

static struct loop_timer *
now_at(const struct timer_heap *h, size_t i)
{
	return h->now[i & (h->now_room - 1)];
}

/* Those that were taken out leave room as well: one that is set over and over lets nothing grow. */
static void
make_room_now(struct timer_heap *h)
{
	struct timer_heap old = *h;
	size_t i, n = 0;

	for (i = old.now_first; i != old.now_end; i++)
		n += now_at(&old, i) != NULL;
	if (n >= old.now_room / 2)
		h->now_room = old.now_room == 0 ? 16 : old.now_room * 2;
	h->now = xcalloc(h->now_room, sizeof(struct loop_timer *));
	h->now_first = h->now_end = 0;
	for (i = old.now_first; i != old.now_end; i++) {
		if (now_at(&old, i) != NULL)
			put_now(h, now_at(&old, i));
	}
	free(old.now);
}

void
timer_heap_add(struct timer_heap *h, struct loop_timer *t, bool at_once)
{
	if (!at_once) {
		add_later(h, t);
		return;
	}
	if (h->now_end - h->now_first == h->now_room)
		make_room_now(h);
	put_now(h, t);
}

void
timer_heap_remove(struct timer_heap *h, struct loop_timer *t)
{
	struct timer_heap_entry last;
	size_t slot = t->slot;

	t->slot = 0;
	if ((slot & NOW) != 0) {
		h->now[slot & ~NOW] = NULL;
		return;
	}
	last = h->v[h->n--];
	if (last.t == t)
		return;
	if (slot > 1 && h->v[parent(slot)].at > last.at)
		up(h, last, slot);
	else
		down(h, last, slot);
}

struct loop_timer *
timer_heap_first(struct timer_heap *h)
{
	struct loop_timer *now = NULL;

	while (h->now_first != h->now_end && (now = now_at(h, h->now_first)) == NULL)
		h->now_first++;
	if (h->n == 0 || (now != NULL && now->at <= h->v[1].at))
		return now;
	return h->v[1].t;
}

size_t
timer_heap_count(const struct timer_heap *h)
{
	return h->n + (h->now_end - h->now_first);
}

void
timer_heap_release(struct timer_heap *h)
{
	free(h->v);
	free(h->now);
	*h = (struct timer_heap){0};
}
