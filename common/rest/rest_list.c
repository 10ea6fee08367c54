/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists: their paths; every page, every object once, as the server's own bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "rest/rest_int.h"
#include "rest/rest_url.h"

enum {
	PAGES_MAX = 1000000, /* of a list that ends */
	STALE_MAX = 10,      /* pages in a row without anything new, of one that ends */
	PASSES_MAX = 3,
	PAGE_SIZE = 1000,
	DIGITS_MAX = 18, /* of a number that fits */
};

bool
rest_list_sorts(const struct schema_resource *r, const struct schema_field *f)
{
	size_t i;

	for (i = 0; f != NULL && r->ordering[i] != NULL; i++) {
		if (strcmp(r->ordering[i], f->name) == 0)
			return true;
	}
	return false;
}

/* The field, by name or alias, that says when an object was made, to the microsecond: in practice no two have
 * the same. */
#define CREATED "created"

/* The terms of an order so far. */
struct order {
	const struct schema_resource *r;
	struct strv terms;
	bool total; /* no two objects are equal in it */
};

static void
add_term(struct order *o, const char *term)
{
	bool down = term[0] == '-';
	const struct schema_field *f = schema_field(o->r, term + down);
	char *text;
	size_t i;

	if (o->total || !rest_list_sorts(o->r, f))
		return;
	for (i = 0; i < o->terms.n; i++) {
		if (strcmp(o->terms.v[i] + (o->terms.v[i][0] == '-'), f->name) == 0)
			return;
	}
	text = xasprintf("%s%s", down ? "-" : "", f->name);
	strv_add(&o->terms, text);
	free(text);
	o->total = (f->flags & (SCHEMA_UNIQUE | SCHEMA_NULLABLE)) == SCHEMA_UNIQUE ||
	    f == schema_field(o->r, CREATED);
}

/* A field that may be null is equal for many objects, and may get its value while the pages are read. */
static void
add_unless_nullable(struct order *o, const char *term)
{
	const struct schema_field *f = schema_field(o->r, term + (term[0] == '-'));

	if (f != NULL && (f->flags & SCHEMA_NULLABLE) == 0)
		add_term(o, term);
}

static void
put_order(struct buf *out, const struct schema_resource *r, const char *order)
{
	struct order o = {.r = r};
	struct strv own = {0};
	size_t i;

	strv_split(&own, r->order, ',');
	if (order != NULL)
		add_term(&o, order);
	for (i = 0; i < own.n; i++)
		add_unless_nullable(&o, own.v[i]);
	add_unless_nullable(&o, CREATED);
	for (i = 0; i < o.terms.n; i++)
		buf_printf(out, "%s%s", i == 0 ? "&ordering=" : ",", o.terms.v[i]);
	strv_release(&own);
	strv_release(&o.terms);
}

char *
rest_list_path(
    const struct schema_resource *r, const char *filters, const char *order, int page)
{
	struct buf path = {0};

	buf_printf(
	    &path, "%s?page_size=%d%s", r->path, page != 0 ? page : PAGE_SIZE, filters);
	put_order(&path, r, order);
	return buf_steal(&path);
}

/* Itself, or the FNV-1a hash of what is no number. */
static uint64_t
number_of(struct span text)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < text.n && i < DIGITS_MAX && text.p[i] >= '0' && text.p[i] <= '9';
	     i++)
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	return i == text.n ? n : hash_of(text);
}

/* 2^64 over the golden ratio: numbers in a row go far apart. */
#define SPREAD UINT64_C(11400714819323198485)

/* Of the numbers around `at`, added when it is new. */
static struct rest_seen_block *
block_of(struct rest_seen *s, uint64_t at)
{
	struct hash_search search = hash_find(&s->blocks, at * SPREAD);
	size_t i;

	while (hash_next(&search, &i)) {
		if (s->v[i].at == at)
			return &s->v[i];
	}
	i = s->blocks.n;
	if (i == s->room) {
		s->room = s->room * 2 + 16;
		s->v = xreallocarray(s->v, s->room, sizeof(*s->v));
	}
	s->v[i] = (struct rest_seen_block){.at = at};
	hash_table_add(&s->blocks, at * SPREAD, i);
	return &s->v[i];
}

bool
rest_seen_add(struct rest_seen *s, struct span what)
{
	uint64_t n = number_of(what), bit = (uint64_t)1 << (n % 64);
	struct rest_seen_block *block = block_of(s, n / 64);

	if ((block->bits & bit) != 0)
		return false;
	block->bits |= bit;
	s->n++;
	return true;
}

void
rest_seen_release(struct rest_seen *s)
{
	free(s->v);
	hash_table_release(&s->blocks);
	*s = (struct rest_seen){0};
}

/* One reading of all pages, from the first on. */
struct pass {
	struct rest_seen ids, pages;
	size_t without_id; /* objects without an id */
	size_t repeats;    /* objects that had come before */
	int stale;         /* pages in a row without anything new */
	int64_t first,
	    last; /* `count` of the first page and of the last; -1: it has none */
};

/* A list as its pages come. */
struct list {
	const char *path;
	struct rest_seen given; /* the ids of earlier passes */
	struct pass now;
};

static size_t
objects_of(const struct pass *p)
{
	return p->ids.n + p->without_id;
}

static void
pass_release(struct pass *p)
{
	rest_seen_release(&p->ids);
	rest_seen_release(&p->pages);
	*p = (struct pass){0};
}

