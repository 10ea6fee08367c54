/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

enum { GAP = 2, CELL_MIN = 6 };

/* Columns that a terminal gives it; visible_put left only what prints. */
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

/* Prints the first of it within `room` columns, its end marked. Returns the columns printed. */
static size_t
put_cut(const char *s, size_t room)
{
	mbstate_t state = {0};
	const char *mark = MB_CUR_MAX > 1 ? "…" : "~";
	size_t at = 0, used = 0;

	while (s[at] != '\0') {
		wchar_t c;
		size_t bytes = mbrtowc(&c, s + at, strlen(s + at), &state);
		bool bad = bytes == (size_t)-1 || bytes == (size_t)-2 || bytes == 0;
		int columns = bad ? 1 : wcwidth(c);

		if (used + (size_t)(columns > 0 ? columns : 0) + 1 > room)
			break;
		used += (size_t)(columns > 0 ? columns : 0);
		at += bad ? 1 : bytes;
	}
	printf("%.*s%s", (int)at, s, mark);
	return used + 1;
}

/* Takes columns from the widest until all fit; below CELL_MIN none is cut. */
static void
fit(size_t *widths, size_t columns, size_t room)
{
	size_t total = (columns - 1) * GAP, i;

	for (i = 0; i < columns; i++)
		total += widths[i];
	while (total > room) {
		size_t widest = 0;

		for (i = 1; i < columns; i++) {
			if (widths[i] > widths[widest])
				widest = i;
		}
		if (widths[widest] <= CELL_MIN)
			break;
		widths[widest]--;
		total--;
	}
}

/* A terminal's columns; 0: no terminal, no limit. */
static size_t
terminal_width(void)
{
	struct winsize size = {0};

	int fd = isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;

	if (!show_is_for_person() || ioctl(fd, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

static void
put_row(char *const *cells, size_t columns, const size_t *widths)
{
	size_t i;

	while (columns > 1 && cells[columns - 1][0] == '\0')
		columns--;
	for (i = 0; i < columns; i++) {
		bool last = i + 1 == columns;
		size_t w = width(cells[i]);

		if (w > widths[i])
			w = put_cut(cells[i], widths[i]);
		else
			fputs(cells[i], stdout);
		if (!last)
			printf("%*s", (int)(widths[i] - w + GAP), "");
	}
	putchar('\n');
}

void
show_table(const struct strv *cells, size_t columns, const char *const *header)
{
	size_t *widths = xcalloc(columns, sizeof(*widths));
	struct strv shown = {0};
	size_t room = terminal_width();
	size_t i;

	for (i = 0; header != NULL && i < columns; i++)
		strv_add(&shown, header[i]);
	for (i = 0; i < cells->n; i++) {
		char *cell = show_text(cells->v[i]);

		strv_add(&shown, cell);
		free(cell);
	}
	for (i = 0; i < shown.n; i++) {
		size_t w = width(shown.v[i]);

		widths[i % columns] = w > widths[i % columns] ? w : widths[i % columns];
	}
	if (room != 0)
		fit(widths, columns, room);
	for (i = 0; i + columns <= shown.n; i += columns)
		put_row(shown.v + i, columns, widths);
	strv_release(&shown);
	free(widths);
}
