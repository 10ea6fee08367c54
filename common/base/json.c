/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a whole text: one pass, an explicit stack of one bit a level. */
#include "base/json.h"

#include "base/text.h"

struct scanner {
	const unsigned char *p;
	const unsigned char *end;
	size_t blanks;
	size_t depth;
	uint64_t objects[JSON_DEPTH / 64]; /* one bit a level: object, else array */
};

/* What a byte means inside a string: 0 plain ASCII, else an entry of enum. */
enum { PLAIN, QUOTE, ESCAPE, CONTROL, WIDE };

static const unsigned char string_class[256] = {
    [0x00 ... 0x1F] = CONTROL,
    ['"'] = QUOTE,
    ['\\'] = ESCAPE,
    [0x80 ... 0xFF] = WIDE,
};

static void
skip_blanks(struct scanner *s)
{
	const unsigned char *from = s->p;

	while (s->p < s->end &&
	    (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
	s->blanks += (size_t)(s->p - from);
}

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX at p, or -1. */
static long
hex4(const unsigned char *p, const unsigned char *end)
{
	long v = 0;
	int i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		int d = hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* At a backslash; a surrogate must be followed by its other half. */
static bool
scan_escape(struct scanner *s)
{
	long unit;

	if (s->end - s->p < 2)
		return false;
	if (s->p[1] != 'u') {
		if (strchr("\"\\/bfnrt", s->p[1]) == NULL || s->p[1] == '\0')
			return false;
		s->p += 2;
		return true;
	}
	unit = hex4(s->p + 2, s->end);
	if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		return false;
	s->p += 6;
	if (unit < 0xD800 || unit > 0xDBFF)
		return true;
	if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return false;
	unit = hex4(s->p + 2, s->end);
	if (unit < 0xDC00 || unit > 0xDFFF)
		return false;
	s->p += 6;
	return true;
}

/* At the opening quote; ends behind the closing one. */
static bool
scan_string(struct scanner *s)
{
	uint32_t cp;
	size_t n;

	s->p++;
	for (;;) {
		while (s->p < s->end && string_class[*s->p] == PLAIN)
			s->p++;
		if (s->p == s->end)
			return false;
		switch (string_class[*s->p]) {
		case QUOTE: s->p++; return true;
		case ESCAPE:
			if (!scan_escape(s))
				return false;
			break;
		case WIDE:
			n = text_utf8(s->p, (size_t)(s->end - s->p), &cp);
			if (n == 0)
				return false;
			s->p += n;
			break;
		default: return false;
		}
	}
}

static bool
scan_digits(struct scanner *s)
{
	const unsigned char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool
scan_number(struct scanner *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!scan_digits(s))
			return false;
	}
	return true;
}

static bool
scan_word(struct scanner *s, const char *word, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

static bool
scan_scalar(struct scanner *s)
{
	switch (*s->p) {
	case '"': return scan_string(s);
	case 't': return scan_word(s, "true", 4);
	case 'f': return scan_word(s, "false", 5);
	case 'n': return scan_word(s, "null", 4);
	default: return scan_number(s);
	}
}

/* Blanks, a name, blanks, a colon. */
static bool
scan_name(struct scanner *s)
{
	skip_blanks(s);
	if (s->p == s->end || *s->p != '"' || !scan_string(s))
		return false;
	skip_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return false;
	s->p++;
	return true;
}

static bool
in_object(const struct scanner *s)
{
	size_t level = s->depth - 1;

	return (s->objects[level / 64] >> level % 64 & 1) != 0;
}

/* At { or [. With *empty the container ended at once; else a value comes next. */
static bool
open_container(struct scanner *s, bool *empty)
{
	bool object = *s->p == '{';
	uint64_t bit = (uint64_t)1 << s->depth % 64;

	if (s->depth == JSON_DEPTH)
		return false;
	if (object)
		s->objects[s->depth / 64] |= bit;
	else
		s->objects[s->depth / 64] &= ~bit;
	s->depth++;
	s->p++;
	skip_blanks(s);
	*empty = s->p < s->end && *s->p == (object ? '}' : ']');
	return *empty || !object || scan_name(s);
}

/* Behind a value: closes what ends here. True with *more when another value comes next, or
 * with !*more when the outermost value is complete. */
static bool
after_value(struct scanner *s, bool *more)
{
	while (s->depth != 0) {
		bool object = in_object(s);

		skip_blanks(s);
		if (s->p == s->end)
			return false;
		if (*s->p == ',') {
			s->p++;
			*more = true;
			return !object || scan_name(s);
		}
		if (*s->p != (object ? '}' : ']'))
			return false;
		s->p++;
		s->depth--;
	}
	*more = false;
	return true;
}

/* One value without the white space around it. */
static bool
scan_value(struct scanner *s)
{
	bool more = true;

	while (more) {
		bool empty = true;

		skip_blanks(s);
		if (s->p == s->end)
			return false;
		if (*s->p == '{' || *s->p == '[') {
			if (!open_container(s, &empty))
				return false;
			if (!empty)
				continue;
		} else if (!scan_scalar(s)) {
			return false;
		}
		if (!after_value(s, &more))
			return false;
	}
	return true;
}

static bool
check(struct scanner *s, struct span text, struct span *value)
{
	const unsigned char *from;

	s->p = (const unsigned char *)text.p;
	s->end = s->p + text.n;
	skip_blanks(s);
	s->blanks = 0;
	from = s->p;
	if (!scan_value(s))
		return false;
	if (value != NULL)
		*value = (struct span){(const char *)from, (size_t)(s->p - from)};
	from = s->p;
	skip_blanks(s);
	s->blanks -= (size_t)(s->p - from);
	return s->p == s->end;
}

bool
json_check(struct span text, struct span *value, size_t *at)
{
	struct scanner s;

	s.depth = 0;
	if (check(&s, text, value))
		return true;
	if (at != NULL)
		*at = (size_t)((const char *)s.p - text.p);
	return false;
}

bool
json_check_compact(struct span text, struct span *value, size_t *blanks)
{
	struct scanner s;

	s.depth = 0;
	if (!check(&s, text, value))
		return false;
	*blanks = s.blanks;
	return true;
}
