/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_LIST_ORDER_H
#define IOTAPI_API_LIST_ORDER_H

#include <jansson.h>

#include "base/buf.h"
#include "model/field_errs.h"
#include "model/schema.h"
#include "iotapi/db/db.h"

enum { LIST_ORDER_TERMS = 8 };

/* What a list is sorted by, the id last, so that no two rows are equal in it; and the place of a row in it, its
 * key: the row's values of what it is sorted by, [VALUE,...,ID] as JSON. Borrows `r`; holds nothing. */
struct list_order {
	const struct schema_resource *r;
	struct list_order_term {
		const struct schema_field *f;
		bool down;
	} terms[LIST_ORDER_TERMS];
	size_t n;
	bool has_keys; /* no term may be null, which is before or behind nothing */
};

/* Reads "FIELD,-FIELD", or the resource's own order, which may use other fields, where `text` is NULL. Fields that the
 * resource is not ordered by go to `errs`; one that comes again changes nothing and is left out. */
void list_order_read(struct list_order *o, const struct schema_resource *r, const char *text,
    struct field_errs *errs);
/* Appends " ORDER BY ...", of the table t. */
void list_order_put(const struct list_order *o, struct buf *sql);

/* Appends to `out` the key of the row with this id. Not 0: the database failed, or it has no such row. */
int list_order_key(const struct list_order *o, struct db *db, int64_t id, struct buf *out,
    struct err *err);
/* A key that came with a request, as what rows behind its place fulfil: appended to `where`, its values to `binds` in
 * the order of the marks. False: it is no key of this order. */
bool list_order_after(
    const struct list_order *o, const char *key, struct buf *where, json_t *binds);

#endif
