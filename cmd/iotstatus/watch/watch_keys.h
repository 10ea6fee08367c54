/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_KEYS_H
#define IOTSTATUS_WATCH_WATCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum sort { SORT_OFFLINE, SORT_CHANGED, SORT_NAME, SORT_STATE, SORTS };

/* What the person at the keys has chosen. */
struct watch_choice {
	enum sort sort;
	char filter[64]; /* a part of the ids that are shown */
	bool typing;     /* the filter */
	int top;         /* first line of the list that is shown */
	int lines;       /* that fit, set by watch_draw */
	int count;       /* of the list, set by watch_draw */
	bool quit;
};

/* Bytes of the keyboard, as read; true if something must be drawn. */
bool watch_keys_take(struct watch_choice *c, const char *p, size_t n);

#endif
