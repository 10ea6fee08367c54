/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

/* Reads a time as the API takes it: ISO 8601 with T or a blank, seconds and their fraction optional,
 * with Z or an offset; without one it is UTC. Microseconds
 * since 1970; what is before that, or behind the year 9999, is refused. */
bool timestamp_parse(const char *text, int64_t *us);

/* Whether such a time says which zone it is in. */
bool timestamp_has_zone(const char *text);

/* As timestamp_parse, a time without a zone taken as that zone's own (a name such as
 * America/Mexico_City). Sets TZ for a moment: for programs of one thread. */
bool timestamp_parse_in(const char *text, const char *zone, int64_t *us);

/* Whether the `timestamp` of a device's message is a moment, and which: microseconds since 1970 into *us, which
 * is left alone when it is none. `value` is a JSON value's bytes, as json_check gives them (absent: none): a
 * number, or one as text, of seconds, milliseconds or microseconds since 1970, with or without a fraction; or
 * text as timestamp_parse takes it. `received` is when the message came, in microseconds since 1970.
 *
 * It is a moment from 2020-01-01 until a day after `received`, by which the units cannot be mixed up:
 * - Clock chips and boards that nobody has set begin at 1970 or 2000.
 * - An ESP32's millis() counts to 2^32, 49.7 days, and begins again. As seconds that would be up to 2106; each
 *   year that is taken for a date costs 8.8 hours of it. From 2020 on, what is left are the counts of devices
 *   that have run for 18.3 days and more, up to today's date divided by 1000 (20.7 days in 2026): there the
 *   number alone does not tell.
 * - A day ahead leaves room for a clock that shows local time for UTC (14 hours at most); what is further ahead
 *   would be the latest reading of its device for years. */
bool timestamp_of_device(struct span value, int64_t received, int64_t *us);

/* Whether two clock readings, microseconds, may be one moment on the clocks of two zones: they differ by whole
 * quarters of an hour, up to the 14 hours that the farthest zone is from UTC (tz database), give or take `slack`. */
bool timestamp_are_zones_apart(int64_t a, int64_t b, int64_t slack);

/* What a server made of a time that it was sent, by the time that it shows. It may show it in a zone that
 * nobody knows (timestamp_are_zones_apart); that is no difference, and neither is a second. Where the moment at which it was stored (`now`, microseconds) reads the same as the time
 * sent, only zones that are known tell them apart. `zone` as in timestamp_parse_in; NULL: unknown. */
enum timestamp_kept { TIME_KEPT, TIME_CHANGED, TIME_UNTOLD };
enum timestamp_kept timestamp_kept(
    const char *sent, const char *shown, const char *zone, int64_t now);

/* What a clock in that zone shows at a time, as timestamp_parse reads it without a zone. Sets TZ for a
 * moment. */
int64_t timestamp_clock_in(int64_t us, const char *zone);

/* Whether this machine knows the zone; the error says where it looked (ERR_USAGE). */
int timestamp_check_zone(const char *zone, struct err *err);

#endif
