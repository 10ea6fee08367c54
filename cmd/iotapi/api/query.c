/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists: the query string as a WHERE and an ORDER BY, made of the schema table's names; what people
 * wrote is only ever bound. */
#include "iotapi/api/query.h"

#include <stdlib.h>

#include "base/strv.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/timestamp.h"
#include "model/validate.h"
#include "iotapi/api/list_order.h"
#include "iotapi/api/object.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/tables.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_out.h"
#include "iotapi/http/page.h"

/* More would be a deeper expression than SQLite takes. */
enum { WORDS_MOST = 32 };

struct query {
	const struct schema_resource *r;
	struct list_order order;
	struct buf where;
	size_t words;  /* of all searches */
	json_t *binds; /* array, in the order of the marks */
	struct buf
	    after; /* what is behind the key that came with the request; n 0: none did */
	json_t *after_binds;
	struct field_errs *errs;
};

static void
and_where(struct query *q)
{
	buf_puts(&q->where, q->where.n != 0 ? " AND " : " WHERE ");
}

/* A flag: present is true; what says no is not there. */
static void
add_flag(struct query *q, const struct schema_field *f, const char *value)
{
	bool yes;

	if (text_bool(value, &yes) && !yes)
		return;
	and_where(q);
	if (f->type == SCHEMA_BOOL)
		buf_printf(&q->where, "t.\"%s\" = 1", f->name);
	else
		buf_printf(&q->where, "coalesce(t.\"%s\", '') <> ''", f->name);
}

static void
add_equal(struct query *q, const struct schema_filter *filter,
    const struct schema_field *f, const char *value)
{
	struct schema_field named = *f;
	json_t *text = json_string(value);
	json_t *v;

	named.name = filter->name;
	v = validate_value(&named, text, q->errs);
	json_decref(text);
	if (v == NULL)
		return;
	and_where(q);
	buf_printf(&q->where, "t.\"%s\" = ?", f->name);
	json_array_append_new(q->binds, v);
}

/* Both ends count. */
static void
add_period(struct query *q, const struct schema_filter *filter,
    const struct schema_field *f, const char *value)
{
	struct buf text = {0};
	int64_t us;

	if (!timestamp_parse(value, &us)) {
		field_errs_add(q->errs, filter->name, "Enter a valid date/time.");
		return;
	}
	buf_time(&text, us);
	and_where(q);
	buf_printf(&q->where, "t.\"%s\" %s ?", f->name,
	    filter->compare == SCHEMA_SINCE ? ">=" : "<=");
	json_array_append_new(q->binds,
	    tables_is_moment(f) ? json_integer(us) : json_string(buf_str(&text)));
	buf_release(&text);
}

static void
add_filter(struct query *q, const struct schema_filter *filter, const char *value)
{
	const struct schema_field *f = schema_field(q->r, filter->field);

	switch (filter->compare) {
	case SCHEMA_EQUAL: add_equal(q, filter, f, value); break;
	case SCHEMA_FLAG: add_flag(q, f, value); break;
	case SCHEMA_SINCE:
	case SCHEMA_UNTIL: add_period(q, filter, f, value); break;
	}
}

/* Each word must be in one of the search fields. */
static void
add_search(struct query *q, const char *text)
{
	struct strv words = {0};
	size_t i, k;

	if (q->r->search[0] == NULL) {
		field_errs_add(q->errs, "search", "This list cannot be searched.");
		return;
	}
	strv_split(&words, text, ' ');
	q->words += words.n;
	if (q->words > WORDS_MOST)
		field_errs_add(q->errs, "search",
		    "Ensure this search has no more than %d words.", WORDS_MOST);
	for (i = 0; i < words.n && q->words <= WORDS_MOST; i++) {
		and_where(q);
		for (k = 0; q->r->search[k] != NULL; k++) {
			buf_puts(&q->where, k != 0 ? " OR contains(" : "(contains(");
			object_field_sql(
			    &q->where, q->r, schema_field(q->r, q->r->search[k]));
			buf_puts(&q->where, ", ?)");
			json_array_append_new(q->binds, json_string(words.v[i]));
		}
		buf_putc(&q->where, ')');
	}
	strv_release(&words);
}

static void
read_args(struct query *q, const struct request *rq)
{
	const char *after = request_arg(rq, "after");
	size_t i;

	for (i = 0; i < rq->arg_count; i++) {
		const char *name = rq->args[i].name;
		const char *value = rq->args[i].value;
		const struct schema_filter *f = schema_filter(q->r, name);

		if (f != NULL)
			add_filter(q, f, value);
		else if (strcmp(name, "search") == 0)
			add_search(q, value);
		else if (strcmp(name, "ordering") != 0 && strcmp(name, "page") != 0 &&
		    strcmp(name, "page_size") != 0 && strcmp(name, "after") != 0)
			field_errs_add(q->errs, name, "Unknown filter.");
	}
	list_order_read(&q->order, q->r, request_arg(rq, "ordering"), q->errs);
	if (after != NULL &&
	    !list_order_after(&q->order, after, &q->after, q->after_binds))
		field_errs_add(
		    q->errs, "after", "This is no place in a list of this order.");
}

static int
bind_array(sqlite3_stmt *stmt, int at, const json_t *binds)
{
	size_t i;

	for (i = 0; i < json_array_size(binds); i++)
		rows_bind(stmt, at++, NULL, json_array_get(binds, i));
	return at;
}

