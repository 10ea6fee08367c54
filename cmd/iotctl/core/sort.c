/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --sort by fields that the server cannot sort by. */
#include "iotctl/core/sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/cell.h"

struct row {
	struct buf object;
	struct buf key;
	double number;
	bool is_number;
	size_t at;
	bool downwards;
};

const struct schema_field *
sort_field(const struct schema_resource *r, const char *order, struct err *err)
{
	const struct schema_field *f =
	    schema_need_field(r, order + (order[0] == '-'), err);

	if (f == NULL)
		err_in(err, "--sort");
	else if ((f->flags & SCHEMA_WRITE_ONLY) != 0)
		err_set(err, ERR_USAGE, _("--sort: '%s' of %s is never shown"), f->name,
		    r->name);
	else
		return f;
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order;

	if (x->is_number && y->is_number)
		order = (x->number > y->number) - (x->number < y->number);
	else
		order = strcmp(x->key.p, y->key.p);
	if (order != 0)
		return x->downwards ? -order : order;
	return (x->at > y->at) - (x->at < y->at);
}

void
sort_objects(struct objects *o, const struct schema_field *f, bool downwards)
{
	struct row *rows = xcalloc(o->n + 1, sizeof(*rows));
	size_t i;

	for (i = 0; i < o->n; i++) {
		struct row *r = &rows[i];

		*r = (struct row){.object = o->v[i], .at = i, .downwards = downwards};
		cell_member(buf_as_span(&o->v[i]), f->name, &r->key);
		r->is_number = text_double(buf_str(&r->key), &r->number);
	}
	qsort(rows, o->n, sizeof(*rows), compare);
	for (i = 0; i < o->n; i++) {
		o->v[i] = rows[i].object;
		buf_release(&rows[i].key);
	}
	free(rows);
}
