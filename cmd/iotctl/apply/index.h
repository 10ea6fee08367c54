/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef STOCK_H
#define STOCK_H

#include "iotctl/core/lookup.h"

/* All that the API holds of a resource, read once; names are found without another request. */
struct stock {
	const struct schema_resource *r;
	struct objects objects;
	bool *touched; /* one an object: for whoever uses it */
	bool missing;  /* the API has no such resource, or does not show it */
	struct slot {
		uint64_t hash; /* 0: free */
		size_t object;
	} *slots;
	size_t room, used;
};

/* One a resource, read when first asked for. */
struct stocks {
	struct ctl *c;
	struct stock *v;
};

void stocks_init(struct stocks *s, struct ctl *c);
void stocks_release(struct stocks *s);
/* NULL with `err` when it cannot be read; a resource that is not there is an empty stock. */
struct stock *stock_of(struct stocks *s, const struct schema_resource *r, struct err *err);

/* Takes in one more, as the server answered it. */
size_t stock_add(struct stock *s, struct span object);
/* The server's newer answer for one. */
void stock_replace(struct stock *s, size_t at, struct span object);

enum { STOCK_NONE = -1 };

/* The one object that a name means, as lookup() finds it: STOCK_NONE with `err`. */
ssize_t stock_find(const struct stock *s, const char *name, struct err *err);
/* The object that a body is about: that of its natural key where that is unique, else the one whose
 * keys are all the same, or all fields where there are no keys. STOCK_NONE: none, or, with `err`
 * set, several. `zone` as in same_value. */
ssize_t stock_match(
    const struct stock *s, json_t *body, const char *zone, struct err *err);
/* The name of an object by its id that means no other, or NULL (free). */
char *stock_name(const struct stock *s, json_int_t id);

#endif
