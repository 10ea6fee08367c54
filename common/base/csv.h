/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A CSV table (RFC 4180) with a header row: quotes, commas and line breaks inside quotes, LF or
 * CRLF, a byte order mark, blank lines, also of blanks, between rows. A header without a comma, but with a semicolon or a tab
 * outside quotes, says that this separates cells, as spreadsheets write it where the comma is in numbers; so does a line such as "sep=;" in front of it. Stricter than most where that saves data: a stray
 * quote, a row with more or fewer cells than the header, a column named twice (several may have no name), more than 4096 columns, bytes that are no
 * UTF-8, a NUL are errors that name the line.
 */
struct csv_row {
	size_t line;  /* where it begins in the text, from 1 */
	char **cells; /* header.n of them, NUL-terminated */
};

struct csv {
	struct csv_row header;
	size_t columns;
	struct csv_row *rows;
	size_t n;
	/* The memory of all that is above. */
	struct buf text;
	char **cells;
};

/* Takes `text` apart (it is copied); `name` is its file, for messages. Text without any row gives an
 * empty table. Release it also after an error. */
int csv_read(struct csv *c, const char *name, struct span text, struct err *err);
/* The column with this name, or -1. */
int csv_column(const struct csv *c, const char *name);
/* Whether all cells of a row are empty or blanks: spreadsheets write such rows for lines that look empty. */
bool csv_row_is_blank(const struct csv *c, const struct csv_row *row);
/* Wipes the cells (they may be secrets) and frees. */
void csv_release(struct csv *c);

/* Appends one cell, in quotes only when it needs them; `sep` is the separator in use. */
void csv_put(struct buf *out, struct span cell, char sep);
/* Appends a row of strings (NULL: an empty cell), with commas and a newline. */
void csv_put_row(struct buf *out, const char *const *cells, size_t n);

#endif
