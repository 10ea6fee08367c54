/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readings in bulk, and the messages that were none. */
#include "iotapi/api/readings.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotapi/api/fields.h"
#include "iotapi/api/query.h"
#include "iotapi/api/resource.h"
#include "iotapi/db/rows.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_out.h"
#include "iotapi/http/page.h"

void
readings_bulk_prepare(struct request *rq)
{
	const json_t *list;

	resource_body_read(rq);
	if (rq->status != 0)
		return;
	list = json_object_get(rq->json, "lecturas");
	if (list == NULL)
		field_errs_add(&rq->errs, "lecturas", "This field is required.");
	else if (!json_is_array(list))
		field_errs_add(&rq->errs, "lecturas", "Expected a list of items.");
	if (rq->errs.n != 0)
		answer_errs(rq);
}

/* Stores one; its wrong fields go to `wrong` as an object, {} for a good one. */
static int
store_one(struct request *rq, json_t *item, struct buf *wrong, bool *bad, struct err *err)
{
	struct field_errs errs = {0};
	json_t *values = validate_body(rq->resource, item, false, &errs);
	int failed = fields_check(rq->db, rq->resource, 0, values, &errs, err);
	int64_t id;

	if (!failed && errs.n == 0 && !*bad) {
		rows_complete(rq->resource, values);
		failed = rows_insert(rq->db, rq->resource, values, &id, err);
	}
	*bad = *bad || errs.n != 0;
	json_out_comma(wrong);
	answer_put_errs(wrong, &errs);
	field_errs_release(&errs);
	json_decref(values);
	return failed;
}

/* All or nothing: the position in the errors is the position in the list. */
int
readings_bulk(struct request *rq, struct err *err)
{
	struct buf wrong = {0};
	json_t *list, *item;
	bool bad = false;
	size_t i;

	if (rq->status != 0)
		return -1;
	list = json_object_get(rq->json, "lecturas");
	buf_puts(&wrong, "{\"lecturas\":[");
	json_array_foreach (list, i, item) {
		if (store_one(rq, item, &wrong, &bad, err)) {
			buf_release(&wrong);
			return -1;
		}
	}
	if (bad) {
		buf_puts(&wrong, "]}");
		buf_clear(&rq->out);
		buf_span(&rq->out, buf_as_span(&wrong));
		rq->status = 400;
	} else {
		buf_printf(&rq->out,
		    "{\"message\":\"%zu readings created successfully\",\"count\":%zu}",
		    json_array_size(list), json_array_size(list));
		rq->status = 201;
	}
	buf_release(&wrong);
	return bad ? -1 : 0;
}

/* A payload of any bytes: as text where it is UTF-8, else in base64, as in message lines. */
static void
put_payload(struct buf *out, struct span payload)
{
	if (utf8_is_valid(payload.p != NULL ? payload.p : "", payload.n)) {
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

int
readings_rejects(struct request *rq, struct err *err)
{
	struct page p;
	sqlite3_stmt *stmt;
	int step;

	page_read(rq, &p);
	if (rq->errs.n != 0)
		return answer_errs(rq);
	p.count = db_number(rq->db, 0, "SELECT count(*) FROM reject", "");
	if (page_begin(rq, &p))
		return -1;
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
	}
	if (step < 0)
		return -1;
	page_end(rq);
	return 0;
}
