/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of columns, compiled from the table, and rows written with it. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/emit.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_int.h"
#include "msg/message_columns.h"

/* The table of columns and what its cells are made from; only for columns*.c. */

/* What a row is made of. */
struct row {
	const struct msg *m;
	struct topic_vars vars;
	struct span device_id;
	bool id_mismatch;
	const struct reading *reading; /* NULL: a message row */
	struct message_payload payload;
	struct buf *scratch; /* empty, for a cell that stands nowhere yet */
	bool bare; /* this cell needs no quote and no escape, and is not empty */
};

enum {
	IN_MESSAGE = 1,
	IN_READING = 2,
	IN_BOTH = IN_MESSAGE | IN_READING,
	DEFAULT = 4,
	BARE = 8, /* its cells never need a quote or an escape, and are never empty */
};

struct column {
	const char *name; /* NULL: the end of the table */
	/* The cell's characters; p == NULL is NULL. */
	struct span (*cell)(struct row *r);
	unsigned flags;
};

enum { MESSAGE_COLUMNS_MAX = 32 };
extern const struct column columns_known[MESSAGE_COLUMNS_MAX];

struct columns {
	enum message_columns_format format;
	bool readings;
	size_t n;
	const struct column *column[MESSAGE_COLUMNS_MAX];
	struct buf scratch;
	struct buf compact; /* the payload of the message that is in hand */
};

/* Bytes that a cell may not hold as they are. */
static const bool special[][256] = {
    [MESSAGE_COLUMNS_CSV] =
	{[','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true, [0] = true},
    [MESSAGE_COLUMNS_TSV] =
	{['\t'] = true, ['\\'] = true, ['\r'] = true, ['\n'] = true, [0] = true},
};

/* What nearly every cell is: bytes that neither format touches. */
static bool
is_bare(struct span s, enum message_columns_format format)
{
	return s.n != 0 && ascii_plain_all((const unsigned char *)s.p, s.n) &&
	    (format == MESSAGE_COLUMNS_TSV || memchr(s.p, ',', s.n) == NULL);
}

static char *
write_special(char *to, char c, enum message_columns_format format)
{
	static const char letters[] = {
	    ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['\\'] = '\\'};

	if (c == '\0')
		return EMIT(to, "\xEF\xBF\xBD");
	if (format == MESSAGE_COLUMNS_TSV) {
		*to++ = '\\';
		c = letters[(unsigned char)c];
	} else if (c == '"') {
		*to++ = '"';
	}
	*to = c;
	return to + 1;
}

static bool
has_special(struct span s, enum message_columns_format format)
{
	size_t i = 0;

	while (i < s.n && !special[format][(unsigned char)s.p[i]])
		i++;
	return i < s.n;
}

static bool
begins_with(const char *p, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - p) >= n && memcmp(p, with, n) == 0;
}

/* psql before version 18 takes a line \. for the end of the data, inside quotes too. */
static bool
ends_copy(struct span s)
{
	const char *p = s.p, *end = s.p + s.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (begins_with(p, end, "\\.\n") || begins_with(p, end, "\\.\r\n"))
			return true;
	}
	return false;
}

static void
put_odd_cell(struct buf *out, struct span s, enum message_columns_format format)
{
	const bool quoted = format == MESSAGE_COLUMNS_CSV &&
	    (s.n == 0 || has_special(s, format) || span_is(s, "\\."));
	const char *p = s.p, *end = p + s.n;
	char *to = buf_reserve(out, 3 * s.n + 2);

	if (quoted)
		*to++ = '"';
	while (p < end) {
		if (end - p >= 16) {
			const unsigned n =
			    ascii_plain_of_sixteen((const unsigned char *)p);

			memcpy(to, p, 16);
			to += n;
			p += n;
			if (n == 16)
				continue;
		}
		if (special[format][(unsigned char)*p])
			to = write_special(to, *p, format);
		else
			*to++ = *p;
		p++;
	}
	if (quoted)
		*to++ = '"';
	out->n = (size_t)(to - out->p);
}

/* False if the cell cannot be in a row. */
static bool
put_cell(struct buf *out, struct span s, enum message_columns_format format, bool bare)
{
	if (s.p == NULL && format == MESSAGE_COLUMNS_TSV)
		PUT(out, "\\N");
	else if (s.p != NULL && (bare || is_bare(s, format)))
		buf_span(out, s);
	else if (s.p != NULL && format == MESSAGE_COLUMNS_CSV && ends_copy(s))
		return false;
	else if (s.p != NULL)
		put_odd_cell(out, s, format);
	return true;
}

static bool
put_row(struct columns *c, struct buf *out, struct row *r)
{
	const char separator = c->format == MESSAGE_COLUMNS_TSV ? '\t' : ',';
	size_t i;

	r->scratch = &c->scratch;
	for (i = 0; i < c->n; i++) {
		struct span cell;

		buf_clear(&c->scratch);
		r->bare = (c->column[i]->flags & BARE) != 0;
		cell = c->column[i]->cell(r);
		if (!put_cell(out, cell, c->format, r->bare))
			return false;
		buf_putc(out, i + 1 < c->n ? separator : '\n');
	}
	return true;
}

