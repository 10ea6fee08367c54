/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/apply/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/cell.h"

/* Where a resource has no keys its first required field narrows the search. */
static const char *
key_at(const struct schema_resource *r, size_t i)
{
	const struct schema_field *f;

	if (r->keys[0] != NULL)
		return r->keys[i];
	for (f = r->fields; i == 0 && f->name != NULL; f++) {
		if ((f->flags & SCHEMA_REQUIRED) != 0)
			return f->name;
	}
	return NULL;
}

static uint64_t
hash_of_value(const char *field, const char *text)
{
	return hash_add_text(hash_add_text(HASH_START, field), text);
}

static void
enter(struct index *s, const char *field, size_t object)
{
	struct buf text = {0};

	if (cell_member(buf_as_span(&s->objects.v[object]), field, &text))
		hash_table_add(&s->values, hash_of_value(field, buf_str(&text)), object);
	buf_release(&text);
}

size_t
index_add(struct index *s, struct span object)
{
	size_t at = s->objects.n, i;
	const char *key;

	objects_add(&s->objects, object);
	s->claimed = xreallocarray(s->claimed, at + 1, sizeof(*s->claimed));
	s->claimed[at] = false;
	enter(s, "id", at);
	for (i = 0; (key = key_at(s->r, i)) != NULL; i++)
		enter(s, key, at);
	return at;
}

void
index_replace(struct index *s, size_t at, struct span object)
{
	buf_clear(&s->objects.v[at]);
	buf_span(&s->objects.v[at], object);
}

/* Calls fn(arg, object) for each whose field has this text, until it returns false. */
static void
each_with(const struct index *s, const char *field, const char *text,
    bool (*fn)(void *arg, size_t object), void *arg)
{
	struct hash_search search = hash_find(&s->values, hash_of_value(field, text));
	struct buf has = {0};
	size_t object;

	while (hash_next(&search, &object)) {
		buf_clear(&has);
		if (cell_member(buf_as_span(&s->objects.v[object]), field, &has) &&
		    strcmp(buf_str(&has), text) == 0 && !fn(arg, object))
			break;
	}
	buf_release(&has);
}

struct hits {
	const struct index *s;
	ssize_t first;
	size_t n;
	struct buf listing;
	/* index_match: what must be the same */
	json_t *body;
	bool whole; /* all fields, not only the keys */
	const char *zone;
	const char
	    *unknown; /* the field of one that is SAME_UNKNOWN, the rest the same */
};

static bool
hit(void *arg, size_t object)
{
	struct hits *h = arg;
	struct span bytes = buf_as_span(&h->s->objects.v[object]);
	char *label;

	if (h->n++ == 0)
		h->first = (ssize_t)object;
	if (h->n > 8)
		return false;
	label = lookup_label_of(h->s->r, bytes);
	buf_printf(&h->listing, "%s%" JSON_INTEGER_FORMAT " (%s)",
	    h->listing.n != 0 ? ", " : "", lookup_id_of(bytes), label);
	free(label);
	return true;
}

static ssize_t
one_hit(struct hits *h, const char *name, struct err *err)
{
	ssize_t first = h->n == 1 ? h->first : INDEX_NONE;

	if (h->n > 1)
		err_set(err, ERR_USAGE, _("%s '%s' is ambiguous: %s; use the id"),
		    h->s->r->name, name, buf_str(&h->listing));
	buf_release(&h->listing);
	return first;
}

ssize_t
index_find(const struct index *s, const char *name, struct err *err)
{
	struct hits h = {.s = s};
	size_t i;

	if (name[0] != '\0' && strspn(name, "0123456789") == strlen(name))
		each_with(s, "id", name, hit, &h);
	for (i = 0; h.n == 0 && s->r->keys[i] != NULL; i++)
		each_with(s, s->r->keys[i], name, hit, &h);
	if (h.n == 0)
		err_set(err, ERR_NOT_FOUND, _("no %s '%s'"), s->r->name, name);
	return one_hit(&h, name, err);
}

static bool
is_key(const struct schema_resource *r, const char *name)
{
	size_t i;

	for (i = 0; r->keys[i] != NULL; i++) {
		if (strcmp(r->keys[i], name) == 0)
			return true;
	}
	return false;
}

