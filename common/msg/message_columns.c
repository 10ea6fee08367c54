/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of columns, compiled from the table, and rows written with it. */
#include <stdlib.h>

#include "base/emit.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_columns_int.h"

struct columns {
	enum message_columns_format format;
	bool readings;
	size_t n;
	const struct column *column[MESSAGE_COLUMNS_MAX];
	struct buf scratch;
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
	char *to = buf_reserve(out, 3 * s.n + 2);
	size_t i;

	if (quoted)
		*to++ = '"';
	for (i = 0; i < s.n; i++) {
		if (special[format][(unsigned char)s.p[i]])
			to = write_special(to, s.p[i], format);
		else
			*to++ = s.p[i];
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
		buf_clear(&c->scratch);
		if (!put_cell(out, c->column[i]->cell(r), c->format,
			(c->column[i]->flags & BARE) != 0))
			return false;
		buf_putc(out, i + 1 < c->n ? separator : '\n');
	}
	return true;
}

static const char *
put_message(
    struct columns *c, struct buf *out, const struct topic_set *topics, struct row *r)
{
	message_read_payload(&r->payload, r->m->payload);
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
	size_t count;
	bool unfit; /* for a row */
};

static void
put_reading(void *arg, const struct reading *reading)
{
	struct rows *rows = arg;
	struct row *r = &rows->row;
	struct span captured = r->vars.v[TOPIC_DEVICE_ID];

	r->reading = reading;
	r->device_id = captured.p != NULL ? captured : reading->device_id;
	r->id_mismatch = message_reading_mismatch(reading, captured);
	rows->unfit |= !put_row(rows->columns, rows->out, r);
	rows->count++;
}

const char *
message_columns_put(struct columns *c, struct buf *out, const struct msg *m,
    const struct topic_set *topics, size_t *count)
{
	struct rows rows = {.columns = c, .out = out, .row.m = m};
	size_t from = out->n;
	const char *error = m->reject;

	if (error == NULL)
		message_capture(m, topics, &rows.row.vars);
	if (error == NULL && !c->readings) {
		error = put_message(c, out, topics, &rows.row);
		rows.count = 1;
	} else if (error == NULL) {
		error = message_each_reading(m->payload, put_reading, &rows);
		if (error == NULL && rows.count == 0)
			error = "shape";
		else if (error == NULL && rows.unfit)
			error = "range";
		else if (error == NULL && rows.row.id_mismatch && topics->strict)
			error = "id";
	}
	if (error != NULL)
		out->n = from;
	else if (count != NULL)
		*count = rows.count;
	return error;
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
	if (c != NULL)
		buf_release(&c->scratch);
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
