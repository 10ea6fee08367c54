/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_JSON_OUT_H
#define IOTAPI_HTTP_JSON_OUT_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

/* JSON as the API writes it: compact, UTF-8 unescaped, floats in the shortest form that reads back
 * and always with their point (21.5, 50.0). */
void json_out_value(struct buf *out, const json_t *v);
void json_out_float(struct buf *out, double v);
void json_out_int(struct buf *out, int64_t v);
void json_out_string(struct buf *out, const char *s);
/* ,"key": -- without the comma right after { or [. */
void json_out_key(struct buf *out, const char *key);
/* A comma, unless the last byte opens an object or array. */
void json_out_comma(struct buf *out);

#endif