/* Who reads a list page by page has it counted once. */
static int
count_rows(struct request *rq, struct query *q, struct page *p, struct err *err)
{
	char *binds = json_dumps(q->binds, JSON_COMPACT);
	struct buf sql = {0}, key = {0};
	sqlite3_stmt *stmt = NULL;
	struct span known;
	int step = -1;

	buf_puts(&sql, "SELECT count(*) FROM ");
	tables_name(&sql, q->r);
	buf_puts(&sql, " t");
	buf_span(&sql, buf_as_span(&q->where));
	buf_printf(&key, "%s %s", buf_str(&sql), binds);
	if (db_recall(rq->db, buf_as_span(&key), &known)) {
		memcpy(&p->count, known.p, sizeof(p->count));
		step = 1;
	} else {
		stmt = db_query(rq->db, err, buf_str(&sql), "");
	}
	if (stmt != NULL)
		bind_array(stmt, 1, q->binds);
	if (stmt != NULL && (step = db_step(rq->db, stmt, err)) == 1) {
		p->count = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		db_remember(rq->db, buf_as_span(&key),
		    (struct span){(const char *)&p->count, sizeof(p->count)});
	}
	free(binds);
	buf_release(&key);
	buf_release(&sql);
	return step == 1 ? 0 : -1;
}

static sqlite3_stmt *
select_page(struct request *rq, struct query *q, const struct page *p, struct err *err)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	int at = 1;

	buf_puts(&sql, object_select(q->r, false));
	buf_span(&sql, buf_as_span(&q->where));
	if (q->after.n != 0)
		buf_printf(&sql, "%s%s", q->where.n != 0 ? " AND " : " WHERE ",
		    buf_str(&q->after));
	list_order_put(&q->order, &sql);
	buf_puts(&sql, " LIMIT ? OFFSET ?");
	stmt = db_query(rq->db, err, buf_str(&sql), "");
	buf_release(&sql);
	if (stmt == NULL)
		return NULL;
	at = bind_array(stmt, at, q->binds);
	at = bind_array(stmt, at, q->after_binds);
	sqlite3_bind_int64(stmt, at, p->size + 1);
	sqlite3_bind_int64(stmt, at + 1, q->after.n != 0 ? 0 : (p->number - 1) * p->size);
	return stmt;
}

/* The rows of the page into `out`, and where the next page begins; a row too many is how it is known that there is
 * one. The id is the first column of every resource. */
static int
put_rows(
    struct request *rq, struct query *q, struct page *p, struct buf *out, struct err *err)
{
	sqlite3_stmt *stmt = select_page(rq, q, p, err);
	int64_t n = 0, id = 0;
	int step = -1;

	while (stmt != NULL && (step = db_step(rq->db, stmt, err)) == 1) {
		if (n++ == p->size)
			break;
		id = sqlite3_column_int64(stmt, 0);
		json_out_comma(out);
		if (object_put(out, rq->db, q->r, stmt, false, err) ||
		    page_room(rq, out)) {
			step = -1;
			break;
		}
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	p->more = step == 1;
	if (p->more && q->order.has_keys &&
	    list_order_key(&q->order, rq->db, id, &p->key, err))
		return -1;
	return step < 0 ? -1 : 0;
}

static void
put_before(struct buf *rows, struct span head)
{
	buf_reserve(rows, head.n);
	memmove(rows->p + head.n, rows->p, rows->n);
	memcpy(rows->p, head.p, head.n);
	rows->n += head.n;
}

/* The rows come first: what the page begins with, the link to the next, depends on the last of them. They are not copied. */
static int
put_page(struct request *rq, struct query *q, struct page *p, struct err *err)
{
	struct buf rows = {0};
	int failed;

	if (count_rows(rq, q, p, err) || (q->after.n == 0 && page_find(rq, p)))
		return -1;
	failed = put_rows(rq, q, p, &rows, err);
	if (!failed) {
		page_begin(rq, p);
		put_before(&rows, buf_as_span(&rq->out));
		buf_release(&rq->out);
		rq->out = rows;
		page_end(rq);
		return 0;
	}
	buf_release(&rows);
	return failed;
}

int
query_list(struct request *rq, struct err *err)
{
	struct query q = {.r = rq->resource,
	    .binds = json_array(),
	    .after_binds = json_array(),
	    .errs = &rq->errs};
	struct page p;
	int failed;

	read_args(&q, rq);
	page_read(rq, &p);
	if (rq->errs.n != 0)
		failed = answer_errs(rq);
	else
		failed = put_page(rq, &q, &p, err);
	json_decref(q.binds);
	json_decref(q.after_binds);
	buf_release(&q.where);
	buf_release(&q.after);
	page_release(&p);
	return failed ? -1 : 0;
}

void
query_filters(struct request *rq, struct buf *where, json_t *binds)
{
	struct query q = {.r = rq->resource, .binds = binds, .errs = &rq->errs};
	size_t i;

	for (i = 0; i < rq->arg_count; i++) {
		const struct schema_filter *f = schema_filter(q.r, rq->args[i].name);

		if (f != NULL)
			add_filter(&q, f, rq->args[i].value);
		else
			field_errs_add(q.errs, rq->args[i].name, "Unknown filter.");
	}
	buf_span(where, buf_as_span(&q.where));
	buf_release(&q.where);
}