static bool
match(void *arg, size_t object)
{
	struct hits *h = arg;
	struct buf *bytes = &h->s->objects.v[object];
	json_t *now = equal_load(buf_as_span(bytes));
	const char *key, *unknown = NULL;
	bool same = true;
	json_t *value;

	json_object_foreach (h->body, key, value) {
		const struct schema_field *f = schema_field(h->s->r, key);
		enum sameness is;

		if ((!h->whole && !is_key(h->s->r, key)) || f == NULL ||
		    (f->flags & SCHEMA_WRITE_ONLY) != 0)
			continue;
		is = equal_value(f, json_object_get(now, key), value, h->zone);
		same = same && is != SAME_NO;
		unknown = is == SAME_UNKNOWN ? key : unknown;
	}
	json_decref(now);
	if (same && unknown != NULL) {
		h->unknown = unknown;
		return true;
	}
	if (!same || !h->whole)
		return same ? hit(h, object) : true;
	/* Of several that are equal in all fields one is as good as another, but
	 * each stands for one document: prefers one that is not claimed. */
	if (h->n == 0 || (h->s->claimed[h->first] && !h->s->claimed[object]))
		h->first = (ssize_t)object;
	h->n = 1;
	return true;
}

/* A scalar as cell_put has it (free); NULL: it is none. */
static char *
text_of_key(json_t *value)
{
	char *text = NULL;

	if (json_is_string(value))
		text = xstrdup(json_string_value(value));
	else if (json_is_integer(value))
		text = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return text;
}

ssize_t
index_match(const struct index *s, json_t *body, const char *zone, struct err *err)
{
	struct hits h = {.s = s, .body = body, .zone = zone};
	const char *key = NULL;
	char *text = NULL;
	ssize_t found;
	size_t i;

	h.whole = s->r->keys[0] == NULL;
	for (i = 0; text == NULL && (key = key_at(s->r, i)) != NULL; i++)
		text = text_of_key(json_object_get(body, key));
	if (text == NULL)
		return INDEX_NONE;
	if ((schema_field(s->r, key)->flags & SCHEMA_UNIQUE) != 0)
		each_with(s, key, text, hit, &h);
	else
		each_with(s, key, text, match, &h);
	found = one_hit(&h, text, err);
	free(text);
	/* Created without knowing, it would be created again at every run. */
	if (h.n == 0 && h.unknown != NULL)
		err_set(err, ERR_FAILED,
		    _("it may be there already: the API's %s has no zone (set api_tz)"),
		    h.unknown);
	return found;
}

char *
index_name(const struct index *s, json_int_t id)
{
	char number[24];
	struct hits h = {.s = s};
	struct buf name = {0};
	struct err why = {0};
	size_t i;

	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, id);
	each_with(s, "id", number, hit, &h);
	buf_release(&h.listing);
	for (i = 0; h.n == 1 && s->r->keys[i] != NULL; i++) {
		buf_clear(&name);
		if (cell_member(
			buf_as_span(&s->objects.v[h.first]), s->r->keys[i], &name) &&
		    index_find(s, buf_str(&name), &why) == h.first)
			return buf_steal(&name);
	}
	buf_release(&name);
	return NULL;
}

static int
on_object(void *arg, struct span object, struct err *err)
{
	(void)err;
	index_add(arg, object);
	return 0;
}

static void
release_index(struct index *s)
{
	objects_release(&s->objects);
	free(s->claimed);
	hash_table_release(&s->values);
}

static void
forget(void *arg)
{
	struct index *s = arg;
	const struct schema_resource *r = s->r;

	release_index(s);
	*s = (struct index){.r = r};
}

/* As they were made, so that those made since come last. */
static char *
path_of(const struct schema_resource *r)
{
	const char *order = r->ordering[0];
	size_t i;

	for (i = 0; r->ordering[i] != NULL; i++) {
		if (strncmp(r->ordering[i], "created", strlen("created")) == 0)
			order = r->ordering[i];
	}
	return rest_list_path(r, "", order, 0);
}

struct index *
index_of(struct index_set *s, const struct schema_resource *r, struct err *err)
{
	struct index *index = &s->v[r - schema];
	struct err why = {0};
	char *path;
	int failed;

	if (index->r != NULL)
		return index;
	if (ctl_api(s->c, err))
		return NULL;
	index->r = r;
	path = path_of(r);
	failed = rest_list_again(s->c->api, path, on_object, forget, index, &why);
	free(path);
	if (!failed)
		return index;
	index->missing = why.code == ERR_NOT_FOUND;
	if (index->missing)
		return index;
	index->r = NULL;
	*err = why;
	return NULL;
}

void
index_set_init(struct index_set *s, struct ctl *c)
{
	size_t n = 0;

	while (schema[n].name != NULL)
		n++;
	*s = (struct index_set){.c = c, .v = xcalloc(n + 1, sizeof(*s->v)), .n = n};
}

void
index_set_release(struct index_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		release_index(&s->v[i]);
	free(s->v);
	*s = (struct index_set){0};
}
