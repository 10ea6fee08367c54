/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_DRAW_H
#define IOTSTATUS_WATCH_WATCH_DRAW_H

#include "iotstatus/watch/screen.h"
#include "iotstatus/watch/watch_keys.h"
#include "iotstatus/watch/watch_model.h"

struct watch_headline {
	const char *where;   /* who is asked */
	const char *trouble; /* "" or what is wrong just now */
};

/* Draws the next picture, which screen_flush shows, and keeps the scrolling in `c` within the list. `now` in
 * microseconds since 1970. */
void watch_draw(struct screen *s, const struct watch_model *m, struct watch_choice *c,
    const struct watch_headline *h, int64_t now);

#endif
