/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/fleet_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic.h"

enum { LARGEST = 64 << 20, LONGEST_INTERVAL = 86400 };

/* In place of a column: it has no name, and so must be empty, as spreadsheets write it behind the last; or the user
 * wants nothing of it. */
enum { UNNAMED = -2, IGNORED = -3 };

const char *const fleet_file_names[FLEET_COLUMNS] = {
    [FLEET_DEVICE] = "identificador_unico",
    [FLEET_NAME] = "nombre",
    [FLEET_TYPE] = "tipo",
    [FLEET_PLACE] = "ubicacion",
    [FLEET_BROKER] = "broker",
    [FLEET_PUBLISH] = "publish_topic",
    [FLEET_SUBSCRIBE] = "subscribe_topics",
    [FLEET_SENSORS] = "sensores",
    [FLEET_INTERVAL] = "publish_interval",
};

/* What people call them in English; the schema's aliases are among these. */
enum { ALIASES = 3 };
static const char *const aliases[FLEET_COLUMNS][ALIASES] = {
    [FLEET_DEVICE] = {"device", "device_id", "identifier"},
    [FLEET_NAME] = {"name"},
    [FLEET_TYPE] = {"type"},
    [FLEET_PLACE] = {"location"},
    [FLEET_SENSORS] = {"sensors"},
    [FLEET_INTERVAL] = {"interval"},
};

struct reader {
	struct fleet_file *f;
	const char *path;
	const struct strv *ignored; /* columns; may be NULL */
	struct err *err;
};

static struct span
without_blanks(const char *s)
{
	const char *from = s + strspn(s, " \t");
	size_t n = strlen(from);

	while (n > 0 && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	return (struct span){from, n};
}

static bool
same_word(struct span word, const char *name)
{
	return name != NULL && word.n == strlen(name) &&
	    strncasecmp(word.p, name, word.n) == 0;
}

int
fleet_file_column(const char *word)
{
	struct span w = without_blanks(word);
	int i, k;

	for (i = 0; i < FLEET_COLUMNS; i++) {
		if (same_word(w, fleet_file_names[i]))
			return i;
		for (k = 0; k < ALIASES; k++) {
			if (same_word(w, aliases[i][k]))
				return i;
		}
	}
	return -1;
}

static bool
is_ignored(const struct reader *r, const char *name)
{
	struct span w = without_blanks(name);
	size_t i;

	for (i = 0; r->ignored != NULL && i < r->ignored->n; i++) {
		if (same_word(w, r->ignored->v[i]))
			return true;
	}
	return false;
}

static int
find_name(const struct reader *r, size_t line, const char *name)
{
	const char *names[FLEET_COLUMNS + 1] = {NULL};
	const char *near;
	int i = is_ignored(r, name) ? IGNORED : fleet_file_column(name);

	if (i != -1)
		return i;
	for (i = 0; i < FLEET_COLUMNS; i++)
		names[i] = fleet_file_names[i];
	near = text_nearest(name, names);
	if (near != NULL)
		return err_set(r->err, ERR_USAGE,
		    _("%s:%zu: unknown column '%s'; did you mean '%s'?"), r->path, line,
		    name, near);
	return err_set(r->err, ERR_USAGE,
	    _("%s:%zu: unknown column '%s'; a fleet file has identificador_unico, "
	      "nombre, "
	      "tipo, ubicacion, broker, publish_topic, subscribe_topics, sensores, "
	      "publish_interval (--ignore-columns leaves others out)"),
	    r->path, line, name);
}

static struct fleet_file_row *
add_row(struct fleet_file *f, size_t line)
{
	if ((f->n & (f->n + 1)) == 0)
		f->rows = xreallocarray(f->rows, f->n * 2 + 2, sizeof(*f->rows));
	f->rows[f->n] = (struct fleet_file_row){.line = line};
	return &f->rows[f->n++];
}

static void
check_row(struct fleet_file_row *row)
{
	const char *device = row->text[FLEET_DEVICE];
	const char *interval = row->text[FLEET_INTERVAL];
	struct err id = {0}, why = {0};
	int64_t seconds;

	if (device == NULL)
		err_set(&id, ERR_USAGE, _("no identificador_unico"));
	else
		topic_check_id(span_of(device), fleet_file_names[FLEET_DEVICE], &id);
	if (interval != NULL)
		text_int(interval, 1, LONGEST_INTERVAL, fleet_file_names[FLEET_INTERVAL],
		    &seconds, &why);
	if (id.code != ERR_OK || why.code != ERR_OK)
		row->wrong = xasprintf("%s%s%s", id.text,
		    id.code != ERR_OK && why.code != ERR_OK ? "; " : "", why.text);
}

static int
take_columns(struct reader *r, const struct csv *t, int *column)
{
	bool taken[FLEET_COLUMNS] = {false};
	size_t i;
	int found;

	for (i = 0; i < t->columns; i++) {
		found = without_blanks(t->header.cells[i]).n != 0
		    ? find_name(r, t->header.line, t->header.cells[i])
		    : UNNAMED;
		if (found == -1)
			return -1;
		if (found >= 0 && taken[found])
			return err_set(r->err, ERR_USAGE,
			    _("%s:%zu: column '%s' is there twice"), r->path,
			    t->header.line, fleet_file_names[found]);
		if (found >= 0)
			taken[found] = true;
		column[i] = found;
	}
	return 0;
}

static int
take_cells(struct reader *r, struct fleet_file_row *row, const struct csv_row *from,
    const int *column, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct span cell = without_blanks(from->cells[i]);

		if (cell.n == 0 || column[i] == IGNORED)
			continue;
		if (column[i] == UNNAMED)
			return err_set(r->err, ERR_USAGE,
			    _("%s:%zu: '%s' is in a column without a name"), r->path,
			    row->line, from->cells[i]);
		row->text[column[i]] = xstrndup(cell.p, cell.n);
	}
	return 0;
}

