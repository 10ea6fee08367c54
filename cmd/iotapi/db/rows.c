/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/rows.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotapi/db/tables.h"
#include "iotapi/http/json_out.h"

bool
rows_exists(struct db *db, const struct schema_resource *r, int64_t id)
{
	struct buf sql = {0};
	bool there;

	buf_puts(&sql, "SELECT 1 FROM ");
	tables_name(&sql, r);
	buf_puts(&sql, " WHERE id = ?1");
	there = db_number(db, 0, buf_str(&sql), "i", id) == 1;
	buf_release(&sql);
	return there;
}

const char *
rows_now(char out[32])
{
	struct buf b = {0};

	buf_time(&b, clock_wall_us());
	snprintf(out, 32, "%s", buf_str(&b));
	buf_release(&b);
	return out;
}

static bool
is_creation_time(const struct schema_field *f)
{
	return f->type == SCHEMA_TIME && (f->flags & SCHEMA_NULLABLE) == 0;
}

void
rows_complete(const struct schema_resource *r, json_t *values)
{
	const struct schema_field *f;
	char now[32];

	rows_now(now);
	for (f = r->fields; f->name != NULL; f++) {
		if (!tables_has(f) || strcmp(f->name, "id") == 0 ||
		    json_object_get(values, f->name) != NULL)
			continue;
		if (is_creation_time(f))
			json_object_set_new(values, f->name, json_string(now));
		else if (f->preset != NULL)
			json_object_set_new(values, f->name,
			    json_loads(f->preset, JSON_DECODE_ANY, NULL));
		else
			json_object_set_new(values, f->name, json_null());
	}
}

void
rows_bind(sqlite3_stmt *stmt, int at, const struct schema_field *f, const json_t *v)
{
	struct buf text = {0};
	int64_t us;

	if (f != NULL && json_is_string(v) && tables_is_moment(f) &&
	    timestamp_parse(json_string_value(v), &us)) {
		sqlite3_bind_int64(stmt, at, us);
		return;
	}
	if (f != NULL && (f->type == SCHEMA_JSON || f->type == SCHEMA_REFS)) {
		json_out_value(&text, v);
		sqlite3_bind_text(stmt, at, text.p, (int)text.n, SQLITE_TRANSIENT);
		buf_release(&text);
		return;
	}
	switch (json_typeof(v)) {
	case JSON_STRING:
		sqlite3_bind_text(stmt, at, json_string_value(v),
		    (int)json_string_length(v), SQLITE_TRANSIENT);
		break;
	case JSON_INTEGER: sqlite3_bind_int64(stmt, at, json_integer_value(v)); break;
	case JSON_REAL: sqlite3_bind_double(stmt, at, json_real_value(v)); break;
	case JSON_TRUE: sqlite3_bind_int(stmt, at, 1); break;
	case JSON_FALSE: sqlite3_bind_int(stmt, at, 0); break;
	default: sqlite3_bind_null(stmt, at);
	}
}

static int
bind_all(struct db *db, const struct schema_resource *r, const char *sql,
    const json_t *values, int64_t id, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err, sql, "");
	const char *name;
	json_t *v;
	int at = 1;

	if (stmt == NULL)
		return -1;
	json_object_foreach ((json_t *)values, name, v) {
		rows_bind(stmt, at++, schema_field(r, name), v);
	}
	if (id != 0)
		sqlite3_bind_int64(stmt, at, id);
	return db_step(db, stmt, err);
}

int
rows_insert(struct db *db, const struct schema_resource *r, const json_t *values,
    int64_t *id, struct err *err)
{
	struct buf sql = {0}, marks = {0};
	const char *name;
	json_t *v;
	int failed;

	buf_puts(&sql, "INSERT INTO ");
	tables_name(&sql, r);
	json_object_foreach ((json_t *)values, name, v) {
		buf_printf(&sql, "%s\"%s\"", marks.n != 0 ? ", " : " (", name);
		buf_puts(&marks, marks.n != 0 ? ", ?" : "?");
	}
	buf_printf(&sql, ") VALUES (%s)", buf_str(&marks));
	failed = bind_all(db, r, buf_str(&sql), values, 0, err);
	*id = db_last_id(db);
	buf_release(&sql);
	buf_release(&marks);
	return failed;
}

int
rows_update(struct db *db, const struct schema_resource *r, int64_t id, json_t *values,
    struct err *err)
{
	struct buf sql = {0};
	const char *name, *comma = " SET ";
	char now[32];
	json_t *v;
	int failed;

	if (schema_field(r, "updated_at") != NULL)
		json_object_set_new(values, "updated_at", json_string(rows_now(now)));
	buf_puts(&sql, "UPDATE ");
	tables_name(&sql, r);
	json_object_foreach (values, name, v) {
		buf_printf(&sql, "%s\"%s\" = ?", comma, name);
		comma = ", ";
	}
	buf_puts(&sql, " WHERE id = ?");
	failed = json_object_size(values) != 0 &&
	    bind_all(db, r, buf_str(&sql), values, id, err) != 0;
	buf_release(&sql);
	return failed ? -1 : 0;
}
