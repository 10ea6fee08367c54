/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rest/rest.h"
#include "iotctl/output/cell.h"

void
objects_add(struct objects *o, struct span object)
{
	o->v = xreallocarray(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n] = (struct buf){0};
	buf_span(&o->v[o->n++], object);
}

/* A list that is added to others. */
struct fetch {
	struct objects *out;
	size_t before; /* what was there already */
};

static int
keep_object(void *arg, struct span object, struct err *err)
{
	struct fetch *f = arg;

	(void)err;
	objects_add(f->out, object);
	return 0;
}

static void
forget_objects(void *arg)
{
	struct fetch *f = arg;

	while (f->out->n > f->before)
		buf_release(&f->out->v[--f->out->n]);
}

int
objects_fetch(struct ctl *c, const char *resource, const char *filters,
    struct objects *out, struct err *err)
{
	struct fetch f = {out, out->n};
	char *path = rest_list_path(schema_find(resource), filters, NULL, 0);
	int failed = ctl_api(c, err) ||
		rest_list_again(c->api, path, keep_object, forget_objects, &f, err)
	    ? -1
	    : 0;

	free(path);
	return failed;
}

/* Takes out what a server that ignores the filter sent as well. */
static void
keep_device(struct objects *o, const char *device)
{
	size_t kept = 0, i;

	for (i = 0; i < o->n; i++) {
		struct buf owner = {0};

		if (cell_member(buf_as_span(&o->v[i]), "dispositivo", &owner) &&
		    strcmp(buf_str(&owner), device) == 0)
			o->v[kept++] = o->v[i];
		else
			buf_release(&o->v[i]);
		buf_release(&owner);
	}
	o->n = kept;
}

int
objects_of_device(struct ctl *c, const char *resource, json_int_t device,
    struct objects *out, struct err *err)
{
	char digits[24], filter[48];
	int failed;

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, device);
	snprintf(filter, sizeof(filter), "&dispositivo=%s", digits);
	failed = objects_fetch(c, resource, filter, out, err);
	keep_device(out, digits);
	return failed;
}

void
objects_release(struct objects *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		buf_release(&o->v[i]);
	free(o->v);
	*o = (struct objects){0};
}