static const char *
put_message(
    struct columns *c, struct buf *out, const struct topic_set *topics, struct row *r)
{
	message_read_compact(&r->payload, r->m, &c->compact);
	r->device_id = r->vars.v[TOPIC_DEVICE_ID];
	r->id_mismatch = message_id_mismatch(&r->payload, r->device_id);
	if (r->id_mismatch && topics->strict)
		return "id";
	return put_row(c, out, r) ? NULL : "range";
}

struct rows {
	struct columns *columns;
	struct buf *out;
	struct row row;
	size_t from; /* where the message's rows begin in `out` */
	bool any_mismatch;
};

static bool
put_reading(void *arg, const struct reading *reading)
{
	struct rows *rows = arg;
	struct row *r = &rows->row;
	size_t from = rows->out->n;

	if (from - rows->from > READING_LINES)
		return false;
	r->reading = reading;
	r->device_id = reading->device_id;
	r->id_mismatch = reading->id_mismatch;
	rows->any_mismatch |= reading->id_mismatch;
	if (put_row(rows->columns, rows->out, r))
		return true;
	rows->out->n = from;
	return false;
}

static const char *
put_readings(
    struct rows *rows, const struct reading_keys *keys, struct reading_report *report)
{
	const struct reading_source from =
	    message_reading_source(rows->row.m, &rows->row.vars, keys);

	return device_reading_each(&from, put_reading, rows, report);
}

const char *
message_columns_put(struct columns *c, struct buf *out, const struct msg *m,
    const struct topic_set *topics, const struct reading_keys *keys,
    struct reading_report *report)
{
	struct rows rows = {.columns = c, .out = out, .row.m = m, .from = out->n};
	const char *error;

	message_begin_report(report);
	if (m->reject != NULL)
		return m->reject;
	message_capture(m, topics, &rows.row.vars);
	if (!c->readings)
		error = put_message(c, out, topics, &rows.row);
	else
		error = put_readings(&rows, keys, report);
	return message_end_report(
	    report, error, rows.any_mismatch && topics->strict, out, rows.from);
}

/* The next column on offer after `from` (NULL: the first), or NULL. */
static const struct column *
next_offered(const struct columns *c, const struct column *from)
{
	const unsigned wanted = c->readings ? IN_READING : IN_MESSAGE;
	const struct column *k = from != NULL ? from + 1 : columns_known;

	while (k->name != NULL && (k->flags & wanted) == 0)
		k++;
	return k->name != NULL ? k : NULL;
}

static int
refuse(const struct columns *c, const char *name, struct err *err)
{
	const struct column *k = NULL;
	struct buf names = {0};

	while ((k = next_offered(c, k)) != NULL)
		buf_printf(&names, " %s", k->name);
	err_set(
	    err, ERR_USAGE, _("unknown column '%s'; there are%s"), name, buf_str(&names));
	buf_release(&names);
	return -1;
}

static int
add_named(struct columns *c, const char *name, struct err *err)
{
	const struct column *k = NULL;
	size_t i;

	do {
		k = next_offered(c, k);
	} while (k != NULL && strcmp(k->name, name) != 0);
	if (k == NULL)
		return refuse(c, name, err);
	for (i = 0; i < c->n; i++) {
		if (c->column[i] == k)
			return err_set(
			    err, ERR_USAGE, _("column '%s' is named twice"), name);
	}
	c->column[c->n++] = k;
	return 0;
}

static int
add_list(struct columns *c, const char *list, struct err *err)
{
	struct strv names = {0};
	int failed = 0;
	size_t i;

	strv_split(&names, list, ',');
	if (names.n == 0)
		failed = refuse(c, list, err);
	for (i = 0; i < names.n && !failed; i++)
		failed = add_named(c, names.v[i], err);
	strv_release(&names);
	return failed;
}

static void
add_defaults(struct columns *c)
{
	const struct column *k = NULL;

	while ((k = next_offered(c, k)) != NULL) {
		if ((k->flags & DEFAULT) != 0)
			c->column[c->n++] = k;
	}
}

int
message_columns_compile(struct columns **out, const char *list,
    enum message_columns_format format, bool readings, struct err *err)
{
	struct columns *c = xcalloc(1, sizeof(*c));

	*c = (struct columns){.format = format, .readings = readings};
	if (list == NULL) {
		add_defaults(c);
	} else if (add_list(c, list, err)) {
		message_columns_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
message_columns_free(struct columns *c)
{
	if (c == NULL)
		return;
	buf_release(&c->scratch);
	buf_release(&c->compact);
	free(c);
}

void
message_columns_header(const struct columns *c, struct buf *out)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (i != 0)
			buf_putc(out, c->format == MESSAGE_COLUMNS_TSV ? '\t' : ',');
		buf_puts(out, c->column[i]->name);
	}
	buf_putc(out, '\n');
}

