/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking things up in the schema table, and the errors of who did not find them. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/schema.h"

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

const struct schema_resource *
schema_find(const char *name)
{
	const struct schema_resource *r;

	for (r = schema; r->name != NULL; r++) {
		if (strcmp(r->name, name) == 0 || is_one_of(name, r->aliases))
			return r;
	}
	return NULL;
}

const struct schema_resource *
schema_need(const char *name, struct err *err)
{
	const char *names[16] = {NULL};
	const struct schema_resource *r = schema_find(name);
	struct buf all = {0};
	const char *near;
	size_t i;

	if (r != NULL)
		return r;
	for (i = 0; i + 1 < ARRAY_LEN(names) && schema[i].name != NULL; i++) {
		names[i] = schema[i].name;
		buf_printf(&all, "%s%s", i != 0 ? ", " : "", names[i]);
	}
	near = text_nearest(name, names);
	if (near != NULL)
		err_set(err, ERR_USAGE, _("unknown resource '%s'; did you mean '%s'?"),
		    name, near);
	else
		err_set(err, ERR_USAGE, _("unknown resource '%s'; there are %s"), name,
		    buf_str(&all));
	buf_release(&all);
	return NULL;
}

const struct schema_field *
schema_field(const struct schema_resource *r, const char *name)
{
	const struct schema_field *f;

	for (f = r->fields; f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	for (f = r->fields; f->name != NULL; f++) {
		if (f->alias != NULL && strcmp(f->alias, name) == 0)
			return f;
	}
	return NULL;
}

const struct schema_filter *
schema_filter(const struct schema_resource *r, const char *name)
{
	const struct schema_filter *f;

	for (f = r->filters; f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

const struct schema_field *
schema_need_field(const struct schema_resource *r, const char *name, struct err *err)
{
	const char *names[128] = {NULL};
	const struct schema_field *f = schema_field(r, name);
	struct buf all = {0};
	const char *near;
	size_t n = 0;

	if (f != NULL)
		return f;
	for (f = r->fields; f->name != NULL && n + 2 < ARRAY_LEN(names); f++) {
		if ((f->flags & SCHEMA_READ_ONLY) == 0)
			buf_printf(&all, "%s%s", all.n != 0 ? ", " : "", f->name);
		names[n++] = f->name;
		if (f->alias != NULL)
			names[n++] = f->alias;
	}
	near = text_nearest(name, names);
	if (near != NULL)
		err_set(err, ERR_USAGE, _("%s has no field '%s'; did you mean '%s'?"),
		    r->name, name, near);
	else
		err_set(err, ERR_USAGE, _("%s has no field '%s'; it has %s"), r->name,
		    name, buf_str(&all));
	buf_release(&all);
	return NULL;
}
