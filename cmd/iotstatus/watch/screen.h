/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_SCREEN_H
#define IOTSTATUS_WATCH_SCREEN_H

#include <stdbool.h>

#include "base/err.h"
#include "loop/loop.h"

/*
 * A terminal as a grid of cells, of which a flush writes those that changed. Plain ECMA-48 sequences
 * instead of ncursesw: nine of them are needed, every terminal since the VT100 knows them, and the
 * terminal can be given back from inside a signal handler, which no curses library promises.
 * A terminal that takes no bytes (Ctrl-S, a line that is down) keeps nobody waiting: pictures are left out
 * until it takes them again. One at a time.
 */
struct screen;

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_REVERSE,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_DOUBT,
	STYLE_DIM,
	STYLES
};

/* Whether standard output is a terminal that can do it. */
bool screen_is_possible(void);
/* Takes the terminal: alternate screen, no echo, no cursor. It is given back by screen_close, by exit
 * and by a fatal signal, as far as it takes bytes then. room(arg): after pictures that were left out the
 * newest one can be written. */
struct screen *screen_open(
    struct loop *loop, void (*room)(void *arg), void *arg, struct err *err);
void screen_close(struct screen *s);
/* Gives the terminal back for a while (Ctrl-Z), and takes it again. */
void screen_leave(struct screen *s);
void screen_enter(struct screen *s);

/* Whether the terminal has another size by now: signals that say so may be lost. */
bool screen_size_changed(const struct screen *s);
/* Takes over the terminal's size; everything is drawn again. */
void screen_resize(struct screen *s);
int screen_rows(const struct screen *s);
int screen_columns(const struct screen *s);
/* Whether it shows more than ASCII. */
bool screen_is_utf8(const struct screen *s);

/* A new picture begins, empty. */
void screen_begin(struct screen *s);
/* Puts UTF-8 text of at most `width` columns; what a terminal might obey becomes '?'. Returns the
 * column behind it. Outside of the grid nothing happens. */
int screen_put(
    struct screen *s, int row, int column, int width, enum style style, const char *text);
int screen_printf(struct screen *s, int row, int column, int width, enum style style,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Writes what differs from the last picture, or leaves this one out while that is on its way; -1 when the
 * terminal is gone. */
int screen_flush(struct screen *s);

#endif
