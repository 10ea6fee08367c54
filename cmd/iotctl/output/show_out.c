/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of foreign bytes to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "iotctl/output/show.h"

static bool paged;

bool
show_is_for_person(void)
{
	return paged || isatty(STDOUT_FILENO);
}

void
show_to_pager(void)
{
	paged = true;
}

char *
show_text(const char *s)
{
	size_t room = strlen(s) * 4 + 1;
	char *out = xmalloc(room);

	out[utf8_visible(out, room, s)] = '\0';
	return out;
}

/* Line by line: everything but the line ends is made visible. */
static void
show_visible(struct span bytes)
{
	size_t at = 0;

	while (at < bytes.n) {
		const char *end = memchr(bytes.p + at, '\n', bytes.n - at);
		size_t n = end != NULL ? (size_t)(end - bytes.p) - at : bytes.n - at;
		char *line = xstrndup(bytes.p + at, n);
		char *shown = show_text(line);

		fputs(shown, stdout);
		if (end != NULL)
			putchar('\n');
		free(shown);
		free(line);
		at += n + 1;
	}
}

void
show_bytes(struct span bytes)
{
	if (bytes.n == 0)
		return;
	if (show_is_for_person())
		show_visible(bytes);
	else
		fwrite(bytes.p, 1, bytes.n, stdout);
}

void
show_raw(struct span body)
{
	show_bytes(body);
	if (body.n != 0 && body.p[body.n - 1] != '\n')
		putchar('\n');
}
