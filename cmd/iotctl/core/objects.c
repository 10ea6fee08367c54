/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/objects.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rest/rest.h"

void
objects_add(struct objects *o, struct span object)
{
	o->v = xreallocarray(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n] = (struct buf){0};
	buf_span(&o->v[o->n++], object);
}

static int
keep_object(void *arg, struct span object, struct err *err)
{
	(void)err;
	objects_add(arg, object);
	return 0;
}

int
objects_fetch(struct ctl *c, const char *resource, const char *filters,
    struct objects *out, struct err *err)
{
	char *path = rest_list_path(schema_find(resource), filters, NULL, 0);
	int failed =
	    ctl_api(c, err) || rest_list(c->api, path, keep_object, out, err) ? -1 : 0;

	free(path);
	return failed;
}

int
objects_of_device(struct ctl *c, const char *resource, json_int_t device,
    struct objects *out, struct err *err)
{
	char filter[48];

	snprintf(filter, sizeof(filter), "&dispositivo=%" JSON_INTEGER_FORMAT, device);
	return objects_fetch(c, resource, filter, out, err);
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
