/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ROOM_FIRST = 64 };

static void
put(struct hash_table *t, struct hash_slot slot)
{
	size_t i = slot.hash & (t->room - 1);

	while (t->v[i].number != 0)
		i = (i + 1) & (t->room - 1);
	t->v[i] = slot;
}

static void
grow(struct hash_table *t)
{
	struct hash_table old = *t;
	size_t i;

	t->room = old.room != 0 ? old.room * 2 : ROOM_FIRST;
	t->v = xcalloc(t->room, sizeof(*t->v));
	for (i = 0; i < old.room; i++) {
		if (old.v[i].number != 0)
			put(t, old.v[i]);
	}
	free(old.v);
}

void
hash_table_add(struct hash_table *t, uint64_t hash, size_t number)
{
	if (t->n * 2 >= t->room)
		grow(t);
	put(t, (struct hash_slot){(uint32_t)(hash ^ hash >> 32), (uint32_t)number + 1});
	t->n++;
}

void
hash_table_release(struct hash_table *t)
{
	free(t->v);
	*t = (struct hash_table){0};
}
