/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who refers to an object. */
#include "iotctl/core/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Some are named, the others counted; without the server's own count, not beyond COUNT_MAX. */
enum { NAMES_MAX = 3, COUNT_MAX = 1000, FIRST_PAGE = 50 };

struct count {
	const struct schema_resource *r;
	const struct schema_field *f;
	char id[24];
	size_t n;
	size_t seen; /* of the page, those that do not refer to it as well */
	struct buf names;
};

static bool
refers(const struct count *k, struct span object)
{
	struct span value;
	struct json_iter it = {0};

	if (!json_member(object, k->f->name, &value))
		return false;
	if (json_kind(value) != JSON_KIND_ARRAY)
		return span_is(value, k->id);
	it.value = value;
	while (json_next(&it)) {
		if (span_is(it.item, k->id))
			return true;
	}
	return false;
}

static int
on_object(void *arg, struct span object, struct err *err)
{
	struct count *k = arg;

	(void)err;
	k->seen++;
	if (!refers(k, object))
		return 0;
	if (k->n++ < NAMES_MAX && k->r->keys[0] != NULL) {
		char *label = lookup_label_of(k->r, object);

		buf_printf(&k->names, "%s%s", k->names.n != 0 ? ", " : "", label);
		free(label);
	}
	return k->n > COUNT_MAX ? 1 : 0;
}

static void
forget(void *arg)
{
	struct count *k = arg;

	k->n = k->seen = 0;
	buf_clear(&k->names);
}

/* How many the server says there are, if its filter does what it should; -1: unknown. */
static int64_t
server_count(struct span page)
{
	struct span value;
	char digits[20];

	if (!json_member(page, "count", &value) || value.n >= sizeof(digits))
		return -1;
	snprintf(digits, sizeof(digits), "%.*s", (int)value.n, value.p);
	return strtoll(digits, NULL, 10);
}

/* The first page is enough where the server filters and counts. */
static int
count_page(struct ctl *c, const char *path, struct count *k, bool *done, struct err *err)
{
	struct rest_reply reply;
	struct json_iter it = {0};
	struct span page;
	int64_t total;
	int failed = rest_call(c->api, "GET", path, (struct span){0}, &reply, err);

	*done = false;
	if (!failed && json_check(buf_as_span(&reply.body), &page, NULL) &&
	    json_kind(page) == JSON_KIND_OBJECT &&
	    json_member(page, "results", &it.value) &&
	    (total = server_count(page)) >= 0) {
		while (json_next(&it))
			on_object(k, it.item, err);
		*done = k->n == k->seen;
		k->n = *done ? (size_t)total : 0;
	}
	rest_reply_release(&reply);
	return failed;
}

/* Whether the resource has another field that may refer to the same object. */
static bool
has_more(const struct schema_resource *r, const struct schema_field *than)
{
	const struct schema_field *f;

	for (f = r->fields; f->name != NULL; f++) {
		if (f != than && f->ref != NULL && strcmp(f->ref, than->ref) == 0)
			return true;
	}
	return false;
}

static void
put_count(struct count *k, struct buf *out)
{
	struct buf what = {0};

	if (k->n == 0)
		return;
	buf_puts(out, out->n != 0 ? ", " : "");
	if (k->n == 1 && k->names.n != 0)
		buf_printf(&what, "%s '%s'", k->r->name, buf_str(&k->names));
	else
		buf_printf(
		    &what, "%zu %s", k->n, k->n == 1 ? k->r->name : k->r->aliases[0]);
	if (k->n > 1 && k->names.n != 0)
		buf_printf(
		    &what, " (%s%s)", buf_str(&k->names), k->n > NAMES_MAX ? " ..." : "");
	if (has_more(k->r, k->f))
		buf_printf(out, _("%s as %s"), buf_str(&what), k->f->name);
	else
		buf_span(out, buf_as_span(&what));
	buf_release(&what);
}

static int
count_refs(struct ctl *c, const struct schema_resource *r, const struct schema_field *f,
    json_int_t id, struct buf *out, struct err *err)
{
	struct count k = {.r = r, .f = f};
	bool filtered = schema_filter(r, f->name) != NULL;
	bool done = false;
	struct err why = {0};
	char *path, *filter = NULL;
	int failed = 0;

	snprintf(k.id, sizeof(k.id), "%" JSON_INTEGER_FORMAT, id);
	if (filtered)
		filter = xasprintf("&%s=%s", f->name, k.id);
	path = rest_list_path(r, filtered ? filter : "", NULL, filtered ? FIRST_PAGE : 0);
	if (filtered)
		failed = count_page(c, path, &k, &done, &why);
	if (!failed && !done) {
		forget(&k);
		failed = rest_list_again(c->api, path, on_object, forget, &k, &why) < 0;
	}
	if (failed && why.code != ERR_NOT_FOUND && why.code != ERR_AUTH)
		*err = why;
	else if (!failed)
		put_count(&k, out);
	free(path);
	free(filter);
	buf_release(&k.names);
	return err->code != ERR_OK ? -1 : 0;
}

int
referrers_list(struct ctl *c, const struct schema_resource *r, json_int_t id,
    struct buf *out, struct err *err)
{
	const struct schema_resource *other;
	const struct schema_field *f;

	for (other = schema; other->name != NULL; other++) {
		for (f = other->fields; f->name != NULL; f++) {
			if (f->ref != NULL && strcmp(f->ref, r->name) == 0 &&
			    count_refs(c, other, f, id, out, err))
				return -1;
		}
	}
	return 0;
}
