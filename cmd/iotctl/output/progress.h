/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_PROGRESS_H
#define IOTCTL_OUTPUT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bar on stderr for work that takes over a second; nothing where nobody watches. */
struct progress {
	size_t total;
	int64_t since;
	bool wanted; /* a terminal, no --quiet, no NO_COLOR, no dumb terminal */
	bool shown;
};

/* `total`: so many will be done. Reads the environment; call it before threads start. */
void progress_start(struct progress *p, size_t total, bool quiet);
/* Draws it, once a second has passed since the start. */
void progress_at(struct progress *p, size_t done);
/* Takes it off the screen; call it before printing to the same terminal too. */
void progress_hide(struct progress *p);

#endif
