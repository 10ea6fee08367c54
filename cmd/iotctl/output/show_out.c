/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of foreign bytes to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/visible.h"
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
	struct buf shown = {0};

	visible_put(&shown, span_of(s));
	return buf_steal(&shown);
}

void
show_bytes(struct span bytes)
{
	struct buf shown = {0};

	if (show_is_for_person()) {
		visible_put_lines(&shown, bytes);
		bytes = buf_as_span(&shown);
	}
	if (bytes.n != 0)
		fwrite(bytes.p, 1, bytes.n, stdout);
	buf_release(&shown);
}

void
show_raw(struct span body)
{
	show_bytes(body);
	if (body.n != 0 && body.p[body.n - 1] != '\n')
		putchar('\n');
}
