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
	PASSES_MAX = 3,      /* over a list that changes meanwhile */
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

/* Who gets the objects. */
struct receiver {
	int (*fn)(void *arg, struct span object, struct err *err);
	void (*again)(void *arg); /* NULL: it cannot forget what it got */
	void *arg;
	struct rest_seen had; /* in passes before this one, by who cannot forget */
};

/* One pass over a list, as its pages come. */
struct list {
	const char *path;
	struct receiver *to;
	struct rest_seen ids, pages;
	size_t without_id; /* objects without an id */
	size_t repeats;    /* objects that had come before */
	int stale;         /* pages in a row without anything new */
	int64_t first,
	    last;      /* `count` of the first page and of the last; -1: it has none */
	int64_t least; /* of all pages */
	bool
	    by_place; /* pages begin behind the last object of the one before, wherever that stands now */
	bool shrank; /* a page counted less than the one before */
	bool ended;  /* a page was gone when it was asked for */
	bool
	    changed; /* what came may not be the whole, and might be if it is read again */
};

static size_t
objects_of(const struct list *l)
{
	return l->ids.n + l->without_id;
}

static int
give(struct receiver *to, struct span id, struct span object, struct err *err)
{
	if (to->again == NULL && to->had.n != 0 && id.p != NULL &&
	    !rest_seen_add(&to->had, id))
		return 0;
	return to->fn(to->arg, object, err);
}

static int
each(struct list *l, struct span array, struct err *err)
{
	struct json_iter it = {.value = array};
	int stopped = 0;

	while (stopped == 0 && json_next(&it)) {
		struct span id = {0};

		if (json_kind(it.item) != JSON_KIND_OBJECT)
			return err_set(err, ERR_PROTOCOL,
			    _("the API's answer to '%s' is no list of objects"), l->path);
		if (!json_member(it.item, "id", &id)) {
			l->without_id++;
		} else if (!rest_seen_add(&l->ids, id)) {
			l->repeats++;
			continue;
		}
		stopped = give(l->to, id, it.item, err);
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

/* Where pages begin at a number, what was made while they were read, and stands before the place reached, pushes one object each
 * onto the next page: those come again, and the count grows by as many. That loses none. What was deleted
 * there pulls others onto pages that were read already: those are lost, and the count, which shrinks by as
 * many, is right in the end. Where they begin at a place nothing moves: what was there all the time came once, if
 * no less came than was there at any time. */
static int
check_whole(struct list *l, struct err *err)
{
	size_t n = objects_of(l);
	int64_t came = (int64_t)n;
	int path = (int)strcspn(l->path, "?");

	l->changed = l->pages.n > 1;
	if (l->ended)
		return err_set(err, ERR_FAILED,
		    _("the API's list '%.*s' may not be whole: its page %zu was gone"),
		    path, l->path, l->pages.n);
	if (l->last < 0 && l->repeats != 0)
		return err_set(err, ERR_FAILED,
		    P_("the API's list '%.*s' may not be whole: it has no count, and %zu "
		       "repeat came",
			"the API's list '%.*s' may not be whole: it has no count, and "
			"%zu repeats came",
			l->repeats),
		    path, l->path, l->repeats);
	if (l->by_place && l->repeats == 0 && came >= l->least)
		return 0;
	if (l->shrank)
		return err_set(err, ERR_FAILED,
		    _("the API's list '%.*s' may not be whole: it shrank while it was "
		      "read, and %zu of %lld came"),
		    path, l->path, n, (long long)l->last);
	if (l->last < 0 || came == l->last ||
	    (came >= l->first && came + (int64_t)l->repeats == l->last))
		return 0;
	return err_set(err, ERR_FAILED,
	    P_("the API's list '%.*s' is not whole: %zu of %lld came, and %zu repeat",
		"the API's list '%.*s' is not whole: %zu of %lld came, and %zu repeats",
		l->repeats),
	    path, l->path, n, (long long)l->last, l->repeats);
}

/* iotapi's links carry the last object's place in the list. */
static bool
has_place(const char *next)
{
	return strstr(next, "?after=") != NULL || strstr(next, "&after=") != NULL;
}

/* One page; `at` becomes the next one's path. */
static int
read_page(struct rest *a, struct list *l, char **at, struct err *err)
{
	struct rest_reply reply;
	struct rest_page page = {.count = -1};
	const size_t before = objects_of(l);
	struct err why = {0};
	int result = rest_call(a, "GET", *at, (struct span){0}, &reply, &why);

	/* It was there when the page before it named it. */
	if (result != 0 && why.code == ERR_NOT_FOUND && l->pages.n > 1) {
		l->ended = true;
		page.count = l->last;
		result = 0;
	} else if (result != 0) {
		*err = why;
	} else {
		result = rest_page_read(*at, buf_as_span(&reply.body), &page, err)
		    ? -1
		    : each(l, page.array, err);
	}
	l->first = l->pages.n == 1 ? page.count : l->first;
	l->shrank = l->shrank || (l->pages.n > 1 && page.count < l->last);
	l->least = l->pages.n == 1 || page.count < l->least ? page.count : l->least;
	l->last = page.count;
	l->by_place = page.next != NULL ? has_place(page.next) : l->by_place;
	l->stale = objects_of(l) == before ? l->stale + 1 : 0;
	free(*at);
	*at = page.next;
	rest_reply_release(&reply);
	return result;
}

static int
read_pages(struct rest *a, struct list *l, struct err *err)
{
	char *at = xstrdup(l->path);
	int result = 0;

	while (at != NULL && result == 0) {
		if (!rest_seen_add(&l->pages, span_of(at)) || l->pages.n > PAGES_MAX)
			result = err_set(err, ERR_PROTOCOL,
			    _("the list '%s' never ends: its next page is '%s' again"),
			    l->path, at);
		else if (l->stale >= STALE_MAX)
			result = err_set(err, ERR_PROTOCOL,
			    P_("the list '%s' never ends: %d page in a row has nothing "
			       "new, and the next is '%s'",
				"the list '%s' never ends: %d pages in a row have "
				"nothing new, and the next is '%s'",
				l->stale),
			    l->path, l->stale, at);
		else
			result = read_page(a, l, &at, err);
	}
	if (result == 0)
		result = check_whole(l, err);
	free(at);
	return result;
}

/* Whether another pass may begin. */
static bool
may_begin_again(struct receiver *to, struct list *l)
{
	if (!l->changed)
		return false;
	if (to->again != NULL) {
		to->again(to->arg);
		return true;
	}
	/* What has no id cannot be known again. */
	if (l->without_id != 0)
		return false;
	if (to->had.n == 0) {
		to->had = l->ids;
		l->ids = (struct rest_seen){0};
	}
	return true;
}

int
rest_list_again(struct rest *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void (*again)(void *arg),
    void *arg, struct err *err)
{
	struct receiver to = {.fn = fn, .again = again, .arg = arg};
	bool more = true;
	int passes, result = 0;

	for (passes = 0; more && passes < PASSES_MAX; passes++) {
		struct list l = {.path = path, .to = &to};

		*err = (struct err){0};
		result = read_pages(a, &l, err);
		more = result < 0 && passes + 1 < PASSES_MAX && may_begin_again(&to, &l);
		rest_seen_release(&l.ids);
		rest_seen_release(&l.pages);
	}
	rest_seen_release(&to.had);
	return result;
}

int
rest_list(struct rest *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	return rest_list_again(a, path, fn, NULL, arg, err);
}
