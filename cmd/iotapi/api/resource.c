/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Create, get, update and delete, for every resource of the schema table. */
#include "iotapi/api/resource.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotapi/api/fields.h"
#include "iotapi/api/object.h"
#include "iotapi/api/secrets.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/tables.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_in.h"

static bool
is_json_type(const char *type)
{
	static const char json[] = "application/json";

	return type == NULL ||
	    (strncasecmp(type, json, sizeof(json) - 1) == 0 &&
		strchr("; \t", type[sizeof(json) - 1]) != NULL);
}

static int
check_type(struct request *rq)
{
	if (rq->body.n == 0 || is_json_type(rq->content_type))
		return 0;
	return answer_detail(rq, 415, NULL,
	    "Unsupported media type \"%s\" in request; send application/json.",
	    rq->content_type);
}

static struct span
body_of(const struct request *rq)
{
	return rq->body.p != NULL ? buf_as_span(&rq->body) : SPAN("");
}

static int
answer_no_json(struct request *rq, struct buf *why)
{
	answer_detail(rq, 400, "parse_error", "JSON parse error - %s", buf_str(why));
	buf_release(why);
	return -1;
}

/* The body as JSON; what is wrong with it is left as the answer. */
static void
parse_body(struct request *rq)
{
	struct buf why = {0};

	if (check_type(rq))
		return;
	rq->json = json_in_read(body_of(rq), &why);
	if (rq->json == NULL)
		answer_no_json(rq, &why);
}

static int
answer_no_object(struct request *rq, const char *what)
{
	field_errs_add(&rq->errs, "non_field_errors",
	    "Invalid data. Expected a dictionary, but got %s.", what);
	return answer_errs(rq);
}

int
resource_body_object(struct request *rq, struct span *object)
{
	struct buf why = {0};

	if (check_type(rq))
		return -1;
	if (!json_in_check(body_of(rq), object, &why))
		return answer_no_json(rq, &why);
	if (json_kind(*object) == JSON_KIND_OBJECT)
		return 0;
	return answer_no_object(
	    rq, json_kind(*object) == JSON_KIND_ARRAY ? "list" : "a single value");
}

void
resource_body_read(struct request *rq)
{
	parse_body(rq);
	if (rq->json == NULL || json_is_object(rq->json))
		return;
	answer_no_object(rq, json_is_array(rq->json) ? "list" : "a single value");
}

static bool
is_named(const char *const *names, const char *name)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* One that is misspelt would be believed to have had its effect. */
void
resource_body_named(struct request *rq, const char *const *names)
{
	const char *name;
	json_t *v;

	resource_body_read(rq);
	json_object_foreach (rq->json, name, v) {
		if (!is_named(names, name) && rq->errs.n < VALIDATE_UNKNOWN)
			field_errs_add(&rq->errs, name, "Unknown field.");
	}
	if (rq->status == 0 && rq->errs.n != 0)
		answer_errs(rq);
}

static void
read_values(struct request *rq, bool partial)
{
	struct err err = {0};

	parse_body(rq);
	if (rq->json == NULL)
		return;
	rq->values = validate_body(rq->resource, rq->json, partial, &rq->errs);
	if (!json_is_object(rq->json)) {
		answer_errs(rq);
		return;
	}
	if (secrets_protect(rq->app->secretbox, rq->app->hash_rounds, rq->db,
		rq->resource, rq->id, rq->values, &err)) {
		log_err(&err);
		answer_detail(rq, 503, NULL, "The secret could not be stored.");
	}
}

void
resource_body_whole(struct request *rq)
{
	read_values(rq, false);
}

void
resource_body_partial(struct request *rq)
{
	read_values(rq, true);
}

int
resource_create(struct request *rq, struct err *err)
{
	const struct schema_resource *r = rq->resource;
	int64_t id;

	if (rq->status != 0 || fields_check(rq->db, r, 0, rq->values, &rq->errs, err))
		return -1;
	if (rq->errs.n != 0)
		return answer_errs(rq);
	rows_complete(r, rq->values);
	if (rows_insert(rq->db, r, rq->values, &id, err) ||
	    object_get(&rq->out, rq->db, r, id, false, err) != 1)
		return -1;
	rq->location = xasprintf("%s%lld/", r->path, (long long)id);
	rq->status = 201;
	return 0;
}

