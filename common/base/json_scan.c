/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a whole text in one pass, with an explicit stack. Each scan_ function takes the place of
 * what it scans and returns the place behind it, or NULL. Behind the text stands a NUL, which is wrong
 * everywhere: nothing else has to look for the end. */
#include "base/ascii.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>

typedef const unsigned char *place;

struct scanner {
	uintptr_t away; /* of the text from its scanned copy */
	place copy, end;
	place bad; /* after a failure: the first byte that cannot be right */
	size_t blanks;
	size_t depth; /* of containers, at most */
	struct json_scan *found;
	struct json_pair spare; /* where members go that there is no room for */
};

static place
fail(struct scanner *s, place p)
{
	s->bad = p;
	return NULL;
}

static inline const char *
in_text(const struct scanner *s, place p)
{
	return (const char *)((uintptr_t)p + s->away);
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static __attribute__((noinline)) place
skip_blanks(struct scanner *s, place p)
{
	place from = p;

	while (is_blank(*p))
		p++;
	s->found->blanks += (size_t)(p - from);
	return p;
}

static inline place
skip(struct scanner *s, place p)
{
	return *p <= ' ' ? skip_blanks(s, p) : p;
}

/* The place of this byte, here or behind blanks. */
static inline place
expect(struct scanner *s, place p, unsigned char c)
{
	if (*p == c)
		return p;
	p = skip(s, p);
	return *p == c ? p : fail(s, p);
}

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of \uXXXX at p, or -1. */
static long
code_unit(place p)
{
	long v = 0;
	int i;

	if (p[0] != '\\' || p[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		int d = hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* At a backslash; a surrogate must be followed by its other half. */
static place
scan_escape(struct scanner *s, place p)
{
	long unit, low;

	s->found->escapes = true;
	if (p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL)
		return p + 2;
	unit = code_unit(p);
	if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		return fail(s, p);
	if (unit < 0xD800 || unit > 0xDBFF)
		return p + 6;
	low = code_unit(p + 6);
	return low >= 0xDC00 && low <= 0xDFFF ? p + 12 : fail(s, p);
}

/* At a byte of a string that is not plain and not its end. */
static place
scan_odd(struct scanner *s, place p)
{
	uint32_t cp;
	size_t n;

	if (*p < 0x20)
		return fail(s, p);
	if (*p == '\\')
		return scan_escape(s, p);
	n = utf8_read(p, (size_t)(s->end - p), &cp);
	return n != 0 ? p + n : fail(s, p);
}

/* Inside a string, at what is not plain. */
static __attribute__((noinline)) place
scan_rest(struct scanner *s, place p)
{
	while (*p != '"') {
		p = scan_odd(s, p);
		if (p == NULL)
			return NULL;
		p = ascii_plain_stop(p);
	}
	return p + 1;
}

/* At the opening quote. */
static inline place
scan_string(struct scanner *s, place p)
{
	p = ascii_plain_stop(p + 1);
	return *p == '"' ? p + 1 : scan_rest(s, p);
}

static inline bool
is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static inline place
scan_digits(struct scanner *s, place p)
{
	return is_digit(*p) ? ascii_digits_stop(p) : fail(s, p);
}

/* At a digit. */
static inline place
scan_number(struct scanner *s, place p)
{
	p = *p == '0' ? p + 1 : ascii_digits_stop(p);
	if (*p == '.')
		p = scan_digits(s, p + 1);
	if (p != NULL && (*p | 0x20) == 'e') {
		p++;
		p += *p == '+' || *p == '-';
		p = scan_digits(s, p);
	}
	return p;
}

static place
scan_word(struct scanner *s, place p, const char *word, size_t n)
{
	return memcmp(p, word, n) == 0 ? p + n : fail(s, p);
}

/* A name and what belongs to it, up to its value. */
static inline place
scan_name(struct scanner *s, place p, place *name, place *end)
{
	if ((*name = expect(s, p, '"')) == NULL ||
	    (*end = scan_string(s, *name)) == NULL || (p = expect(s, *end, ':')) == NULL)
		return NULL;
	return skip(s, p + 1);
}

/* The pair of a name at the top whose value begins. */
static inline struct json_pair *
next_pair(struct scanner *s, place name, place end, place value)
{
	struct json_scan *f = s->found;
	struct json_pair *pair = &s->spare;

	if (f->members < f->room)
		pair = &f->pairs[f->members];
	f->members++;
	pair->name = (struct span){in_text(s, name), (size_t)(end - name)};
	pair->value.p = in_text(s, value);
	return pair;
}

static place
scan_scalar(struct scanner *s, place p)
{
	switch (*p) {
	case 't': return scan_word(s, p, "true", 4);
	case 'f': return scan_word(s, p, "false", 5);
	case 'n': return scan_word(s, p, "null", 4);
	case '-': return is_digit(p[1]) ? scan_number(s, p + 1) : fail(s, p);
	default: return fail(s, p);
	}
}

/* '[' and '{' differ in one bit, and what closes them is the next but one. */
static inline bool
opens(place p)
{
	return (*p | 0x20) == '{';
}

/* One value, blanks before it too. */
static place
scan_value(struct scanner *s, place p)
{
	unsigned char around[JSON_DEPTH]; /* what closes the containers around this one */
	unsigned char closing = 0;        /* what closes this one; 0: there is none */
	size_t depth = 0;
	struct json_pair *pair = &s->spare;
	place name, end, value = p; /* of the pair */

	do {
		if (closing == '}') {
			p = scan_name(s, p, &name, &end);
			if (p == NULL)
				return NULL;
			if (depth == 1)
				pair = next_pair(s, name, end, value = p);
		} else {
			p = skip(s, p);
		}
		if (opens(p)) {
			if (depth == s->depth)
				return fail(s, p);
			around[depth++] = closing;
			closing = (unsigned char)(*p + 2);
			p = skip(s, p + 1);
			if (*p != closing)
				continue;
		} else {
			p = is_digit(*p) ? scan_number(s, p)
			    : *p == '"'  ? scan_string(s, p)
					 : scan_scalar(s, p);
			if (p == NULL)
				return NULL;
		}
		for (; closing != 0; closing = around[--depth]) {
			if (depth == 1)
				pair->value.n = (size_t)(p - value);
			p = skip(s, p);
			if (*p == ',') {
				p++;
				break;
			}
			if (*p++ != closing)
				return fail(s, p - 1);
		}
	} while (closing != 0);
	return p;
}

/* The whole text: white space, a value, white space. */
static bool
scan_text(struct scanner *s)
{
	struct json_scan *f = s->found;
	place from = skip(s, s->copy), behind, stop;

	f->blanks = f->members = 0;
	f->escapes = false;
	behind = scan_value(s, from);
	if (behind == NULL)
		return false;
	stop = behind == s->end ? behind : skip(s, behind);
	f->value = (struct span){in_text(s, from), (size_t)(behind - from)};
	f->blanks -= (size_t)(stop - behind);
	return stop == s->end || fail(s, stop) != NULL;
}

/* The scanned copy has a NUL behind it; a small one stands on the stack. */
enum { SMALL = 4096 - ASCII_PLAIN_PADDING };

bool
json_scan(struct span text, struct json_scan *found)
{
	unsigned char small[SMALL + ASCII_PLAIN_PADDING];
	unsigned char *copy =
	    text.n <= SMALL ? small : xmalloc(text.n + ASCII_PLAIN_PADDING);
	struct scanner s;
	bool good;

	if (text.n != 0)
		memcpy(copy, text.p, text.n);
	memset(copy + text.n, 0, ASCII_PLAIN_PADDING);
	s.away = (uintptr_t)text.p - (uintptr_t)copy;
	s.copy = s.bad = copy;
	s.end = copy + text.n;
	s.found = found;
	s.depth = found->depth != 0 ? found->depth : JSON_DEPTH;
	good = scan_text(&s);
	if (!good)
		found->at = (size_t)(s.bad - copy);
	if (copy != small)
		free(copy);
	return good;
}

bool
json_check(struct span text, struct span *value, size_t *at)
{
	struct json_scan found = {0};
	bool good = json_scan(text, &found);

	if (good && value != NULL)
		*value = found.value;
	if (!good && at != NULL)
		*at = found.at;
	return good;
}