static int
read_csv(struct reader *r, struct span text)
{
	struct csv t;
	int failed = csv_read(&t, r->path, text, r->err);
	int *column = xcalloc(t.columns + 1, sizeof(*column));
	size_t i;

	if (!failed)
		failed = take_columns(r, &t, column);
	for (i = 0; !failed && i < t.n; i++) {
		struct fleet_file_row *row;

		if (csv_row_is_blank(&t, &t.rows[i]))
			continue;
		row = add_row(r->f, t.rows[i].line);
		failed = take_cells(r, row, &t.rows[i], column, t.columns);
		check_row(row);
	}
	free(column);
	csv_release(&t);
	return failed ? -1 : 0;
}

static int
put_scalar(struct buf *out, struct span value)
{
	enum json_kind kind = json_kind(value);

	if (kind == JSON_KIND_STRING)
		json_unescape(out, value);
	else if (kind == JSON_KIND_NUMBER)
		buf_span(out, value);
	return kind == JSON_KIND_STRING || kind == JSON_KIND_NUMBER ||
		kind == JSON_KIND_NULL
	    ? 0
	    : -1;
}

/* A scalar, or an array of them as a list with ";". */
static int
put_value(struct buf *out, struct span value)
{
	struct json_iter it = {.value = value};

	if (json_kind(value) != JSON_KIND_ARRAY)
		return put_scalar(out, value);
	while (json_next(&it)) {
		if (out->n != 0)
			buf_putc(out, ';');
		if (put_scalar(out, it.item))
			return -1;
	}
	return 0;
}

static int
take_member(struct reader *r, struct fleet_file_row *row, const struct json_iter *it)
{
	struct buf name = {0}, value = {0};
	int column, failed = 0;

	json_unescape(&name, it->key);
	column = find_name(r, row->line, buf_str(&name));
	if (column < 0)
		failed = column == IGNORED ? 0 : -1;
	else if (put_value(&value, it->item))
		failed = err_set(r->err, ERR_USAGE,
		    _("%s:%zu: '%s' must be a string, a number or an array of them"),
		    r->path, row->line, fleet_file_names[column]);
	else if (value.n != 0 && row->text[column] != NULL)
		failed = err_set(r->err, ERR_USAGE, _("%s:%zu: '%s' is there twice"),
		    r->path, row->line, fleet_file_names[column]);
	else if (value.n != 0)
		row->text[column] = buf_steal(&value);
	buf_release(&name);
	buf_release(&value);
	return failed;
}

static int
take_object(struct reader *r, size_t line, struct span object)
{
	struct json_iter it = {.value = object};
	struct fleet_file_row *row;

	if (json_kind(object) != JSON_KIND_OBJECT)
		return err_set(
		    r->err, ERR_USAGE, _("%s:%zu: not a JSON object"), r->path, line);
	row = add_row(r->f, line);
	while (json_next(&it)) {
		if (take_member(r, row, &it))
			return -1;
	}
	check_row(row);
	return 0;
}