int
resource_get(struct request *rq, struct err *err)
{
	int found = object_get(&rq->out, rq->db, rq->resource, rq->id, true, err);

	if (found == 0)
		return answer_not_found(rq);
	if (found < 0)
		return -1;
	rq->status = 200;
	return 0;
}

int
resource_update(struct request *rq, struct err *err)
{
	const struct schema_resource *r = rq->resource;

	if (!rows_exists(rq->db, r, rq->id))
		return answer_not_found(rq);
	if (rq->status != 0 ||
	    fields_check(rq->db, r, rq->id, rq->values, &rq->errs, err))
		return -1;
	if (rq->errs.n != 0)
		return answer_errs(rq);
	if (rows_update(rq->db, r, rq->id, rq->values, err) ||
	    object_get(&rq->out, rq->db, r, rq->id, false, err) != 1)
		return -1;
	rq->status = 200;
	return 0;
}

/* Whether some row of `from` refers to this object by `f`. */
static bool
refers(struct db *db, const struct schema_resource *from, const struct schema_field *f,
    int64_t id)
{
	struct buf sql = {0};
	bool found;

	buf_puts(&sql, "SELECT 1 FROM ");
	tables_name(&sql, from);
	if (f->type == SCHEMA_REF)
		buf_printf(&sql, " WHERE \"%s\" = ?1 LIMIT 1", f->name);
	else
		buf_printf(&sql, " t, json_each(t.\"%s\") j WHERE j.value = ?1 LIMIT 1",
		    f->name);
	found = db_number(db, 0, buf_str(&sql), "i", id) == 1;
	buf_release(&sql);
	return found;
}

bool
resource_is_forced(const struct request *rq)
{
	const char *force = request_arg(rq, "force");
	bool yes;

	return strcmp(rq->resource->name, "device") == 0 && force != NULL &&
	    text_bool(force, &yes) && yes;
}

/* The names of the resources that refer to the request's object. */
static void
find_referrers(struct request *rq, struct buf *out)
{
	const struct schema_resource *to = rq->resource, *r;
	const bool forced = resource_is_forced(rq);
	const struct schema_field *f;
	struct db *db = rq->db;
	const int64_t id = rq->id;

	for (r = schema; r->name != NULL; r++) {
		if (forced && strcmp(r->name, "reading") == 0)
			continue;
		for (f = r->fields; f->name != NULL && !r->optional; f++) {
			if (f->ref != NULL && strcmp(f->ref, to->name) == 0 &&
			    refers(db, r, f, id))
				buf_printf(out, "%s%s", out->n != 0 ? ", " : "", r->name);
		}
	}
	if (strcmp(to->name, "sensor") == 0 &&
	    db_number(db, 0, "SELECT 1 FROM assignment WHERE sensor = ?1 LIMIT 1", "i",
		id) == 1)
		buf_printf(out, "%sdevice", out->n != 0 ? ", " : "");
}

bool
resource_is_used(struct request *rq)
{
	struct buf names = {0};
	bool is;

	find_referrers(rq, &names);
	is = names.n != 0;
	buf_release(&names);
	return is;
}

int
resource_delete(struct request *rq, struct err *err)
{
	struct buf text = {0};
	int failed;

	if (!rows_exists(rq->db, rq->resource, rq->id))
		return answer_not_found(rq);
	if (rq->status != 0)
		return -1;
	find_referrers(rq, &text);
	if (text.n != 0) {
		answer_detail(rq, 409, "protected",
		    "This %s is still used (%s): delete that first.", rq->resource->name,
		    buf_str(&text));
		buf_release(&text);
		return -1;
	}
	buf_puts(&text, "DELETE FROM ");
	tables_name(&text, rq->resource);
	buf_puts(&text, " WHERE id = ?1");
	/* Those that came since readings_force_prepare. */
	failed = (resource_is_forced(rq) &&
		     db_run(rq->db, err, "DELETE FROM reading WHERE dispositivo = ?1",
			 "i", rq->id)) ||
	    db_run(rq->db, err, buf_str(&text), "i", rq->id);
	buf_release(&text);
	rq->status = failed ? 0 : 204;
	return failed;
}
