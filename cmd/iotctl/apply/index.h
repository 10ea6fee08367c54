/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_INDEX_H
#define IOTCTL_APPLY_INDEX_H

#include "base/hash.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"

/* All that the API holds of a resource, read once; names are found without another request. */
struct index {
	const struct schema_resource *r;
	struct objects objects;
	bool *claimed; /* one an object: an item of the files stands for it */
	bool missing;  /* the API has no such resource, or does not show it */
	struct hash_table values; /* of ids and keys: the places of objects that have them */
};

/* One a resource, in the order of the schema; each is read when first asked for. */
struct index_set {
	struct ctl *c;
	struct index *v;
	size_t n;
};

/* Reads nothing yet. `c` is borrowed. */
void index_set_init(struct index_set *s, struct ctl *c);
void index_set_release(struct index_set *s);
/* Blocks the first time. NULL with `err` when it cannot be read; a resource that is not there is an empty
 * one. */
struct index *index_of(struct index_set *s, const struct schema_resource *r, struct err *err);

/* Adds a copy of one more, as the server answered it; its place, which it keeps. */
size_t index_add(struct index *s, struct span object);
/* The server's newer answer for one. */
void index_replace(struct index *s, size_t at, struct span object);

enum { INDEX_NONE = -1 };

/* The one object that a name means, as lookup() finds it: INDEX_NONE with `err`. */
ssize_t index_find(const struct index *s, const char *name, struct err *err);
/* The object that a body is about: that of its natural key where that is unique, else the one whose
 * keys are all the same, or all fields where there are no keys. INDEX_NONE: none, or, with `err`
 * set, several. `zone` as in equal_value. */
ssize_t index_match(
    const struct index *s, json_t *body, const char *zone, struct err *err);
/* The name of an object by its id that means no other, or NULL (free). */
char *index_name(const struct index *s, json_int_t id);

#endif
