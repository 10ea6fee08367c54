/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE list [FIELD=VALUE]...: filters are checked here too, for servers that ignore some. */
#include "iotctl/verbs/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/timestamp.h"
#include "rest/rest_url.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/request.h"
#include "iotctl/core/sort.h"
#include "iotctl/core/value.h"
#include "iotctl/output/cell.h"
#include "iotctl/output/show.h"

enum { FLUSH_EVERY = 50 };

/* A filter with its value. */
struct want {
	const struct assign *a;
	enum schema_compare compare;
	json_t *value; /* SCHEMA_EQUAL, and none else */
	char *bound;   /* SCHEMA_SINCE, SCHEMA_UNTIL: the time */
};

struct listing {
	struct show show;
	struct want *wants;
	size_t n;
	size_t left;   /* of --limit; from 0 on downwards it never ends */
	size_t untold; /* objects that may be outside the period asked for */
	const struct schema_field *sort; /* here, not by the server; NULL: not */
	bool downwards;
	struct objects objects; /* kept for that */
};

/* Whether an object passes a filter without a value: its field is true, or there. */
static bool
is_set(const struct schema_filter *f, struct span object)
{
	struct buf text = {0};
	bool set = cell_member(object, f->field, &text) &&
	    strcmp(buf_str(&text), "") != 0 && strcmp(buf_str(&text), "false") != 0;

	buf_release(&text);
	return set;
}

/* For a filter that is only sent or left out, without a value: "no" leaves it out. */
static bool
is_no(const char *s)
{
	bool yes;

	return text_bool(s, &yes) && !yes;
}

/* What shows no time, or one whose zone nobody knows, is taken on the server's word. */
static enum sameness
is_within(const struct want *w, struct span object, const char *zone)
{
	struct buf text = {0};
	enum sameness in = SAME_UNKNOWN;

	if (cell_member(object, w->a->filter->field, &text))
		in = equal_within(
		    buf_str(&text), w->bound, w->compare == SCHEMA_SINCE, zone);
	buf_release(&text);
	return in;
}

static bool
is_equal(const struct want *w, struct span object, const char *zone)
{
	struct span bytes;
	json_t *value;
	bool same;

	if (!json_member(object, w->a->field->name, &bytes))
		return json_is_null(w->value);
	value = json_loadb(bytes.p, bytes.n, JSON_DECODE_ANY, NULL);
	same = equal_value(w->a->field, value, w->value, zone != NULL ? zone : "UTC") ==
	    SAME_YES;
	json_decref(value);
	return same;
}

static enum sameness
matches(const struct want *w, struct span object, const char *zone)
{
	bool good;

	if (w->compare == SCHEMA_SINCE || w->compare == SCHEMA_UNTIL)
		return is_within(w, object, zone);
	if (w->compare == SCHEMA_FLAG)
		good = is_no(w->a->value) || is_set(w->a->filter, object);
	else
		good = is_equal(w, object, zone);
	return good ? SAME_YES : SAME_NO;
}

/* The first object goes out at once, and then now and then: a reader does not wait
 * for the next page. */
static void
show_next(struct listing *l, struct span object)
{
	show_object(&l->show, object);
	if (l->show.count == 1 || l->show.count % FLUSH_EVERY == 0)
		fflush(stdout);
}

static int
on_object(void *arg, struct span object, struct err *err)
{
	struct listing *l = arg;
	bool untold = false;
	size_t i;

	(void)err;
	for (i = 0; i < l->n; i++) {
		enum sameness same =
		    matches(&l->wants[i], object, l->show.ctl->args->api.tz);

		if (same == SAME_NO)
			return 0;
		untold = untold || same == SAME_UNKNOWN;
	}
	l->untold += untold;
	if (l->sort != NULL) {
		objects_add(&l->objects, object);
		return 0;
	}
	show_next(l, object);
	/* No more pages are asked for than are shown, or can be written. */
	return --l->left == 0 || ferror(stdout) != 0 ? 1 : 0;
}

static void
put_value(struct buf *query, json_t *value, const char *text)
{
	struct buf plain = {0};

	if (json_is_string(value))
		buf_puts(&plain, json_string_value(value));
	else if (value != NULL)
		request_put_body(&plain, value, NULL);
	else
		buf_puts(&plain, text);
	rest_url_escape(query, buf_as_span(&plain));
	buf_release(&plain);
}

static void
put_filter(struct buf *query, const struct want *w)
{
	const struct schema_filter *f = w->a->filter;

	if (f == NULL || json_is_null(w->value) ||
	    (w->compare == SCHEMA_FLAG && is_no(w->a->value)))
		return;
	buf_printf(query, "&%s=", f->name);
	if (w->compare == SCHEMA_FLAG)
		buf_puts(query, "true");
	else if (w->bound != NULL)
		rest_url_escape(query, span_of(w->bound));
	else
		put_value(query, w->value, w->a->value);
}

/* *asked is the order to ask the server for (free; NULL: its own), where it sorts by that field. By any other
 * the list is sorted here: also where the server's own order begins with a field that it takes no orders for. */
static int
take_order(struct ctl *c, struct listing *l, char **asked, struct err *err)
{
	const struct schema_resource *r = l->show.r;
	const char *order = c->args->order;
	const struct schema_field *f;
	struct strv own = {0};

	*asked = NULL;
	strv_split(&own, r->order, ',');
	f = order != NULL ? sort_field(r, order, err)
			  : schema_field(r, own.v[0] + (own.v[0][0] == '-'));
	if (f != NULL && !rest_list_sorts(r, f)) {
		l->sort = f;
		l->downwards = (order != NULL ? order : own.v[0])[0] == '-';
	} else if (f != NULL && order != NULL) {
		*asked = xasprintf("%s%s", order[0] == '-' ? "-" : "", f->name);
	}
	strv_release(&own);
	return f != NULL ? 0 : -1;
}

