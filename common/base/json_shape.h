/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_SHAPE_H
#define BASE_JSON_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ascii.h"
#include "base/buf.h"

/*
 * The shape of a JSON text: all its bytes but the numbers, strings and words (true, false, null) that are
 * its values. {"t":21.5,"on":true} and {"t":3,"on":false} have the same shape, and the messages of a fleet mostly
 * do. A text that has a known shape is valid JSON, and where its values are is known, in half of the time that
 * json_scan takes. A text without a known shape may be valid as well: ask json_scan.
 *
 * A shape is a row of looks. A look compares up to 16 bytes of the text at once, and says what comes behind them.
 */
enum { SHAPE_VALUES = 24, SHAPE_LOOKS = 48 };

/* What comes behind a look: another look, a value, or the end of the text. */
enum json_then { SHAPE_UNKNOWN, SHAPE_LOOK, SHAPE_VALUE, SHAPE_END };

/* The zero value is the shape of nothing. */
struct json_shape {
	struct json_look {
		unsigned char bytes[16]; /* what the text must have here */
		unsigned mask; /* a bit for each of the first `n` */
		enum json_then then;
		size_t n;
	} looks[SHAPE_LOOKS];
	size_t n;
};

/* Learns the shape of an object or array that json_check accepted, without escapes in it;
 * `values` has room for SHAPE_VALUES and gets them, in order. False: it has too many, the shape is none. */
bool json_shape_learn(
    struct json_shape *shape, struct span value, struct span *values, size_t *n);

static inline bool
json_shape_is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* Where a value that is no string and begins with no digit ends; NULL: it is no value. */
static inline const unsigned char *
json_shape_match_word(const unsigned char *p, const unsigned char *end)
{
	if (*p == '-')
		return json_shape_is_digit(p[1]) ? ascii_number_within(p + 1, end) : NULL;
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}

/* Where the value at p, which is before `end`, ends: maybe behind `end`. NULL: it is none, or a string that only
 * json_scan can judge. A number that only that can judge ends at a byte that no look begins with; of a string it
 * could be the first byte of a look, a newline. */
static inline const unsigned char *
json_shape_match_value(const unsigned char *p, const unsigned char *end)
{
	if (json_shape_is_digit(*p))
		return ascii_number_within(p, end);
	if (*p != '"')
		return json_shape_match_word(p, end);
	p = ascii_plain_within(p + 1, end);
	return *p == '"' ? p + 1 : NULL;
}

/* Whether text..stop has this shape; ASCII_PLAIN_PADDING bytes behind it can be read, whatever they are. `values`
 * has room for SHAPE_VALUES. False also for a text with values that only json_scan can judge: escapes, exponents,
 * characters beyond ASCII. */
static inline bool
json_shape_match(const struct json_shape *shape, const char *text, const char *stop,
    struct span *values)
{
	const struct json_look *look = shape->looks;
	const unsigned char *p = (const unsigned char *)text, *from;
	const unsigned char *end = (const unsigned char *)stop;

	for (; (ascii_plain_differ(p, look->bytes) & look->mask) == 0; look++) {
		p += look->n;
		if (p >= end)
			return look->then == SHAPE_END && p == end;
		if (look->then == SHAPE_VALUE) {
			from = p;
			p = json_shape_match_value(p, end);
			if (p == NULL || p > end)
				return false;
			*values++ = (struct span){(const char *)from, (size_t)(p - from)};
		} else if (look->then != SHAPE_LOOK) {
			return false;
		}
	}
	return false;
}

#endif
