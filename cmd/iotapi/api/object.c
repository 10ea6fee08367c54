/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an answer shows of each field, and how: its SQL, and its JSON. */
#include "iotapi/api/object.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/tables.h"
#include "iotapi/http/json_out.h"

typedef int putter(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, int column, struct err *err);

/* The devices of a page have mostly the same few sensors, those of a fleet the same broker: each is made once. */
static int
put_nested(struct buf *out, struct db *db, const char *resource, sqlite3_stmt *stmt,
    int column, struct err *err)
{
	const int64_t id = sqlite3_column_int64(stmt, column);
	const size_t before = out->n;
	struct span known;
	char key[64];
	int found = 0;

	snprintf(key, sizeof(key), "%s %lld", resource, (long long)id);
	if (db_is_null(stmt, column)) {
		buf_puts(out, "null");
		return 0;
	}
	if (db_recall(db, span_of(key), &known)) {
		buf_span(out, known);
		return 0;
	}
	found = object_get(out, db, schema_find(resource), id, false, err);
	if (found == 0)
		buf_puts(out, "null");
	if (found == 1)
		db_remember(
		    db, span_of(key), (struct span){out->p + before, out->n - before});
	return found < 0 ? -1 : 0;
}

static int
put_broker(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, int column, struct err *err)
{
	return put_nested(out, db, "broker", stmt, column, err);
}

static int
put_topic(struct buf *out, struct db *db, sqlite3_stmt *stmt, int column, struct err *err)
{
	return put_nested(out, db, "topic", stmt, column, err);
}

/* Each is as long as a body may be, and nobody says how many there are. */
static bool
is_too_long(const struct buf *out, size_t before, struct err *err)
{
	if (out->n - before <= OBJECT_MOST)
		return false;
	err_set(err, ERR_REFUSED, _("an object has more than %d MiB"), OBJECT_MOST >> 20);
	return true;
}

static int
put_topics(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, int column, struct err *err)
{
	const struct schema_resource *r = schema_find("topic");
	struct json_iter it = {.value = db_column_text(stmt, column)};
	const size_t before = out->n;
	struct buf number = {0};
	int failed = 0;

	buf_putc(out, '[');
	while (!failed && json_next(&it)) {
		buf_clear(&number);
		buf_span(&number, it.item);
		json_out_comma(out);
		failed =
		    object_get(out, db, r, atoll(buf_str(&number)), false, err) != 1 ||
		    is_too_long(out, before, err);
	}
	buf_putc(out, ']');
	buf_release(&number);
	return failed ? -1 : 0;
}

/* A name that was added to the schema is null in older rows. */
static void
put_text(struct buf *out, sqlite3_stmt *stmt, int column)
{
	if (db_is_null(stmt, column))
		buf_puts(out, "null");
	else
		json_put_string(out, db_column_text(stmt, column));
}

/* What an older iotapi took may be deeper than clients read, and one row would spoil each list that it is in: it is
 * shown as a text, so that it can be seen and replaced. */
static void
put_json(struct buf *out, struct span text)
{
	struct json_scan scan = {.depth = JSON_TAKEN};

	if (text.n > 2 * JSON_TAKEN && !json_scan(text, &scan))
		json_put_text(out, text);
	else
		buf_span(out, text);
}

int
object_put_assignment(struct buf *out, struct db *db, sqlite3_stmt *stmt, struct err *err)
{
	static const char *const numbers[] = {"id", "dispositivo", "sensor"};
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		json_out_key(out, numbers[i]);
		json_out_int(out, sqlite3_column_int64(stmt, (int)i));
	}
	json_out_key(out, "dispositivo_nombre");
	put_text(out, stmt, 3);
	json_out_key(out, "sensor_nombre");
	put_text(out, stmt, 4);
	json_out_key(out, "sensor_detail");
	if (put_nested(out, db, "sensor", stmt, 2, err))
		return -1;
	json_out_key(out, "configuracion_json");
	put_json(out, db_column_text(stmt, 5));
	json_out_key(out, "fecha_asignacion");
	put_text(out, stmt, 6);
	json_out_key(out, "activo");
	buf_puts(out, sqlite3_column_int(stmt, 7) ? "true" : "false");
	buf_putc(out, '}');
	return 0;
}

static int
put_sensors(
    struct buf *out, struct db *db, sqlite3_stmt *stmt, int column, struct err *err)
{
	sqlite3_stmt *list = db_query(db, err,
	    OBJECT_ASSIGNMENTS " WHERE a.dispositivo = ?1 ORDER BY a.id", "i",
	    (int64_t)sqlite3_column_int64(stmt, column));
	const size_t before = out->n;
	int step = list != NULL ? 1 : -1;