static int
make_path(struct ctl *c, struct listing *l, const struct schema_resource *r, char **path,
    struct err *err)
{
	struct buf filters = {0};
	char *order;
	size_t i;

	if (take_order(c, l, &order, err))
		return -1;
	if (c->args->search != NULL) {
		buf_puts(&filters, "&search=");
		rest_url_escape(&filters, span_of(c->args->search));
	}
	for (i = 0; i < l->n; i++)
		put_filter(&filters, &l->wants[i]);
	*path = rest_list_path(r, buf_str(&filters), order, 0);
	free(order);
	buf_release(&filters);
	return 0;
}

/* Filters that only the server applies are checked here: some answer a wrong value
 * with a 500. */
static void
check_filter(struct want *w, struct field_errs *errs)
{
	const struct assign *a = w->a;
	int64_t us;
	bool yes, good;

	if (w->compare == SCHEMA_FLAG) {
		good = text_bool(a->value, &yes);
	} else {
		/* A day is its midnight. */
		w->bound = xasprintf("%sT00:00:00", a->value);
		if (!timestamp_parse(w->bound, &us)) {
			free(w->bound);
			w->bound = xstrdup(a->value);
		}
		good = timestamp_parse(w->bound, &us);
	}
	if (a->op != FIELD_TEXT)
		field_errs_add(errs, a->filter->name, _("a filter is FIELD=VALUE"));
	else if (!good)
		field_errs_add(errs, a->filter->name,
		    w->compare == SCHEMA_FLAG
			? _("'%s' is neither yes nor no")
			: _("'%s' is no time such as 2026-11-23T07:05:00"),
		    a->value);
}

/* FIELD= alone asks for what has no value. */
static json_t *
wanted(struct ctl *c, const struct assign *a, struct field_errs *errs, struct err *err)
{
	if (a->op == FIELD_ADD || a->op == FIELD_DROP) {
		field_errs_add(errs, a->field->name, _("a filter is FIELD=VALUE"));
		return NULL;
	}
	if (a->op == FIELD_TEXT && a->value[0] == '\0' &&
	    (a->field->flags & SCHEMA_NULLABLE) != 0)
		return json_null();
	return value_of(c, a, errs, err);
}

static int
make_wants(struct ctl *c, struct listing *l, const struct request *q, struct err *err)
{
	struct field_errs errs = {0};
	int failed = 0;
	size_t i;

	l->wants = xcalloc(q->n + 1, sizeof(*l->wants));
	for (l->n = 0; l->n < q->n && !failed; l->n++) {
		struct want *w = &l->wants[l->n];

		w->a = &q->v[l->n];
		if (w->a->field == NULL)
			w->compare = w->a->filter->compare;
		i = errs.n;
		if (w->compare != SCHEMA_EQUAL) {
			check_filter(w, &errs);
			continue;
		}
		w->value = wanted(c, w->a, &errs, err);
		failed = w->value == NULL && errs.n == i;
	}
	if (!failed)
		failed = ctl_field_errs(&errs, err);
	field_errs_release(&errs);
	return failed ? -1 : 0;
}

static void
show_sorted(struct listing *l)
{
	size_t i;

	sort_objects(&l->objects, l->sort, l->downwards);
	for (i = 0; i < l->objects.n; i++) {
		show_object(&l->show, buf_as_span(&l->objects.v[i]));
		if (--l->left == 0)
			break;
	}
}

/* `shown`: all pages came, though maybe not the whole. */
static int
run_list(struct ctl *c, const struct request *q, struct listing *l, bool *shown,
    struct err *err)
{
	char *path = NULL;
	int failed = make_wants(c, l, q, err) || make_path(c, l, q->r, &path, err) ||
	    ctl_api(c, err);

	*shown = !failed;
	if (!failed && rest_list(c->api, path, on_object, l, err) < 0) {
		failed = -1;
		*shown = err->code == ERR_FAILED;
		/* Other errors name the API already. */
		ctl_no_resource(c, q->r, err);
		if (err->code == ERR_REFUSED)
			err_in(err, _("cannot list %s at '%s'"), q->r->name,
			    rest_base(c->api));
	}
	if (*shown && l->sort != NULL)
		show_sorted(l);
	if (*shown && l->untold != 0)
		log_warn(P_("whether %zu of them is of the time asked for only the API "
			    "knows: its times name no zone (set api_tz)",
			     "whether %zu of them are of the time asked for only the API "
			     "knows: its times name no zone (set api_tz)",
			     l->untold),
		    l->untold);
	free(path);
	return failed ? -1 : 0;
}

int
verb_list(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	struct listing l = {0};
	int failed = request_parse(c, r, in, true, &q, err);
	bool shown = false;
	size_t i;

	if (!failed && q.names.n != 0)
		failed = err_set(err, ERR_USAGE,
		    _("'%s': list takes FIELD=VALUE; for one %s use '%s get'"),
		    q.names.v[0], r->name, r->name);
	if (!failed && (failed = show_start(&l.show, c, r, true, err)) == 0) {
		l.left = c->args->limit > 0 ? (size_t)c->args->limit : 0;
		failed = run_list(c, &q, &l, &shown, err);
		show_end(&l.show, shown);
	}
	for (i = 0; i < l.n; i++) {
		json_decref(l.wants[i].value);
		free(l.wants[i].bound);
	}
	free(l.wants);
	objects_release(&l.objects);
	request_release(&q);
	return failed;
}
