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
 * have one of a few. A text that has a known shape is valid JSON, and where its values are is known, in half of the
 * time that json_scan takes. A text without a known shape may be valid as well: ask json_scan.
 *
 * Shapes are a tree of looks. A look compares up to 16 bytes of the text at once, and says what comes behind them. The
 * text may go on with `next` where it has the look, and have `other` in its place where not: shapes that begin
 * alike are looked at once as far as they do.
 */
enum { SHAPE_VALUES = 24, SHAPE_LOOKS = 48, SHAPES_LOOKS = 512 };

/* What comes behind a look: another look, a value, or the end of the text. */
enum json_then { SHAPE_LOOK, SHAPE_VALUE, SHAPE_END };

/* Those that are known; the zero value knows none. It may not be copied, and whoever clears it need only set `first`
 * and `n` to zero. One of at most SHAPE_LOOKS looks has room while n <= SHAPES_LOOKS - SHAPE_LOOKS. */
struct json_shapes {
	struct json_look {
		unsigned char bytes[16]; /* what the text must have here */
		unsigned mask; /* a bit for each of the first `n` */
		unsigned char n;
		unsigned char then; /* enum json_then */
		short id;           /* SHAPE_END: whose end; -1: forgotten */
		struct json_look *next, *other; /* of `looks`, or NULL */
	} looks[SHAPES_LOOKS];
	size_t n;
	struct json_look *first;
};

/* Learns the shape of an object or array that json_check accepted, without escapes in it, by an `id` from 0 on, which
 * another shape may lose for it; `values` has room for SHAPE_VALUES and gets them, in order. False: it is known
 * already, or has too many values or looks. */
bool json_shapes_learn(struct json_shapes *shapes, int id, struct span value,
    struct span *values, size_t *n);
/* Its texts are as good as unknown then; the looks stay. */
void json_shapes_forget(struct json_shapes *shapes, int id);

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

/* Where the text goes on behind a look and its value at p; NULL: it has another look there. */
static inline const unsigned char *
json_shape_take(const struct json_look *look, const unsigned char *p,
    const unsigned char *end, struct span **value)
{
	const unsigned char *from = p + look->n, *stop;

	if ((ascii_plain_differ(p, look->bytes) & look->mask) != 0)
		return NULL;
	if (look->then != SHAPE_VALUE || from >= end)
		return (look->then == SHAPE_END ? from == end : from < end) ? from : NULL;
	stop = json_shape_match_value(from, end);
	if (stop == NULL || stop > end)
		return NULL;
	*(*value)++ = (struct span){(const char *)from, (size_t)(stop - from)};
	return stop;
}

/* The id of the shape that text..stop has, -1: of none that is known. ASCII_PLAIN_PADDING bytes behind it can be read,
 * whatever they are. `values` has room for SHAPE_VALUES. -1 also for a text with values that only json_scan can judge:
 * escapes, exponents, characters beyond ASCII. */
static inline int
json_shapes_match(const struct json_shapes *shapes, const char *text, const char *stop,
    struct span *values)
{
	const unsigned char *p = (const unsigned char *)text, *behind;
	const struct json_look *look = shapes->first;

	while (look != NULL) {
		behind = json_shape_take(look, p, (const unsigned char *)stop, &values);
		if (behind == NULL) {
			look = look->other;
			continue;
		}
		if (look->then == SHAPE_END)
			return look->id;
		look = look->next;
		p = behind;
	}
	return -1;
}

#endif
