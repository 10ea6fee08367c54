/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Reads a time as the API takes it: ISO 8601 with T or a blank, seconds and their fraction optional,
 * with Z or an offset; without one it is UTC. Microseconds
 * since 1970; what is before that is refused. */
bool timestamp_parse(const char *text, int64_t *us);

/* Whether such a time says which zone it is in. */
bool timestamp_has_zone(const char *text);

/* As timestamp_parse, a time without a zone taken as that zone's own (a name such as
 * America/Mexico_City). Sets TZ for a moment: for programs of one thread. */
bool timestamp_parse_in(const char *text, const char *zone, int64_t *us);

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