	buf_putc(out, '[');
	while (step == 1 && (step = db_step(db, list, err)) == 1) {
		json_out_comma(out);
		if (object_put_assignment(out, db, list, err) ||
		    is_too_long(out, before, err))
			step = -1;
	}
	buf_putc(out, ']');
	if (list != NULL)
		sqlite3_reset(list);
	return step;
}

enum form { ALWAYS, LIST_ONLY };

/* Derived fields of which more must be said than their name says: FIELD_display is the label of a choice,
 * FIELD_nombre the name of what a reference refers to. */
static const struct derived {
	const char *resource, *field;
	const char *sql; /* NULL: as its name says */
	putter *put;     /* NULL: by the field's type */
	enum form form;
} derived[] = {
    {"credential", "has_password", "t.password_hash IS NOT NULL", NULL, ALWAYS},
    {"credential", "has_cert",
	"coalesce(t.client_cert, '') <> '' AND t.client_key_sealed IS NOT NULL", NULL,
	ALWAYS},
    {"device-config", "broker_nombre", NULL, NULL, LIST_ONLY},
    {"device-config", "publish_topic_nombre", NULL, NULL, LIST_ONLY},
    {"device-config", "qos_display", NULL, NULL, LIST_ONLY},
    {"device-config", "broker_detail", "t.broker", put_broker, ALWAYS},
    {"device-config", "publish_topic_detail", "t.publish_topic", put_topic, ALWAYS},
    {"device-config", "subscribe_topics_detail", "t.subscribe_topics", put_topics,
	ALWAYS},
    {"device", "sensores_asignados", "t.id", put_sensors, ALWAYS},
    {"device", "cantidad_sensores",
	"(SELECT count(*) FROM assignment WHERE dispositivo = t.id)", NULL, ALWAYS},
    {"reading", "sensor_unidad", "(SELECT unidad_medida FROM sensor WHERE id = t.sensor)",
	NULL, ALWAYS},
};

static const struct derived *
find_derived(const struct schema_resource *r, const struct schema_field *f)
{
	size_t i;

	if ((f->flags & SCHEMA_DERIVED) == 0)
		return NULL;
	for (i = 0; i < ARRAY_LEN(derived); i++) {
		if (strcmp(derived[i].resource, r->name) == 0 &&
		    strcmp(derived[i].field, f->name) == 0)
			return &derived[i];
	}
	return NULL;
}

/* The field that a derived one called FIELD and the suffix is made from; NULL for other fields. */
static const struct schema_field *
source_field(
    const struct schema_resource *r, const struct schema_field *f, const char *suffix)
{
	const size_t n = strlen(f->name), tail = strlen(suffix);
	const struct schema_field *of;

	if ((f->flags & SCHEMA_DERIVED) == 0 || n <= tail ||
	    strcmp(f->name + n - tail, suffix) != 0)
		return NULL;
	for (of = r->fields; of->name != NULL; of++) {
		if (span_is((struct span){f->name, n - tail}, of->name))
			return of;
	}
	return NULL;
}

/* The field whose choice a FIELD_display explains. */
static const struct schema_field *
explained(const struct schema_resource *r, const struct schema_field *f)
{
	return source_field(r, f, "_display");
}

void
object_field_sql(
    struct buf *out, const struct schema_resource *r, const struct schema_field *f)
{
	const struct derived *d = find_derived(r, f);
	const struct schema_field *of = explained(r, f);
	const struct schema_field *ref = source_field(r, f, "_nombre");

	if (d != NULL && d->sql != NULL) {
		buf_puts(out, d->sql);
	} else if (ref != NULL && ref->ref != NULL) {
		buf_puts(out, "(SELECT nombre FROM ");
		tables_name(out, schema_find(ref->ref));
		buf_printf(out, " WHERE id = t.\"%s\")", ref->name);
	} else {
		buf_printf(out, "t.\"%s\"", of != NULL ? of->name : f->name);
	}
}

/* Whether the field belongs into this form of an answer. */
static bool
is_shown(const struct schema_resource *r, const struct schema_field *f, bool detail)
{
	const struct derived *d = find_derived(r, f);

	if ((f->flags & SCHEMA_WRITE_ONLY) != 0)
		return false;
	if (detail)
		return d == NULL || d->form != LIST_ONLY;
	return (f->flags & SCHEMA_DETAIL) == 0;
}

static void
put_label(struct buf *out, const struct schema_field *of, sqlite3_stmt *stmt, int column)
{
	struct span value = db_column_text(stmt, column);
	const struct schema_choice *c = of->choices;

	while (c->value != NULL && !span_is(value, c->value))
		c++;
	json_out_string(out, c->value != NULL ? c->label : "");
}

static void
put_time(struct buf *out, sqlite3_stmt *stmt, int column)
{
	if (sqlite3_column_type(stmt, column) != SQLITE_INTEGER) {
		json_put_string(out, db_column_text(stmt, column));
		return;
	}
	buf_putc(out, '"');
	buf_time(out, sqlite3_column_int64(stmt, column));
	buf_putc(out, '"');
}

