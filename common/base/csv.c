/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encoding.h"
#include "base/mem.h"
#include "base/text.h"

/* Each name is compared with all before it. */
enum { COLUMNS_MAX = 4096 };

static const char hint[] = "sep=";

struct parser {
	const char *name;
	struct span in;
	size_t at;
	size_t line;
	char sep;
	struct buf *text; /* reserved once, so that cells never move */
	char **cells;     /* all of them, in order */
	size_t n, room;
};

static int
wrong(const struct parser *p, size_t line, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s:%zu: %s", p->name, line, what);
}

/* One that a header has outside quotes: cells of data may well have another. */
static char
find_separator(const struct parser *p)
{
	bool quoted = false;
	char found = ',';
	size_t i;

	for (i = p->at; i < p->in.n && (quoted || p->in.p[i] != '\n'); i++) {
		char c = p->in.p[i];

		quoted ^= c == '"';
		if (!quoted && c == ',')
			return ',';
		if (!quoted && (c == ';' || (c == '\t' && found == ',')))
			found = c;
	}
	return found;
}

static const char *
name_of_separator(char sep)
{
	return sep == ',' ? _("a comma") : sep == ';' ? _("a semicolon") : _("a tab");
}

static bool
at_break(const struct parser *p, size_t at)
{
	return at == p->in.n || p->in.p[at] == '\n' ||
	    (p->in.p[at] == '\r' && at + 1 < p->in.n && p->in.p[at + 1] == '\n');
}

static void
skip_break(struct parser *p)
{
	if (p->at < p->in.n && p->in.p[p->at] == '\r')
		p->at++;
	if (p->at < p->in.n)
		p->at++;
	p->line++;
}

static int
quoted_cell(struct parser *p, struct err *err)
{
	size_t began = p->line;
	bool closed = false;

	for (p->at++; p->at < p->in.n; p->at++) {
		char c = p->in.p[p->at];

		if (c == '"' && (++p->at == p->in.n || p->in.p[p->at] != '"')) {
			closed = true;
			break;
		}
		p->line += c == '\n';
		buf_putc(p->text, c);
	}
	if (!closed)
		return wrong(p, began, _("a quote is opened and never closed"), err);
	if (!at_break(p, p->at) && p->in.p[p->at] != p->sep)
		return err_set(err, ERR_USAGE,
		    _("%s:%zu: after a closing quote %s must follow"), p->name, p->line,
		    name_of_separator(p->sep));
	return 0;
}

static int
plain_cell(struct parser *p, struct err *err)
{
	for (; !at_break(p, p->at) && p->in.p[p->at] != p->sep; p->at++) {
		if (p->in.p[p->at] == '"')
			return wrong(p, p->line,
			    _("a quote inside a cell: put the whole cell in quotes and "
			      "double it"),
			    err);
		buf_putc(p->text, p->in.p[p->at]);
	}
	return 0;
}

static int
read_cell(struct parser *p, struct err *err)
{
	size_t begins = p->text->n;
	bool quoted = p->at < p->in.n && p->in.p[p->at] == '"';

	if (quoted ? quoted_cell(p, err) : plain_cell(p, err))
		return -1;
	buf_putc(p->text, '\0');
	if (p->n == p->room) {
		p->room = p->room * 2 + 64;
		p->cells = xreallocarray(p->cells, p->room, sizeof(*p->cells));
	}
	p->cells[p->n++] = p->text->p + begins;
	return 0;
}

/* One row's cells; the row's line and the number of cells come back. */
static int
read_row(struct parser *p, size_t *line, size_t *count, struct err *err)
{
	size_t before = p->n;

	*line = p->line;
	for (;;) {
		if (read_cell(p, err))
			return -1;
		if (at_break(p, p->at))
			break;
		p->at++;
	}
	skip_break(p);
	*count = p->n - before;
	return 0;
}

static void
skip_blank_lines(struct parser *p)
{
	while (p->at < p->in.n && at_break(p, p->at))
		skip_break(p);
}

static int
check_header(struct csv *c, struct parser *p, struct err *err)
{
	size_t i, j;

	if (c->columns > COLUMNS_MAX)
		return err_set(err, ERR_USAGE, _("%s:%zu: more than %d columns"), p->name,
		    c->header.line, COLUMNS_MAX);
	for (i = 0; i < c->columns; i++) {
		for (j = 0; p->cells[i][0] != '\0' && j < i; j++) {
			if (strcmp(p->cells[i], p->cells[j]) == 0)
				return err_set(err, ERR_USAGE,
				    _("%s:%zu: column '%s' is there twice"), p->name,
				    c->header.line, p->cells[i]);
		}
	}
	return 0;
}

/* A list with ";" inside a cell is most likely where that separates the cells, too. */
static int
refuse_count(const struct csv *c, const struct parser *p, size_t line, size_t count,
    struct err *err)
{
	err_set(err, ERR_USAGE,
	    P_("%s:%zu: %zu cell where the header has %zu",
		"%s:%zu: %zu cells where the header has %zu", count),
	    p->name, line, count, c->columns);
	if (p->sep != ',')
		err_add(err,
		    _(" (%s separates them, as in the header: a cell with one goes in "
		      "quotes)"),
		    name_of_separator(p->sep));
	return -1;
}

