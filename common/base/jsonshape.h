/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSONSHAPE_H
#define BASE_JSONSHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The shape of a compact JSON text: all its bytes but the numbers, strings and words that are its values.
 * The messages of a fleet differ in their values alone: whether a text has a known shape, and so is right
 * and where its values are, is found in a third of the time that json_scan takes. What has no known shape
 * may be right as well.
 */
enum { SHAPE_VALUES = 24, SHAPE_LOOKS = 48 };

/* What comes behind a look: another, a value, or nothing. */
enum json_then { SHAPE_LOOK, SHAPE_VALUE, SHAPE_END };

struct json_shape {
	/* Up to 16 bytes that come next. */
	struct json_look {
		_Alignas(16) unsigned char bytes[16];
		unsigned mask; /* a bit for each byte */
		enum json_then then;
		size_t n;
	} looks[SHAPE_LOOKS];
	size_t n;
};

/* Learns the shape of an object or array that json_check accepted, without white space and escapes in it;
 * `values` has room for SHAPE_VALUES and gets them, in order. False: it has too many, the shape is none. */
bool json_shape_learn(
    struct json_shape *shape, struct span value, struct span *values, size_t *n);

/* Whether text..end has this shape; behind it stand PLAIN_PADDING bytes of NUL. `values` has room for
 * SHAPE_VALUES. A value that would want a closer look (escapes, characters beyond ASCII) has none. */
bool json_shape_match(const struct json_shape *shape, const char *text, const char *end,
    struct span *values);

#endif
