/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CONF_TIME_H
#define CONF_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* Reads a time as the API takes it: ISO 8601 with T or a blank, seconds and their fraction optional,
 * with Z or an offset; without one it is UTC. Microseconds
 * since 1970; what is before that is refused. */
bool time_parse(const char *text, int64_t *us);

#endif
