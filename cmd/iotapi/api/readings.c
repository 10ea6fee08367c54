/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readings in bulk, and the messages that were none. */
#include "iotapi/api/readings.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotapi/api/fields.h"
#include "iotapi/api/query.h"
#include "iotapi/api/resource.h"
#include "iotapi/db/purge.h"
#include "iotapi/db/rows.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_in.h"
#include "iotapi/http/json_out.h"
#include "iotapi/http/page.h"

/* What is beyond these is refused; of readings that are wrong no more are looked for. */
enum { BULK_MOST = 10000, BULK_WRONG = 64 };

/* The value of the body's only member "lecturas". */
static void
find_list(struct request *rq, struct span object)
{
	struct json_iter it = {.value = object};
	struct buf name = {0};

	while (json_next(&it)) {
		buf_clear(&name);
		json_unescape(&name, it.key);
		if (!span_is(buf_as_span(&name), "lecturas")) {
			if (rq->errs.n < BULK_WRONG)
				field_errs_add(
				    &rq->errs, buf_str(&name), "Unknown field.");
			continue;
		}
		if (rq->list.p != NULL && rq->errs.n < BULK_WRONG)
			field_errs_add(&rq->errs, "lecturas", "It is there twice.");
		rq->list = it.item;
	}
	buf_release(&name);
}

static size_t
count_items(struct span list)
{
	struct json_iter it = {.value = list};
	size_t n = 0;

	while (json_next(&it))
		n++;
	return n;
}

void
readings_bulk_prepare(struct request *rq)
{
	struct span object;

	if (resource_body_object(rq, &object))
		return;
	find_list(rq, object);
	if (rq->list.p == NULL)
		field_errs_add(&rq->errs, "lecturas", "This field is required.");
	else if (json_kind(rq->list) != JSON_KIND_ARRAY)
		field_errs_add(&rq->errs, "lecturas", "Expected a list of items.");
	else if (count_items(rq->list) > BULK_MOST)
		field_errs_add(&rq->errs, "lecturas",
		    "Ensure this field has no more than %d elements.", BULK_MOST);
	if (rq->errs.n != 0)
		answer_errs(rq);
}

/* Readings on their way into the database. */
struct bulk {
	struct request *rq;
	struct buf wrong; /* for each reading an object with its wrong fields */
	size_t n, bad;
};

/* Its good values (decref), what is wrong in `errs`. */
static json_t *
read_one(struct request *rq, struct span item, struct field_errs *errs)
{
	struct buf why = {0};
	json_t *v = json_in_read(item, &why), *values;

	if (v == NULL)
		field_errs_add(errs, "non_field_errors", "%s", buf_str(&why));
	buf_release(&why);
	values = v != NULL ? validate_body(rq->resource, v, false, errs) : json_object();
	json_decref(v);
	return values;
}

static int
store_one(struct bulk *b, struct span item, struct err *err)
{
	const struct schema_resource *r = b->rq->resource;
	struct field_errs errs = {0};
	json_t *values = read_one(b->rq, item, &errs);
	int failed = fields_check(b->rq->db, r, 0, values, &errs, err);
	int64_t id;

	if (!failed && errs.n == 0 && b->bad == 0) {
		rows_complete(r, values);
		failed = rows_insert(b->rq->db, r, values, &id, err);
	}
	b->n++;
	b->bad += errs.n != 0;
	json_out_comma(&b->wrong);
	answer_put_errs(&b->wrong, &errs);
	field_errs_release(&errs);
	json_decref(values);
	return failed;
}

/* All or nothing: the position in the errors is the position in the list. One reading at a time is read: all of them
 * as values would be many times the body. */
int
readings_bulk(struct request *rq, struct err *err)
{
	struct json_iter it = {.value = rq->list};
	struct bulk b = {.rq = rq};
	int failed = 0;

	if (rq->status != 0)
		return -1;
	buf_puts(&b.wrong, "{\"lecturas\":[");
	while (!failed && b.bad < BULK_WRONG && json_next(&it))
		failed = store_one(&b, it.item, err);
	buf_puts(&b.wrong, "]}");
	buf_clear(&rq->out);
	if (b.bad != 0)
		buf_span(&rq->out, buf_as_span(&b.wrong));
	else
		buf_printf(&rq->out,
		    "{\"message\":\"%zu readings created successfully\",\"count\":%zu}",
		    b.n, b.n);
	rq->status = failed ? 0 : b.bad != 0 ? 400 : 201;
	buf_release(&b.wrong);
	return failed || b.bad != 0 ? -1 : 0;
}

