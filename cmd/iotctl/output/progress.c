/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { WIDTH = 40, PATIENCE = 1000000 };

void
progress_start(struct progress *p, size_t total, bool quiet)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	*p = (struct progress){.total = total, .since = clock_wall_us()};
	p->wanted = !quiet && isatty(STDERR_FILENO) &&
	    (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

void
progress_at(struct progress *p, size_t done)
{
	size_t filled = p->total != 0 ? done * WIDTH / p->total : 0;

	if (!p->wanted || clock_wall_us() - p->since < PATIENCE)
		return;
	p->shown = true;
	fprintf(stderr, "\r[%.*s%*s] %zu/%zu", (int)filled,
	    "########################################", (int)(WIDTH - filled), "", done,
	    p->total);
	fflush(stderr);
}

void
progress_hide(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
