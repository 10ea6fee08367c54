/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a name, as a person gives it, to the object. */
#include "iotctl/core/lookup.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/cell.h"

enum { CANDIDATES_MAX = 8 };

/* What one pass over the objects found: those of the best key so far. */
struct search {
	const struct schema_resource *r;
	const char *name;
	json_int_t ref; /* the first key is a reference: to this id; 0: it is not */
	size_t rank;    /* index of the key that matched; less is better */
	size_t count;
	struct lookup_found best;
	struct buf listing; /* candidates, for the error */
};

void
lookup_release(struct lookup_found *f)
{
	free(f->label);
	buf_release(&f->bytes);
	*f = (struct lookup_found){0};
}

json_int_t
lookup_id_of(struct span object)
{
	struct span value;
	char digits[24];

	if (!json_member(object, "id", &value) || value.n == 0 ||
	    value.n >= sizeof(digits))
		return 0;
	memcpy(digits, value.p, value.n);
	digits[value.n] = '\0';
	return strtoll(digits, NULL, 10);
}

/* The first key that has a value: some are optional. */
static bool
put_key(const struct schema_resource *r, struct span object, struct buf *out)
{
	size_t i;

	for (i = 0; r->keys[i] != NULL && out->n == 0; i++) {
		char *named = xasprintf("%s_nombre", r->keys[i]);

		if (!cell_member(object, named, out))
			cell_member(object, r->keys[i], out);
		free(named);
	}
	return out->n != 0;
}

char *
lookup_label_of(const struct schema_resource *r, struct span object)
{
	struct buf out = {0};

	if (!put_key(r, object, &out))
		buf_printf(&out, "%" JSON_INTEGER_FORMAT, lookup_id_of(object));
	return buf_steal(&out);
}

static bool
is_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n != 0 && n < 18 && s[n] == '\0' && (s[0] != '0' || n == 1);
}

/* "id:5" is 5 and no name; NULL: it is not of this kind. */
static const char *
id_word(const char *name)
{
	static const char mark[] = "id:";
	size_t n = sizeof(mark) - 1;

	return strncmp(name, mark, n) == 0 && is_number(name + n) ? name + n : NULL;
}

static bool
key_matches(const struct search *s, const char *key, struct span object)
{
	struct buf text = {0};
	bool same;

	if (s->ref != 0 && key == s->r->keys[0]) {
		char id[24];

		snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, s->ref);
		same = cell_member(object, key, &text) && strcmp(buf_str(&text), id) == 0;
	} else {
		same = cell_member(object, key, &text) &&
		    strcmp(buf_str(&text), s->name) == 0;
	}
	buf_release(&text);
	return same;
}

static void
keep(struct search *s, size_t rank, struct span object)
{
	json_int_t id = lookup_id_of(object);

	if (rank > s->rank || (s->count != 0 && id == s->best.id))
		return;
	if (rank < s->rank) {
		s->count = 0;
		buf_clear(&s->listing);
	}
	s->rank = rank;
	if (s->count++ == 0) {
		lookup_release(&s->best);
		s->best.id = id;
		s->best.label = lookup_label_of(s->r, object);
		buf_span(&s->best.bytes, object);
	}
	if (s->count <= CANDIDATES_MAX) {
		char *label = lookup_label_of(s->r, object);

		buf_printf(&s->listing, "%s%" JSON_INTEGER_FORMAT " (%s)",
		    s->listing.n != 0 ? ", " : "", id, label);
		free(label);
	}
}

static int
on_object(void *arg, struct span object, struct err *err)
{
	struct search *s = arg;
	size_t i;

	(void)err;
	for (i = 0; s->r->keys[i] != NULL; i++) {
		if (key_matches(s, s->r->keys[i], object)) {
			keep(s, i, object);
			break;
		}
	}
	return 0;
}

static void
forget(void *arg)
{
	struct search *s = arg;

	s->rank = SIZE_MAX;
	s->count = 0;
	lookup_release(&s->best);
	buf_clear(&s->listing);
}

static bool
is_searched(const struct schema_resource *r, const char *key)
{
	size_t i;

	for (i = 0; r->search[i] != NULL; i++) {
		if (strcmp(r->search[i], key) == 0)
			return true;
	}
	return false;
}

static int
search_list(struct ctl *c, struct search *s, const char *query, struct span value,
    struct err *err)
{
	struct buf filter = {0};
	char *path;
	int failed;

	buf_puts(&filter, query);
	rest_url_escape(&filter, value);
	path = rest_list_path(s->r, buf_str(&filter), NULL, 0);
	failed = rest_list_again(c->api, path, on_object, forget, s, err);
	if (failed)
		ctl_no_resource(c, s->r, err);
	free(path);
	buf_release(&filter);
	return failed;
}

/* A reference is asked for by its filter, a name by the server's search; that does not cover every
 * key, so that at last all objects are looked at. */
