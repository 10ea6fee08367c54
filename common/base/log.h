/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Names the program in front of each line and sets what is shown. `name` is kept. */
void log_init(const char *name, enum log_level level);
const char *log_name(void);
enum log_level log_level(void);

/* From now on a reader of stderr that stalls, a pipe that is full or a terminal that is stopped, holds nobody
 * up for longer than a tenth of a second: lines are left out until it reads again, and counted then. For
 * programs with connections to keep alive. */
void log_never_wait(void);

/* From now on lines are not written but handed to `taker`, with "error", "warn", "info" or "debug" and the text as it
 * is, of 2 KB at most; that writes its own by log_raw. It is called on any thread, several at once. NULL: written
 * again. For programs whose lines have a form of their own. */
void log_hand_over(void (*taker)(const char *level, struct span text));

/* One line on stderr, in one write(2), "NAME: text"; control characters are made visible, so
 * that a device's name cannot forge a line or drive a terminal. Of a text of more than 2 KB the
 * beginning, and how much is left out. Thread-safe. Errors are always
 * shown, warnings unless --quiet, info with --verbose, debug with --verbose twice. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Shows a line on the terminal that stderr is, without an end, in place of the one shown before; the
 * next line of any kind wipes it away. What does not fit in a row is left out. NULL only wipes. For
 * progress. */
void log_transient(const char *text);
/* One line for machines on stderr, as it is, in one write(2); it ends with its newline. */
void log_raw(const char *line, size_t n);

/* The one printer of error values; prints nothing when none is set. */
void log_err(const struct err *err);

/* For mem.c: says so without allocating and ends the process with status 1. */
_Noreturn void log_out_of_memory(void);

#endif
