/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/text.h"
#include "show.h"

enum { GAP = 2 };

/* Columns that a terminal gives it; text_visible left only what prints. */
static size_t
width(const char *s)
{
	mbstate_t state = {0};
	size_t n = 0;

	while (*s != '\0') {
		wchar_t c;
		size_t bytes = mbrtowc(&c, s, strlen(s), &state);
		int columns;

		if (bytes == (size_t)-1 || bytes == (size_t)-2 || bytes == 0) {
			state = (mbstate_t){0};
			n++;
			s++;
			continue;
		}
		columns = wcwidth(c);
		n += columns > 0 ? (size_t)columns : 0;
		s += bytes;
	}
	return n;
}

static void
put_row(char *const *cells, size_t columns, const size_t *widths)
{
	size_t i;

	while (columns > 1 && cells[columns - 1][0] == '\0')
		columns--;
	for (i = 0; i < columns; i++) {
		bool last = i + 1 == columns;

		fputs(cells[i], stdout);
		if (!last)
			printf("%*s", (int)(widths[i] - width(cells[i]) + GAP), "");
	}
	putchar('\n');
}

void
table_print(const struct strv *cells, size_t columns, const char *const *header)
{
	size_t *widths = xcalloc(columns, sizeof(*widths));
	struct strv shown = {0};
	size_t i;

	for (i = 0; header != NULL && i < columns; i++)
		strv_add(&shown, header[i]);
	for (i = 0; i < cells->n; i++) {
		char *cell = text_shown(cells->v[i]);

		strv_add(&shown, cell);
		free(cell);
	}
	for (i = 0; i < shown.n; i++) {
		size_t w = width(shown.v[i]);

		widths[i % columns] = w > widths[i % columns] ? w : widths[i % columns];
	}
	for (i = 0; i + columns <= shown.n; i += columns)
		put_row(shown.v + i, columns, widths);
	strv_release(&shown);
	free(widths);
}