/* The columns, each the cell of a row. */

static struct span
flag(bool on)
{
	return on ? SPAN("true") : SPAN("false");
}

static struct span
number(struct row *r, uint64_t v)
{
	buf_u64(r->scratch, v);
	return buf_as_span(r->scratch);
}

static struct span
json_cell(struct row *r, struct span value)
{
	switch (json_kind(value)) {
	case JSON_KIND_NONE:
	case JSON_KIND_NULL: return (struct span){0};
	case JSON_KIND_STRING:
		if (memchr(value.p, '\\', value.n) == NULL)
			return (struct span){value.p + 1, value.n - 2};
		json_unescape(r->scratch, value);
		return buf_as_span(r->scratch);
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		json_put_compact(r->scratch, value);
		return buf_as_span(r->scratch);
	default: r->bare = true; return value;
	}
}

static struct span
cell_received_at(struct row *r)
{
	buf_time(r->scratch, r->m->received_us);
	return buf_as_span(r->scratch);
}

static struct span
cell_topic(struct row *r)
{
	return r->m->topic;
}

static struct span
cell_device_id(struct row *r)
{
	return r->device_id;
}

static struct span
cell_sensor_type(struct row *r)
{
	return r->vars.v[TOPIC_SENSOR_TYPE];
}

static struct span
cell_sensor(struct row *r)
{
	return r->reading->sensor;
}

static struct span
cell_value(struct row *r)
{
	return json_cell(r, r->reading->value);
}

static struct span
cell_value_type(struct row *r)
{
	static const char *const names[] = {
	    [JSON_KIND_NULL] = "null",
	    [JSON_KIND_FALSE] = "boolean",
	    [JSON_KIND_TRUE] = "boolean",
	    [JSON_KIND_NUMBER] = "number",
	    [JSON_KIND_STRING] = "string",
	    [JSON_KIND_ARRAY] = "array",
	    [JSON_KIND_OBJECT] = "object",
	};

	return span_of(names[json_kind(r->reading->value)]);
}

static struct span
cell_timestamp(struct row *r)
{
	return json_cell(r, r->reading->timestamp);
}

static struct span
cell_qos(struct row *r)
{
	return number(r, r->m->qos);
}

static struct span
cell_retain(struct row *r)
{
	return flag(r->m->retain);
}

static struct span
cell_mid(struct row *r)
{
	return r->m->qos != 0 ? number(r, r->m->mid) : (struct span){0};
}

static struct span
cell_dup(struct row *r)
{
	return flag(r->m->dup);
}

static struct span
cell_id_mismatch(struct row *r)
{
	return flag(r->id_mismatch);
}

static struct span
cell_payload(struct row *r)
{
	return r->payload.kind == MESSAGE_JSON ? r->payload.value : (struct span){0};
}

static struct span
cell_payload_text(struct row *r)
{
	return r->payload.kind == MESSAGE_TEXT ? r->payload.value : (struct span){0};
}

static struct span
cell_payload_b64(struct row *r)
{
	if (r->payload.kind != MESSAGE_BINARY)
		return (struct span){0};
	base64_put(r->scratch, r->payload.value);
	return buf_as_span(r->scratch);
}

static struct span
cell_content_type(struct row *r)
{
	return r->m->props.content_type;
}

const struct column columns_known[MESSAGE_COLUMNS_MAX] = {
    {"received_at", cell_received_at, IN_BOTH | DEFAULT | BARE},
    {"device_id", cell_device_id, IN_BOTH | DEFAULT},
    {"sensor_type", cell_sensor_type, IN_BOTH},
    {"sensor", cell_sensor, IN_READING | DEFAULT},
    {"value", cell_value, IN_READING | DEFAULT},
    {"value_type", cell_value_type, IN_READING | BARE},
    {"timestamp", cell_timestamp, IN_READING | DEFAULT},
    {"topic", cell_topic, IN_BOTH | DEFAULT},
    {"qos", cell_qos, IN_BOTH | DEFAULT | BARE},
    {"retain", cell_retain, IN_BOTH | DEFAULT | BARE},
    {"mid", cell_mid, IN_BOTH | DEFAULT | BARE},
    {"dup", cell_dup, IN_BOTH | BARE},
    {"id_mismatch", cell_id_mismatch, IN_BOTH | BARE},
    {"content_type", cell_content_type, IN_BOTH},
    {"payload", cell_payload, IN_MESSAGE | DEFAULT},
    {"payload_text", cell_payload_text, IN_MESSAGE | DEFAULT},
    {"payload_b64", cell_payload_b64, IN_MESSAGE | DEFAULT | BARE},
};
