/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/heap.h"

#include <stdlib.h>

#include "base/mem.h"

static void
put(struct heap *h, size_t slot, struct loop_timer *t)
{
	h->v[slot] = t;
	t->slot = slot;
}

static void
up(struct heap *h, struct loop_timer *t, size_t slot)
{
	for (; slot > 1 && h->v[slot / 2]->at > t->at; slot /= 2)
		put(h, slot, h->v[slot / 2]);
	put(h, slot, t);
}

static void
down(struct heap *h, struct loop_timer *t, size_t slot)
{
	size_t child;

	while ((child = slot * 2) <= h->n) {
		if (child < h->n && h->v[child + 1]->at < h->v[child]->at)
			child++;
		if (h->v[child]->at >= t->at)
			break;
		put(h, slot, h->v[child]);
		slot = child;
	}
	put(h, slot, t);
}

void
heap_add(struct heap *h, struct loop_timer *t)
{
	if (h->n + 1 >= h->room) {
		h->room = h->room * 2 + 16;
		h->v = xreallocarray(h->v, h->room, sizeof(struct loop_timer *));
	}
	up(h, t, ++h->n);
}

void
heap_remove(struct heap *h, struct loop_timer *t)
{
	struct loop_timer *last = h->v[h->n--];
	size_t slot = t->slot;

	t->slot = 0;
	if (last == t)
		return;
	if (slot > 1 && h->v[slot / 2]->at > last->at)
		up(h, last, slot);
	else
		down(h, last, slot);
}

struct loop_timer *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->v[1] : NULL;
}

void
heap_release(struct heap *h)
{
	free(h->v);
	*h = (struct heap){0};
}
