/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CONF_TIME_H
#define CONF_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Reads a time as the API takes it: ISO 8601 with T or a blank, seconds and their fraction optional,
 * with Z or an offset; without one it is UTC. Microseconds
 * since 1970; what is before that is refused. */
bool time_parse(const char *text, int64_t *us);

/* Whether such a time says which zone it is in. */
bool time_has_zone(const char *text);

/* As time_parse, a time without a zone taken as that zone's own (a name such as
 * America/Mexico_City). Sets TZ for a moment: for programs of one thread. */
bool time_parse_in(const char *text, const char *zone, int64_t *us);

/* Whether this machine knows the zone; the error says where it looked (ERR_USAGE). */
int time_check_zone(const char *zone, struct err *err);

#endif
