/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "show.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cell.h"
#include "conf/csv.h"

static void
put_out(const struct buf *b)
{
	show_bytes(buf_as_span(b));
}

/* What a format shows of its own accord. */
static bool
is_default(const struct show *s, const struct schema_field *f)
{
	if (s->format == FORMAT_TABLE && s->many)
		return (f->flags & SCHEMA_COLUMN) != 0;
	return (f->flags & (SCHEMA_WRITE_ONLY | SCHEMA_DETAIL)) == 0;
}

static void
add_column(struct show *s, size_t *n, const struct schema_field *f)
{
	s->columns = xreallocarray(s->columns, *n + 2, sizeof(struct schema_field *));
	s->columns[(*n)++] = f;
	s->columns[*n] = NULL;
}

int
show_start(struct show *s, struct ctl *c, const struct schema_resource *r, bool many,
    struct err *err)
{
	const struct strv *asked = &c->args->columns;
	const struct schema_field *f;
	size_t n = 0, i;

	*s = (struct show){.ctl = c,
	    .r = r,
	    .many = many,
	    .format = c->args->json ? FORMAT_JSON : (enum format)c->args->format};
	for (i = 0; i < asked->n; i++) {
		f = schema_need_field(r, asked->v[i], err);
		if (f == NULL) {
			free(s->columns);
			s->columns = NULL;
			return err_in(err, "--columns");
		}
		add_column(s, &n, f);
	}
	for (f = r->fields; asked->n == 0 && f->name != NULL; f++) {
		if (is_default(s, f))
			add_column(s, &n, f);
	}
	return 0;
}

/* The object itself, or only the members asked for, each as sent. */
static void
put_json(struct show *s, struct span object, struct buf *out)
{
	struct span value;
	bool first = true;
	size_t i;

	if (s->ctl->args->columns.n == 0) {
		json_put_compact(out, object);
		return;
	}
	buf_putc(out, '{');
	for (i = 0; s->columns[i] != NULL; i++) {
		if (!json_member(object, s->columns[i]->name, &value))
			continue;
		buf_printf(out, "%s\"%s\":", first ? "" : ",", s->columns[i]->name);
		json_put_compact(out, value);
		first = false;
	}
	buf_putc(out, '}');
}

static void
show_json(struct show *s, struct span object)
{
	if (s->many)
		buf_puts(&s->json, s->count == 0 ? "[" : ",\n ");
	put_json(s, object, &s->json);
}

static void
show_ndjson(struct show *s, struct span object)
{
	struct buf line = {0};

	put_json(s, object, &line);
	buf_putc(&line, '\n');
	put_out(&line);
	buf_release(&line);
}

static void
csv_header(const struct show *s)
{
	struct buf line = {0};
	size_t i;

	for (i = 0; s->columns[i] != NULL; i++) {
		if (i != 0)
			buf_putc(&line, ',');
		csv_put(&line, span_of(s->columns[i]->name), ',');
	}
	buf_putc(&line, '\n');
	put_out(&line);
	buf_release(&line);
}

static void
show_csv(struct show *s, struct span object)
{
	struct buf line = {0};
	struct buf cell = {0};
	size_t i;

	if (s->count == 0 && !s->ctl->args->no_header)
		csv_header(s);
	for (i = 0; s->columns[i] != NULL; i++) {
		if (i != 0)
			buf_putc(&line, ',');
		buf_clear(&cell);
		cell_field(object, s->columns[i], &cell);
		csv_put(&line, buf_as_span(&cell), ',');
	}
	buf_putc(&line, '\n');
	put_out(&line);
	buf_release(&cell);
	buf_release(&line);
}

/* One object: a line a field, those it does not have left out. */
static void
show_lines(struct show *s, struct span object)
{
	struct buf cell = {0};
	struct span value;
	size_t i;

	for (i = 0; s->columns[i] != NULL; i++) {
		if (!json_member(object, s->columns[i]->name, &value))
			continue;
		buf_clear(&cell);
		cell_field(object, s->columns[i], &cell);
		strv_add(&s->cells, s->columns[i]->name);
		strv_add(&s->cells, buf_str(&cell));
	}
	buf_release(&cell);
}

static void
show_row(struct show *s, struct span object)
{
	struct buf cell = {0};
	size_t i;

	if (!s->many) {
		show_lines(s, object);
		return;
	}
	for (i = 0; s->columns[i] != NULL; i++) {
		buf_clear(&cell);
		cell_field(object, s->columns[i], &cell);
		strv_add(&s->cells, buf_str(&cell));
	}
	buf_release(&cell);
}

void
show_object(struct show *s, struct span object)
{
	static void (*const shows[])(struct show * s, struct span object) = {
	    [FORMAT_TABLE] = show_row,
	    [FORMAT_JSON] = show_json,
	    [FORMAT_NDJSON] = show_ndjson,
	    [FORMAT_CSV] = show_csv,
	};

	shows[s->format](s, object);
	s->count++;
}

static void
end_table(const struct show *s)
{
	const char **names;
	size_t n = 0;

	if (!s->many) {
		table_print(&s->cells, 2, NULL);
		return;
	}
	while (s->columns[n] != NULL)
		n++;
	names = xcalloc(n + 1, sizeof(*names));
	for (n = 0; s->columns[n] != NULL; n++)
		names[n] = s->columns[n]->name;
	table_print(&s->cells, n, s->ctl->args->no_header ? NULL : names);
	free(names);
}

void
show_end(struct show *s, bool ok)
{
	if (ok && s->format == FORMAT_JSON) {
		if (s->many)
			buf_puts(&s->json, s->count == 0 ? "[]" : "]");
		buf_putc(&s->json, '\n');
		put_out(&s->json);
	} else if (ok && s->format == FORMAT_TABLE) {
		end_table(s);
	} else if (ok && s->format == FORMAT_CSV && s->count == 0 &&
	    !s->ctl->args->no_header) {
		csv_header(s);
	}
	buf_release(&s->json);
	strv_release(&s->cells);
	free(s->columns);
	*s = (struct show){0};
}