static int
search_keys(struct ctl *c, struct search *s, struct err *err)
{
	bool all = true;
	size_t i;

	if (s->ref != 0) {
		char query[96], id[24];

		snprintf(query, sizeof(query), "&%s=", s->r->keys[0]);
		snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, s->ref);
		return search_list(c, s, query, span_of(id), err);
	}
	for (i = 0; s->r->keys[i] != NULL; i++)
		all = all && is_searched(s->r, s->r->keys[i]);
	if (is_searched(s->r, s->r->keys[0]) &&
	    search_list(c, s, "&search=", span_of(s->name), err))
		return -1;
	return all || s->count != 0 ? 0 : search_list(c, s, "", (struct span){0}, err);
}

/* The object with this id, if there is one. */
static int
search_id(struct ctl *c, struct search *s, struct err *err)
{
	char *path = ctl_path(s->r, s->name, NULL);
	struct rest_reply reply;
	struct err why = {0};
	struct span object;
	int failed = 0;

	if (rest_call(c->api, "GET", path, (struct span){0}, &reply, &why) == 0) {
		failed = ctl_object(&reply, path, &object, err);
		if (!failed && lookup_id_of(object) != strtoll(s->name, NULL, 10))
			failed = err_set(err, ERR_PROTOCOL,
			    _("the API's answer to '%s' is another object"), path);
		if (!failed)
			keep(s, 0, object);
	} else if (why.code != ERR_NOT_FOUND) {
		*err = why;
		failed = -1;
	}
	rest_reply_release(&reply);
	free(path);
	return failed;
}

/* When the first key names another resource, its objects are found by that one's names. */
static int
search_ref(struct ctl *c, struct search *s, struct err *err)
{
	const struct schema_field *f =
	    s->r->keys[0] != NULL ? schema_field(s->r, s->r->keys[0]) : NULL;

	if (f == NULL || f->type != SCHEMA_REF)
		return 0;
	return lookup_id(c, schema_find(f->ref), s->name, &s->ref, err);
}

static int
search_all(struct ctl *c, struct search *s, struct err *err)
{
	const struct schema_field *key =
	    s->r->keys[0] != NULL ? schema_field(s->r, s->r->keys[0]) : NULL;
	const char *id = id_word(s->name);
	bool number = is_number(s->name);

	if (id != NULL) {
		s->name = id;
		return search_id(c, s, err);
	}
	if (number && search_id(c, s, err))
		return -1;
	/* 5 may be the name of a device, too, but here it is an id first. */
	if (key == NULL || (number && key->type == SCHEMA_REF && s->count != 0))
		return 0;
	return search_ref(c, s, err) || search_keys(c, s, err) ? -1 : 0;
}

/* One, or the error that says why not; `s` is spent. */
static int
search_end(struct search *s, struct lookup_found *out, struct err *err)
{
	int failed = 0;

	if (s->count == 0)
		failed =
		    err_set(err, ERR_NOT_FOUND, _("no %s '%s'"), s->r->name, s->name);
	else if (s->count > 1)
		failed = err_set(err, ERR_USAGE,
		    _("%s '%s' is ambiguous: %s%s; use the id, such as id:%lld"),
		    s->r->name, s->name, buf_str(&s->listing),
		    s->count > CANDIDATES_MAX ? " ..." : "", (long long)s->best.id);
	else if (s->best.id == 0)
		failed = err_set(err, ERR_PROTOCOL, _("the API's %s '%s' has no id"),
		    s->r->name, s->name);
	if (failed)
		lookup_release(&s->best);
	*out = s->best;
	buf_release(&s->listing);
	return failed;
}

int
lookup(struct ctl *c, const struct schema_resource *r, const char *name,
    struct lookup_found *out, struct err *err)
{
	struct search s = {.r = r, .name = name, .rank = SIZE_MAX};

	*out = (struct lookup_found){0};
	if (name[0] == '\0')
		return err_set(err, ERR_USAGE, _("an empty name is no %s"), r->name);
	if (ctl_api(c, err) == 0 && search_all(c, &s, err) == 0)
		return search_end(&s, out, err);
	lookup_release(&s.best);
	buf_release(&s.listing);
	return -1;
}

int
lookup_id(struct ctl *c, const struct schema_resource *r, const char *name,
    json_int_t *id, struct err *err)
{
	struct lookup_found f;

	if (lookup(c, r, name, &f, err))
		return -1;
	*id = f.id;
	lookup_release(&f);
	return 0;
}

int
lookup_among(const struct schema_resource *r, const struct objects *among,
    const char *name, json_int_t *id, struct err *err)
{
	struct search s = {.r = r, .name = name, .rank = SIZE_MAX};
	const char *only = id_word(name), *number = only != NULL ? only : name;
	struct lookup_found f;
	size_t i;

	for (i = 0; i < among->n; i++) {
		struct span object = buf_as_span(&among->v[i]);

		if (is_number(number) &&
		    lookup_id_of(object) == strtoll(number, NULL, 10))
			keep(&s, 0, object);
		else if (only == NULL)
			on_object(&s, object, err);
	}
	if (search_end(&s, &f, err))
		return -1;
	*id = f.id;
	lookup_release(&f);
	return 0;
}
