/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_EVENT_H
#define IOTAPI_EVENT_H

#include <stdint.h>

#include "base/log.h"
#include "base/span.h"

/* The log of a server: a line an event, in logfmt,
 *
 *	time=2026-11-29T22:34:41.317454Z level=error msg="broker 'B': connection refused" repeated=17
 *
 * on standard error. Whatever log_error and its siblings say becomes the msg of a line. A warning or an error that was
 * told within a minute is only counted, and told once more at the minute's end with the count; so is one that differs
 * from it in its detail alone. Foreign bytes are made visible, values of more than 512 bytes cut. Any thread. */

/* From now on, and in English: programs read it, and the answers of the API. Blocks no signals, starts nothing. */
void event_start(void);
/* To be called every second or so: tells the counts that are due. */
void event_tick(int64_t now_ms);
/* Tells all counts; lines are written as before. */
void event_end(void);

/* A line of level info, whatever --quiet and --verbose say. */
void event_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line with one more value, of a failure that is the same one whatever the value is. */
void event_error(const char *name, const char *value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