static void
put_plain(struct buf *out, enum schema_type type, sqlite3_stmt *stmt, int column)
{
	switch (type) {
	case SCHEMA_INT:
	case SCHEMA_CHOICE_INT:
	case SCHEMA_REF: json_out_int(out, sqlite3_column_int64(stmt, column)); break;
	case SCHEMA_FLOAT:
		json_out_float(out, sqlite3_column_double(stmt, column));
		break;
	case SCHEMA_BOOL:
		buf_puts(out, sqlite3_column_int(stmt, column) ? "true" : "false");
		break;
	case SCHEMA_JSON: put_json(out, db_column_text(stmt, column)); break;
	case SCHEMA_REFS: buf_span(out, db_column_text(stmt, column)); break;
	case SCHEMA_TIME: put_time(out, stmt, column); break;
	default: json_put_string(out, db_column_text(stmt, column));
	}
}

/* A field of an answer, and what is known of it. */
struct shown {
	const struct schema_field *f;
	const struct derived
	    *derived; /* NULL: it is a column, or follows from its name */
	const struct schema_field *explained; /* whose label it is; NULL: it is none */
	char *key;                            /* "NAME": */
};

/* Of an answer: made of the schema once, since lists of thousands of objects go through it for each. */
static struct layout {
	struct shown *shown;
	size_t n;
	char *select; /* SELECT ... FROM table t */
	char *by_id;  /* the same of one object */
} * layouts;          /* two a resource of the schema: of lists, and of one object */

static void
show(struct layout *l, const struct schema_resource *r, const struct schema_field *f)
{
	l->shown = xreallocarray(l->shown, l->n + 1, sizeof(*l->shown));
	l->shown[l->n++] = (struct shown){
	    f, find_derived(r, f), explained(r, f), xasprintf("\"%s\":", f->name)};
}

static void
make_layout(struct layout *l, const struct schema_resource *r, bool detail)
{
	const struct schema_field *f;
	struct buf sql = {0};

	for (f = r->fields; f->name != NULL; f++) {
		if (!is_shown(r, f, detail))
			continue;
		buf_puts(&sql, l->n == 0 ? "SELECT " : ", ");
		object_field_sql(&sql, r, f);
		show(l, r, f);
	}
	buf_puts(&sql, " FROM ");
	tables_name(&sql, r);
	buf_puts(&sql, " t");
	l->select = buf_steal(&sql);
	l->by_id = xasprintf("%s WHERE t.id = ?1", l->select);
}

static void
make_layouts(void)
{
	const struct schema_resource *r;
	size_t n = 0;

	for (r = schema; r->name != NULL; r++)
		n++;
	layouts = xcalloc(2 * n, sizeof(*layouts));
	for (r = schema; r->name != NULL; r++) {
		make_layout(&layouts[2 * (r - schema)], r, false);
		make_layout(&layouts[2 * (r - schema) + 1], r, true);
	}
}

static const struct layout *
layout_of(const struct schema_resource *r, bool detail)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_layouts);
	return &layouts[2 * (r - schema) + detail];
}

/* Writes the value that object_field_sql selected. */
static int
put_field(struct buf *out, struct db *db, const struct shown *s, sqlite3_stmt *stmt,
    int column, struct err *err)
{
	if (s->derived != NULL && s->derived->put != NULL)
		return s->derived->put(out, db, stmt, column, err);
	if (db_is_null(stmt, column))
		buf_puts(out, "null");
	else if (s->explained != NULL)
		put_label(out, s->explained, stmt, column);
	else
		put_plain(out, s->f->type, stmt, column);
	return 0;
}

const char *
object_select(const struct schema_resource *r, bool detail)
{
	return layout_of(r, detail)->select;
}

int
object_put(struct buf *out, struct db *db, const struct schema_resource *r,
    sqlite3_stmt *stmt, bool detail, struct err *err)
{
	const struct layout *l = layout_of(r, detail);
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < l->n; i++) {
		const struct shown *s = &l->shown[i];

		if ((s->f->flags & SCHEMA_MAY_MISS) != 0 && db_is_null(stmt, (int)i))
			continue;
		json_out_comma(out);
		buf_puts(out, s->key);
		if (put_field(out, db, s, stmt, (int)i, err))
			return -1;
	}
	buf_putc(out, '}');
	return 0;
}

int
object_get(struct buf *out, struct db *db, const struct schema_resource *r, int64_t id,
    bool detail, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err, layout_of(r, detail)->by_id, "i", id);
	int step;

	if (stmt == NULL)
		return -1;
	step = db_step(db, stmt, err);
	if (step == 1 && object_put(out, db, r, stmt, detail, err))
		step = -1;
	sqlite3_reset(stmt);
	return step;
}