static int
each(struct list *l, struct span array,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	struct json_iter it = {.value = array};
	struct span id;
	int stopped = 0;

	while (stopped == 0 && json_next(&it)) {
		if (json_kind(it.item) != JSON_KIND_OBJECT)
			return err_set(err, ERR_PROTOCOL,
			    _("the API's answer to '%s' is no list of objects"), l->path);
		if (!json_member(it.item, "id", &id)) {
			l->now.without_id++;
		} else if (!rest_seen_add(&l->now.ids, id)) {
			l->now.repeats++;
			continue;
		} else if (!rest_seen_add(&l->given, id)) {
			continue;
		}
		stopped = fn(arg, it.item, err);
	}
	return stopped;
}

/* The next page; NULL on the last. A link that cannot be followed is an error: the list would end early, and
 * nobody would know. */
static int
take_next(const char *path, struct span page, char **next, struct err *err)
{
	struct span value;
	struct buf link = {0};
	char *whole = NULL;

	*next = NULL;
	if (!json_member(page, "next", &value) || json_kind(value) == JSON_KIND_NULL ||
	    span_is(value, "\"\""))
		return 0;
	if (json_kind(value) == JSON_KIND_STRING) {
		json_unescape(&link, value);
		*next = rest_url_next(path, buf_as_span(&link));
	}
	buf_release(&link);
	if (*next != NULL && rest_url_path(*next, &whole, NULL) == 0) {
		free(whole);
		return 0;
	}
	free(*next);
	*next = NULL;
	return err_set(err, ERR_PROTOCOL,
	    _("the API's answer to '%s' has a next page that cannot be asked for: %.*s"),
	    path, (int)value.n, value.p);
}

static int64_t
count_of(struct span page)
{
	struct span value;
	size_t i;

	if (!json_member(page, "count", &value) || value.n > DIGITS_MAX)
		return -1;
	for (i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return -1;
	}
	return (int64_t)number_of(value);
}

int
rest_page_read(const char *path, struct span body, struct rest_page *out, struct err *err)
{
	struct span value;

	*out = (struct rest_page){.count = -1};
	if (!json_check(body, &value, NULL))
		return err_set(
		    err, ERR_PROTOCOL, _("the API's answer to '%s' is no JSON"), path);
	out->array = value;
	if (json_kind(value) == JSON_KIND_ARRAY)
		return 0;
	if (json_kind(value) != JSON_KIND_OBJECT ||
	    !json_member(value, "results", &out->array) ||
	    json_kind(out->array) != JSON_KIND_ARRAY)
		return err_set(
		    err, ERR_PROTOCOL, _("the API's answer to '%s' is no list"), path);
	out->count = count_of(value);
	return take_next(path, value, &out->next, err);
}

/* What was made while the pages were read, and stands before the place reached, pushes one object each
 * onto the next page: those come again, and the count grows by as many. That loses none. */
static int
check_whole(const struct list *l, struct err *err)
{
	const struct pass *p = &l->now;
	size_t n = objects_of(p);
	int64_t came = (int64_t)n;
	int path = (int)strcspn(l->path, "?");

	if (p->last < 0 && p->repeats != 0)
		return err_set(err, ERR_FAILED,
		    _("the API's list '%.*s' may not be whole: it has no count, and %zu "
		      "repeats came"),
		    path, l->path, p->repeats);
	if (p->last < 0 || came == p->last ||
	    (came >= p->first && came + (int64_t)p->repeats == p->last))
		return 0;
	return err_set(err, ERR_FAILED,
	    _("the API's list '%.*s' is not whole: %zu of %lld came, and %zu repeats"),
	    path, l->path, n, (long long)p->last, p->repeats);
}

/* One page; `at` becomes the next one's path. */
static int
read_page(struct rest *a, struct list *l, char **at,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	struct pass *p = &l->now;
	const size_t before = objects_of(p);
	struct rest_reply reply;
	struct rest_page page = {0};
	int result = rest_call(a, "GET", *at, (struct span){0}, &reply, err) ||
		rest_page_read(*at, buf_as_span(&reply.body), &page, err)
	    ? -1
	    : each(l, page.array, fn, arg, err);

	p->first = p->pages.n == 1 ? page.count : p->first;
	p->last = page.count;
	p->stale = objects_of(p) == before ? p->stale + 1 : 0;
	free(*at);
	*at = page.next;
	rest_reply_release(&reply);
	return result;
}

static int
read_pages(struct rest *a, struct list *l,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	char *at = xstrdup(l->path);
	int result = 0;

	pass_release(&l->now);
	while (at != NULL && result == 0) {
		if (!rest_seen_add(&l->now.pages, span_of(at)) ||
		    l->now.pages.n > PAGES_MAX)
			result = err_set(err, ERR_PROTOCOL,
			    _("the list '%s' never ends: its next page is '%s' again"),
			    l->path, at);
		else if (l->now.stale >= STALE_MAX)
			result = err_set(err, ERR_PROTOCOL,
			    _("the list '%s' never ends: %d pages in a row have nothing "
			      "new, and the next is '%s'"),
			    l->path, l->now.stale, at);
		else
			result = read_page(a, l, &at, fn, arg, err);
	}
	free(at);
	return result;
}

/* What was deleted while the pages were read, and stood before the place reached, pulls one object each back onto
 * a page that was read already, and the count falls by as many: nothing tells that they are missing. */
static bool
has_shrunk(const struct pass *p)
{
	return p->last >= 0 && p->last < p->first && p->without_id == 0;
}

int
rest_list(struct rest *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	struct list l = {.path = path};
	int passes = 0, result;

	do
		result = read_pages(a, &l, fn, arg, err);
	while (result == 0 && ++passes < PASSES_MAX && has_shrunk(&l.now));
	if (result == 0)
		result = check_whole(&l, err);
	rest_seen_release(&l.given);
	pass_release(&l.now);
	return result;
}
