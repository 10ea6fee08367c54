/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FNV-1a of 64 bits (draft-eastlake-fnv), and a table from hashes to numbers. The hash has no key: who can choose
 * the texts can make a table slow, not wrong. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define HASH_START UINT64_C(14695981039346656037)

static inline uint64_t
hash_add(uint64_t hash, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return hash;
}

static inline uint64_t
hash_of(struct span s)
{
	return hash_add(HASH_START, s);
}

/* With its NUL, so that "a" and "bc" are not "ab" and "c". */
static inline uint64_t
hash_add_text(uint64_t hash, const char *s)
{
	return hash_add(hash, (struct span){s, strlen(s) + 1});
}

/* Open addressing. The numbers are mostly indexes of an array of the user's, who compares the keys there and so
 * needs not keep them twice; several may have the same hash. The zero value is empty and ready. */
struct hash_table {
	struct hash_slot {
		uint32_t hash; /* folded */
		uint32_t number; /* plus 1; 0: free */
	} *v;
	size_t room, n;
};

/* `number` is less than UINT32_MAX. */
void hash_table_add(struct hash_table *t, uint64_t hash, size_t number);
void hash_table_release(struct hash_table *t);

struct hash_search {
	const struct hash_table *table;
	uint32_t hash;
	size_t at;
};

static inline struct hash_search
hash_find(const struct hash_table *t, uint64_t hash)
{
	const uint32_t folded = (uint32_t)(hash ^ hash >> 32);

	return (struct hash_search){t, folded, t->room != 0 ? folded & (t->room - 1) : 0};
}

/* The next number that has about this hash (32 bits of it); false: none is left. Nothing
 * is added meanwhile. */
static inline bool
hash_next(struct hash_search *s, size_t *number)
{
	const struct hash_table *t = s->table;

	while (t->room != 0 && t->v[s->at].number != 0) {
		const struct hash_slot *slot = &t->v[s->at];

		s->at = (s->at + 1) & (t->room - 1);
		if (slot->hash == s->hash) {
			*number = slot->number - 1;
			return true;
		}
	}
	return false;
}

#endif