/* Leaves an answer when it fails. */
static int
purge(struct request *rq, const char *where, const json_t *binds, int64_t *deleted)
{
	struct purge p = {.where = where, .binds = binds};
	struct err err = {0};
	int failed = purge_run(rq->app->store, &p, &rq->app->stopping, &err);

	*deleted = p.deleted;
	if (failed) {
		log_error("%s %s: %s", rq->method, rq->path, err.text);
		answer_detail(rq, 503, NULL,
		    "Not all of it was done: %lld readings were deleted.",
		    (long long)p.deleted);
	}
	return failed;
}

void
readings_delete_prepare(struct request *rq)
{
	struct buf where = {0};
	json_t *binds = json_array();
	int64_t deleted;

	query_filters(rq, &where, binds);
	if (request_arg(rq, "fecha_inicio") == NULL &&
	    request_arg(rq, "fecha_fin") == NULL)
		field_errs_add(&rq->errs, "fecha_fin",
		    "Say up to when, or with fecha_inicio from when on.");
	if (rq->errs.n != 0) {
		answer_errs(rq);
	} else if (purge(rq, buf_str(&where), binds, &deleted) == 0) {
		buf_printf(&rq->out,
		    "{\"message\":\"%lld readings deleted\",\"count\":%lld}",
		    (long long)deleted, (long long)deleted);
		rq->status = 200;
	}
	json_decref(binds);
	buf_release(&where);
}

void
readings_force_prepare(struct request *rq)
{
	json_t *binds;
	int64_t deleted;

	if (!resource_is_forced(rq) || resource_is_used(rq))
		return;
	binds = json_pack("[I]", (json_int_t)rq->id);
	purge(rq, " WHERE t.dispositivo = ?1", binds, &deleted);
	json_decref(binds);
}

/* A payload of any bytes: as text where it is UTF-8, else in base64, as in message lines. */
static void
put_payload(struct buf *out, struct span payload)
{
	/* SQLite has no place for a blob of nothing. */
	if (payload.p == NULL)
		payload = SPAN("");
	if (utf8_is_valid(payload.p, payload.n)) {
		json_out_key(out, "payload_text");
		json_put_string(out, payload);
		return;
	}
	json_out_key(out, "payload_b64");
	buf_putc(out, '"');
	base64_put(out, payload);
	buf_putc(out, '"');
}

static void
put_reject(struct buf *out, sqlite3_stmt *stmt)
{
	static const char *const names[] = {"received_at", "topic", "error", "detail"};
	size_t i;

	buf_putc(out, '{');
	json_out_key(out, "id");
	json_out_int(out, sqlite3_column_int64(stmt, 0));
	for (i = 0; i < ARRAY_LEN(names); i++) {
		json_out_key(out, names[i]);
		json_put_string(out, db_column_text(stmt, (int)i + 1));
	}
	put_payload(out, db_column_blob(stmt, 5));
	buf_putc(out, '}');
}

/* They are not searched, ordered or filtered. */
static void
refuse_filters(struct request *rq)
{
	size_t i;

	for (i = 0; i < rq->arg_count; i++) {
		if (strcmp(rq->args[i].name, "page") != 0 &&
		    strcmp(rq->args[i].name, "page_size") != 0)
			field_errs_add(&rq->errs, rq->args[i].name, "Unknown filter.");
	}
}

int
readings_rejects(struct request *rq, struct err *err)
{
	struct page p;
	sqlite3_stmt *stmt;
	int step;

	refuse_filters(rq);
	page_read(rq, &p);
	if (rq->errs.n != 0)
		return answer_errs(rq);
	p.count = db_number(rq->db, 0, "SELECT count(*) FROM reject", "");
	if (page_find(rq, &p))
		return -1;
	page_begin(rq, &p);
	stmt = db_query(rq->db, err,
	    "SELECT id, received_at, topic, error, detail, payload FROM reject ORDER BY "
	    "id "
	    "DESC LIMIT ?1 OFFSET ?2",
	    "ii", p.size, (p.number - 1) * p.size);
	if (stmt == NULL)
		return -1;
	while ((step = db_step(rq->db, stmt, err)) == 1) {
		json_out_comma(&rq->out);
		put_reject(&rq->out, stmt);
		if (page_room(rq, &rq->out)) {
			sqlite3_reset(stmt);
			return -1;
		}
	}
	if (step < 0)
		return -1;
	page_end(rq);
	return 0;
}
