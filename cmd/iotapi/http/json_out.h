/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JSONOUT_H
#define JSONOUT_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

/* JSON as the API writes it: compact, UTF-8 unescaped, floats in the shortest form that reads back
 * and always with their point (21.5, 50.0). */
void out_value(struct buf *out, const json_t *v);
void out_float(struct buf *out, double v);
void out_int(struct buf *out, int64_t v);
void out_string(struct buf *out, const char *s);
/* ,"key": -- without the comma right after { or [. */
void out_key(struct buf *out, const char *key);
/* A comma, unless the last byte opens an object or array. */
void out_comma(struct buf *out);

#endif
