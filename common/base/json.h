/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A validating scanner over JSON bytes (RFC 8259): it finds values and checks a whole text, and
 * never re-prints, so that 0.1, 21.50 and 2^63 stay as they were sent. No allocation (json_scan:
 * up to 4 KiB of text). Depth up to JSON_DEPTH. Strings must be valid UTF-8 with paired surrogate escapes.
 */
enum {
	JSON_DEPTH = 512, /* of what is read */
	JSON_TAKEN = 64,  /* of what is kept: whoever reads it inside of an answer is far from JSON_DEPTH */
};

/* Names apart from jansson's (JSON_OBJECT ..., json_type): files may need both. */
enum json_kind {
	JSON_KIND_NONE,
	JSON_KIND_NULL,
	JSON_KIND_FALSE,
	JSON_KIND_TRUE,
	JSON_KIND_NUMBER,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT,
};

/* Checks that `text` is one JSON value with nothing but white space around it and gives the
 * value's own bytes. On failure returns false and, if `at` is given, the offset of the first
 * byte that cannot be right. */
bool json_check(struct span text, struct span *value, size_t *at);

/* json_check which also keeps the first members of an object at the top. */
struct json_pair {
	struct span name; /* with its quotes */
	struct span value;
};
struct json_scan {
	struct json_pair *pairs; /* the caller's, room for so many */
	size_t room;
	size_t depth;   /* the caller's: containers in one another at most; 0: JSON_DEPTH, which is the most */
	size_t members; /* of the object, maybe more than there was room for */
	struct span value;
	size_t blanks; /* bytes of white space between tokens: 0 when the value is compact */
	bool escapes;  /* a string has some */
	size_t at;     /* after a failure, as json_check's */
	const unsigned char *from, *end; /* the scanner's own: of what it reads */
};
bool json_scan(struct span text, struct json_scan *found);
/* json_scan of text behind which ASCII_PLAIN_PADDING bytes can be read, whatever they are: it costs less, and does
 * not say where it failed. `to` gets the value without white space between tokens, which is value.n - blanks bytes;
 * it has room for the text and ASCII_PLAIN_PADDING more, which are written over too. */
bool json_scan_padded(struct span text, struct json_scan *found, char *to);
/* All below need bytes that json_check accepted (a value without white space around it). */

enum json_kind json_kind(struct span value);

/* Members of an object or items of an array, in order: start from {.value = object}, call until
 * false. `key` (objects) is the string with its quotes; `item` the member's value. */
struct json_iter {
	struct span value;
	size_t at;
	struct span key;
	struct span item;
};
bool json_next(struct json_iter *it);

/* The value of the first member whose unescaped name is `key`. False if there is none. */
bool json_member(struct span object, const char *key, struct span *value);
/* json_member, and it must be a string without escapes or with: unescaped into `out`. */
bool json_member_string(struct span object, const char *key, struct buf *out);

/* What stands between the quotes of a JSON string. */
static inline struct span
json_between_quotes(struct span string)
{
	return (struct span){string.p + 1, string.n - 2};
}
/* Appends the characters of a JSON string (given with its quotes) as UTF-8. */
void json_unescape(struct buf *out, struct span string);
/* Appends `s`, which must be valid UTF-8, as a JSON string with quotes: escapes only what RFC
 * 8259 demands, plus DEL, so that a line of output is one line. */
void json_put_string(struct buf *out, struct span s);
/* A string from the network: as it is when it is UTF-8, else with each bad byte as U+FFFD, so that
 * the line stays valid whatever arrives. */
void json_put_text(struct buf *out, struct span s);
/* Appends a value without the insignificant white space, every other byte as it is. */
void json_put_compact(struct buf *out, struct span value);

/* json_member in the value that a scan found, cheaper. */
static inline bool
json_scan_member(const struct json_scan *found, struct span key, struct span *value)
{
	const struct json_pair *pair = found->pairs, *end = pair + found->members;

	if (found->members > found->room)
		return json_member(found->value, key.p, value);
	for (; pair < end; pair++) {
		if (pair->name.n == key.n + 2 && memcmp(pair->name.p + 1, key.p, key.n) == 0) {
			*value = pair->value;
			return true;
		}
		if (found->escapes && memchr(pair->name.p, '\\', pair->name.n) != NULL)
			return json_member(found->value, key.p, value);
	}
	return false;
}

#endif