static bool
is_blank(struct span s)
{
	size_t i;

	for (i = 0; i < s.n && strchr(" \t\r", s.p[i]) != NULL; i++)
		;
	return i == s.n;
}

static int
read_object(struct reader *r, size_t line, struct span text)
{
	struct span object;

	if (!json_check(text, &object, NULL))
		return err_set(r->err, ERR_USAGE,
		    _("%s:%zu: not a JSON object on one line (jq -c . writes them so)"),
		    r->path, line);
	return take_object(r, line, object);
}

static size_t
lines_in(const char *from, const char *to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

/* An array of objects, as iotctl -o json writes it. */
static int
read_array(struct reader *r, struct span text)
{
	struct json_iter it = {0};
	const char *counted = text.p;
	size_t line = 1, at = 0;

	if (!json_check(text, &it.value, &at))
		return err_set(r->err, ERR_USAGE, _("%s:%zu: not a JSON array"), r->path,
		    1 + lines_in(text.p, text.p + at));
	while (json_next(&it)) {
		line += lines_in(counted, it.item.p);
		counted = it.item.p;
		if (take_object(r, line, it.item))
			return -1;
	}
	return 0;
}

static int
read_ndjson(struct reader *r, struct span text)
{
	size_t line = 1;

	while (text.n != 0) {
		const char *end = memchr(text.p, '\n', text.n);
		struct span one = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};

		if (!is_blank(one) && read_object(r, line, one))
			return -1;
		one.n += end != NULL;
		text = (struct span){text.p + one.n, text.n - one.n};
		line++;
	}
	return 0;
}

static int
by_device(const void *a, const void *b)
{
	const struct fleet_file_row *const *x = a, *const *y = b;
	int order = strcmp((*x)->text[FLEET_DEVICE], (*y)->text[FLEET_DEVICE]);

	return order != 0 ? order : (*x)->line < (*y)->line ? -1 : 1;
}

static void
check_twice(struct fleet_file *f)
{
	struct fleet_file_row **sorted = xcalloc(f->n + 1, sizeof(*sorted));
	size_t n = 0, i;

	for (i = 0; i < f->n; i++) {
		if (f->rows[i].text[FLEET_DEVICE] != NULL)
			sorted[n++] = &f->rows[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_device);
	for (i = 1; i < n; i++) {
		const char *device = sorted[i]->text[FLEET_DEVICE];

		if (sorted[i]->wrong == NULL &&
		    strcmp(device, sorted[i - 1]->text[FLEET_DEVICE]) == 0)
			sorted[i]->wrong =
			    xasprintf(_("device '%s' is in line %zu already"), device,
				sorted[i - 1]->line);
	}
	free(sorted);
}

/* The first character that is no blank; '\0' if there is none. */
static char
first_of(struct span text)
{
	size_t i;

	for (i = 0; i < text.n && strchr(" \t\r\n", text.p[i]) != NULL; i++)
		;
	return i < text.n ? text.p[i] : '\0';
}

static int
read_text(struct reader *r, struct span text)
{
	struct span plain = encoding_skip_mark(text);
	size_t line;

	if (encoding_check(text, &line, r->err))
		return err_in(r->err, "%s:%zu", r->path, line);
	switch (first_of(plain)) {
	case '{': return read_ndjson(r, plain);
	case '[': return read_array(r, plain);
	default: return read_csv(r, text);
	}
}

int
fleet_file_read(
    struct fleet_file *f, const char *path, const struct strv *ignored, struct err *err)
{
	struct reader r = {
	    f, strcmp(path, "-") == 0 ? _("standard input") : path, ignored, err};
	struct buf text = {0};
	int failed;

	*f = (struct fleet_file){0};
	failed = file_read(path, LARGEST, &text, err);
	if (!failed)
		failed = read_text(&r, buf_as_span(&text));
	check_twice(f);
	buf_release(&text);
	return failed ? -1 : 0;
}

void
fleet_file_release(struct fleet_file *f)
{
	size_t i, j;

	for (i = 0; i < f->n; i++) {
		for (j = 0; j < FLEET_COLUMNS; j++)
			free(f->rows[i].text[j]);
		free(f->rows[i].wrong);
	}
	free(f->rows);
	*f = (struct fleet_file){0};
}