static bool
is_blank(const char *cell)
{
	return cell[strspn(cell, " \t")] == '\0';
}

static int
read_rows(struct csv *c, struct parser *p, struct err *err)
{
	size_t line, count, room = 0;

	for (skip_blank_lines(p); p->at < p->in.n; skip_blank_lines(p)) {
		if (read_row(p, &line, &count, err))
			return -1;
		if (count == 1 && c->columns > 1 && is_blank(p->cells[p->n - 1])) {
			p->n--;
			continue;
		}
		if (count != c->columns)
			return refuse_count(c, p, line, count, err);
		if (c->n == room) {
			room = room * 2 + 16;
			c->rows = xreallocarray(c->rows, room, sizeof(*c->rows));
		}
		c->rows[c->n++].line = line;
	}
	return 0;
}

/* The array of cells is complete and moves no more. */
static void
hand_out_cells(struct csv *c, char **cells)
{
	size_t i;

	c->cells = cells;
	c->header.cells = cells;
	for (i = 0; i < c->n; i++)
		c->rows[i].cells = cells + (i + 1) * c->columns;
}

/* "sep=;" in front of the header, by which spreadsheets are told. */
static bool
take_hint(struct parser *p)
{
	const size_t n = sizeof(hint) - 1, at = p->at;

	if (p->in.n - at <= n || strncasecmp(p->in.p + at, hint, n) != 0 ||
	    memchr(",;\t", p->in.p[at + n], 3) == NULL || !at_break(p, at + n + 1))
		return false;
	p->sep = p->in.p[at + n];
	p->at = at + n + 1;
	skip_break(p);
	skip_blank_lines(p);
	return true;
}

int
csv_read(struct csv *c, const char *name, struct span text, struct err *err)
{
	struct parser p = {.name = name, .line = 1, .text = &c->text};
	size_t line;
	int failed;

	*c = (struct csv){0};
	buf_reserve(&c->text, text.n + 2);
	failed = encoding_check(text, &line, err) ? err_in(err, "%s:%zu", name, line) : 0;
	p.in = encoding_skip_mark(text);
	skip_blank_lines(&p);
	if (!take_hint(&p))
		p.sep = find_separator(&p);
	if (!failed && p.at < p.in.n)
		failed = read_row(&p, &c->header.line, &c->columns, err) ||
		    check_header(c, &p, err) || read_rows(c, &p, err);
	hand_out_cells(c, p.cells);
	return failed ? -1 : 0;
}

int
csv_column(const struct csv *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->columns; i++) {
		if (strcmp(c->header.cells[i], name) == 0)
			return (int)i;
	}
	return -1;
}

bool
csv_row_is_blank(const struct csv *c, const struct csv_row *row)
{
	size_t i;

	for (i = 0; i < c->columns && is_blank(row->cells[i]); i++)
		;
	return i == c->columns;
}

void
csv_release(struct csv *c)
{
	if (c->text.p != NULL)
		explicit_bzero(c->text.p, c->text.n);
	buf_release(&c->text);
	free(c->rows);
	free(c->cells);
	*c = (struct csv){0};
}

/* In quotes if it has one of these characters, or NUL, or is empty where that matters; at the beginning of a file a
 * cell that begins with a byte order mark would lose it, and one that is the hint would be one, before an empty one. */
static void
put_cell(struct buf *out, struct span cell, const char *special, bool quote_empty)
{
	bool quoted = quote_empty && cell.n == 0;
	size_t i;

	quoted |= encoding_skip_mark(cell).n != cell.n;
	quoted |= cell.n == sizeof(hint) - 1 && strncasecmp(cell.p, hint, cell.n) == 0;
	for (i = 0; i < cell.n && !quoted; i++)
		quoted = strchr(special, cell.p[i]) != NULL;
	if (!quoted) {
		buf_span(out, cell);
		return;
	}
	buf_putc(out, '"');
	for (i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, cell.p[i]);
	}
	buf_putc(out, '"');
}

void
csv_put(struct buf *out, struct span cell, char sep)
{
	const char special[] = {'"', '\r', '\n', sep, '\0'};

	put_cell(out, cell, special, false);
}

/* A row of one empty cell would be a blank line, which is no row, and a header of one cell has no comma: another
 * separator inside would be taken for one. */
void
csv_put_row(struct buf *out, const char *const *cells, size_t n)
{
	size_t i;

	if (n == 1)
		put_cell(out, span_of(cells[0]), "\"\r\n,;\t", true);
	for (i = 0; n > 1 && i < n; i++) {
		if (i != 0)
			buf_putc(out, ',');
		csv_put(out, span_of(cells[i]), ',');
	}
	buf_putc(out, '\n');
}
