/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/output/cell.h"
#include "iotctl/output/yaml_emit.h"

static void
put_out(const struct buf *b)
{
	show_bytes(buf_as_span(b));
}

/* Whether it is "x_display" of a choice x: a table shows that word in the column x. */
static bool
is_word_of(const struct schema_resource *r, const struct schema_field *f)
{
	static const char suffix[] = "_display";
	size_t n = strlen(f->name);
	const struct schema_field *of;
	char *name;

	if (n < sizeof(suffix) || strcmp(f->name + n - sizeof(suffix) + 1, suffix) != 0)
		return false;
	name = xstrndup(f->name, n - sizeof(suffix) + 1);
	of = schema_field(r, name);
	free(name);
	return of != NULL;
}

/* Whether a format shows the field without --columns. */
static bool
is_default(const struct show *s, const struct schema_field *f)
{
	unsigned hidden = SCHEMA_DETAIL |
	    (s->ctl->args->show_secrets ? 0u : (unsigned)SCHEMA_WRITE_ONLY);

	if (s->format == FORMAT_TABLE && s->many)
		return (f->flags & SCHEMA_COLUMN) != 0;
	if (s->format == FORMAT_TABLE && is_word_of(s->r, f))
		return false;
	return (f->flags & hidden) == 0;
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

	*s = (struct show){
	    .ctl = c, .r = r, .many = many, .format = (enum format)c->args->format};
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

static void
put_member(struct show *s, const struct schema_field *f, struct span key,
    struct span value, struct buf *out)
{
	buf_span(out, key);
	buf_putc(out, ':');
	if (f != NULL && !s->ctl->args->show_secrets && cell_is_secret(f, value))
		buf_puts(out, "\"********\"");
	else
		json_put_compact(out, value);
}

/* The whole object, each member as sent but for secrets. */
static void
put_whole(struct show *s, struct span object, struct buf *out)
{
	struct json_iter it = {.value = object};
	struct buf name = {0};

	buf_putc(out, '{');
	while (json_next(&it)) {
		buf_clear(&name);
		json_unescape(&name, it.key);
		if (out->p[out->n - 1] != '{')
			buf_putc(out, ',');
		put_member(s, schema_field(s->r, buf_str(&name)), it.key, it.item, out);
	}
	buf_putc(out, '}');
	buf_release(&name);
}

/* The object, or only the members asked for. */
static void
put_json(struct show *s, struct span object, struct buf *out)
{
	struct span value;
	size_t i;

	if (json_kind(object) != JSON_KIND_OBJECT) {
		json_put_compact(out, object);
		return;
	}
	if (s->ctl->args->columns.n == 0) {
		put_whole(s, object, out);
		return;
	}
	buf_putc(out, '{');
	for (i = 0; s->columns[i] != NULL; i++) {
		char *key;

		if (!json_member(object, s->columns[i]->name, &value))
			continue;
		key = xasprintf("%s\"%s\"", out->p[out->n - 1] != '{' ? "," : "",
		    s->columns[i]->name);
		put_member(s, s->columns[i], span_of(key), value, out);
		free(key);
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
show_yaml(struct show *s, struct span object)
{
	struct buf json = {0}, text = {0};

	put_json(s, object, &json);
	if (s->many)
		yaml_emit_item(&text, buf_as_span(&json));
	else
		yaml_emit_put(&text, buf_as_span(&json));
	put_out(&text);
	buf_release(&text);
	buf_release(&json);
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
		cell_field(object, s->columns[i], s->ctl->args->show_secrets, &cell);
		csv_put(&line, buf_as_span(&cell), ',');
	}
	buf_putc(&line, '\n');
	put_out(&line);
	buf_release(&cell);
	buf_release(&line);
}

static void
put_words(struct show *s, struct span object, size_t column, struct buf *cell)
{
	const struct schema_field *f = s->columns[column];
	const struct args *a = s->ctl->args;

	buf_clear(cell);
	cell_words(object, f, a->api.tz, a->show_secrets, cell);
	s->zoneless = s->zoneless ||
	    (f->type == SCHEMA_TIME && a->api.tz == NULL && cell_is_zoneless(object, f));
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
		put_words(s, object, i, &cell);
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
		put_words(s, object, i, &cell);
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
	    [FORMAT_YAML] = show_yaml,
	};

	shows[s->format](s, object);
	s->count++;
}

static void
end_table(const struct show *s)
{
	const char **names;
	size_t n = 0;

	if (s->zoneless)
		log_warn(_("times are the API's own, which name no zone (api_tz says "
			   "which; 'iotctl login' may find out)"));
	if (!s->many) {
		show_table(&s->cells, 2, NULL);
		return;
	}
	while (s->columns[n] != NULL)
		n++;
	names = xcalloc(n + 1, sizeof(*names));
	for (n = 0; s->columns[n] != NULL; n++)
		names[n] = s->columns[n]->name;
	show_table(&s->cells, n, s->ctl->args->no_header ? NULL : names);
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
	} else if (ok && s->format == FORMAT_YAML && s->many && s->count == 0) {
		put_out(&(struct buf){.p = (char[]){"[]\n"}, .n = 3});
	}
	buf_release(&s->json);
	strv_release(&s->cells);
	free(s->columns);
	*s = (struct show){0};
}
