/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/list_order.h"

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotapi/db/tables.h"
#include "iotapi/http/json_out.h"

static bool
may_order(const struct schema_resource *r, const char *name)
{
	size_t i;

	for (i = 0; r->ordering[i] != NULL; i++) {
		if (strcmp(r->ordering[i], name) == 0)
			return true;
	}
	return false;
}

static void
add_term(struct list_order *o, const struct schema_field *f, bool down)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		if (o->terms[i].f == f)
			return;
	}
	o->terms[o->n++] = (struct list_order_term){f, down};
	o->has_keys = o->has_keys && (f->flags & SCHEMA_NULLABLE) == 0;
}

void
list_order_read(struct list_order *o, const struct schema_resource *r, const char *text,
    struct field_errs *errs)
{
	struct strv fields = {0};
	size_t i;

	*o = (struct list_order){.r = r, .has_keys = true};
	strv_split(&fields, text != NULL ? text : r->order, ',');
	if (fields.n > LIST_ORDER_TERMS)
		field_errs_add(errs, "ordering",
		    "Ensure this field has no more than %d elements.", LIST_ORDER_TERMS);
	for (i = 0; i < fields.n && fields.n <= LIST_ORDER_TERMS; i++) {
		const bool down = fields.v[i][0] == '-';
		const char *name = fields.v[i] + down;

		if (text != NULL && !may_order(r, name))
			field_errs_add(
			    errs, "ordering", "\"%s\" is not a field to order by.", name);
		else
			add_term(o, schema_field(r, name), down);
	}
	strv_release(&fields);
}

/* The id goes the way of the last field, so that one index has both. */
static bool
is_id_down(const struct list_order *o)
{
	return o->n != 0 && o->terms[o->n - 1].down;
}

void
list_order_put(const struct list_order *o, struct buf *sql)
{
	size_t i;

	buf_puts(sql, " ORDER BY ");
	for (i = 0; i < o->n; i++) {
		const struct list_order_term *t = &o->terms[i];
		const bool nulls = t->down && (t->f->flags & SCHEMA_NULLABLE) != 0;

		buf_printf(sql, "t.\"%s\"%s%s, ", t->f->name, t->down ? " DESC" : "",
		    nulls ? " NULLS FIRST" : "");
	}
	buf_printf(sql, "t.id%s", is_id_down(o) ? " DESC" : "");
}

static void
put_column(struct buf *out, sqlite3_stmt *stmt, int column)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER: json_out_int(out, sqlite3_column_int64(stmt, column)); break;
	case SQLITE_FLOAT:
		json_out_float(out, sqlite3_column_double(stmt, column));
		break;
	default: json_put_string(out, db_column_text(stmt, column));
	}
}

int
list_order_key(const struct list_order *o, struct db *db, int64_t id, struct buf *out,
    struct err *err)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	size_t i;
	int step = -1;

	buf_puts(&sql, "SELECT ");
	for (i = 0; i < o->n; i++)
		buf_printf(&sql, "\"%s\", ", o->terms[i].f->name);
	buf_puts(&sql, "id FROM ");
	tables_name(&sql, o->r);
	buf_puts(&sql, " WHERE id = ?1");
	stmt = db_query(db, err, buf_str(&sql), "i", id);
	if (stmt != NULL)
		step = db_step(db, stmt, err);
	for (i = 0; step == 1 && i <= o->n; i++) {
		buf_putc(out, i == 0 ? '[' : ',');
		put_column(out, stmt, (int)i);
	}
	buf_putc(out, ']');
	if (stmt != NULL)
		sqlite3_reset(stmt);
	buf_release(&sql);
	return step == 1 ? 0 : -1;
}

/* a < ?, or a = ? and what follows is behind the key's rest; written so that an index on a is entered at the key. */
static void
put_behind(const struct list_order *o, size_t i, const json_t *key, struct buf *where,
    json_t *binds)
{
	json_t *v = json_array_get(key, i);

	if (i == o->n) {
		buf_printf(where, "t.id %c ?", is_id_down(o) ? '<' : '>');
		json_array_append(binds, v);
		return;
	}
	const char *name = o->terms[i].f->name;
	const char side = o->terms[i].down ? '<' : '>';

	buf_printf(
	    where, "t.\"%s\" %c= ? AND (t.\"%s\" %c ? OR (", name, side, name, side);
	json_array_append(binds, v);
	json_array_append(binds, v);
	put_behind(o, i + 1, key, where, binds);
	buf_puts(where, "))");
}

bool
list_order_after(
    const struct list_order *o, const char *key, struct buf *where, json_t *binds)
{
	json_t *values = json_loads(key, 0, NULL);
	bool good = o->has_keys && json_array_size(values) == o->n + 1;
	size_t i;

	for (i = 0; i <= o->n && good; i++) {
		const json_t *v = json_array_get(values, i);

		good = json_is_number(v) || (i < o->n && json_is_string(v));
	}
	if (good)
		put_behind(o, 0, values, where, binds);
	json_decref(values);
	return good;
}
