/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte chooses the resource, the rest is a body. What validation lets pass it lets pass again, unchanged; SQLite
 * stores it; and the answer with it is JSON that clients read. */
#include "model/validate.h"

#include "base/json.h"
#include "base/mem.h"
#include "iotapi/api/object.h"
#include "iotapi/db/rows.h"
#include "iotapi/http/json_in.h"
#include "tests/fuzz/api.h"

/* They have columns of other names. */
static void
drop_secrets(const struct schema_resource *r, json_t *values)
{
	const struct schema_field *f;

	for (f = r->fields; f->name != NULL; f++) {
		if ((f->flags & SCHEMA_WRITE_ONLY) != 0)
			json_object_del(values, f->name);
	}
}

static void
validate_again(const struct schema_resource *r, json_t *values)
{
	struct field_errs errs = {0};
	json_t *again = validate_body(r, values, true, &errs);

	api_require(errs.n == 0, "what was good is wrong");
	api_require(json_equal(values, again), "it is another value");
	field_errs_release(&errs);
	json_decref(again);
}

/* Without references enforced, so that what refers to nothing is stored. */
static void
store(const struct schema_resource *r, json_t *values)
{
	struct db *db = api_database();
	struct buf out = {0};
	struct err err = {0};
	struct span value;
	int64_t id;

	api_require(db_run(db, &err, "PRAGMA foreign_keys=OFF", "") == 0 &&
		db_begin(db, &err) == 0,
	    err.text);
	rows_complete(r, values);
	api_require(rows_insert(db, r, values, &id, &err) == 0, err.text);
	/* Topics that are not there cannot be shown inside of an object. */
	if (json_array_size(json_object_get(values, "subscribe_topics")) == 0) {
		api_require(object_get(&out, db, r, id, true, &err) == 1, err.text);
		api_require(json_check(buf_as_span(&out), &value, NULL), "no JSON");
	}
	db_rollback(db);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct field_errs errs = {0};
	struct buf why = {0};
	const struct schema_resource *r;
	json_t *body, *values;

	if (size == 0)
		return 0;
	r = api_resource(data[0] >> 1);
	body = json_in_read((struct span){(const char *)data + 1, size - 1}, &why);
	api_require(
	    (body == NULL) == (why.n != 0), "refused without a word, or not refused");
	if (body != NULL) {
		values = validate_body(r, body, data[0] & 1, &errs);
		drop_secrets(r, values);
		validate_again(r, values);
		if (errs.n == 0 && (data[0] & 1) == 0)
			store(r, values);
		json_decref(values);
	}
	json_decref(body);
	field_errs_release(&errs);
	buf_release(&why);
	return 0;
}
