/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_JSON_IN_H
#define IOTAPI_HTTP_JSON_IN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

/* JSON as the API takes it: RFC 8259, UTF-8, JSON_TAKEN deep at most, each name once in an object. Both append to
 * `why` what is wrong and where, in words for the client. Time in proportion to the text. */

/* A limit on what a text costs as values: 1 MiB of "{}," would be 80 MB. */
enum { JSON_IN_VALUES = 65536 };

/* Whether it is JSON of that depth; allocates next to nothing and does not look for names that are there twice.
 * *value is the value without white space around it. */
bool json_in_check(struct span text, struct span *value, struct buf *why);
/* The value (decref), of JSON_IN_VALUES at most; NULL: it is none. */
json_t *json_in_read(struct span text, struct buf *why);

#endif
