/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walking through text that json_check accepted, and writing pieces of JSON. */
#include "base/ascii.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* All below trust the text: it was checked. */

/* `end` is the end of the whole value, or anything behind the string. */
static const char *
behind_string(const char *p, const char *end)
{
	const unsigned char *stop = (const unsigned char *)p + 1;

	for (;;) {
		stop = ascii_plain_end(stop, (const unsigned char *)end);
		if (*stop == '"')
			return (const char *)stop + 1;
		stop += *stop == '\\' ? 2 : 1;
	}
}

static const char *
behind_container(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		switch (*p) {
		case '"': p = behind_string(p, end); continue;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']': depth--; break;
		default: break;
		}
		p++;
	} while (depth != 0);
	return p;
}

/* What ends a number or a word. */
static const bool delimits[256] = {[','] = true,
    ['}'] = true,
    [']'] = true,
    [' '] = true,
    ['\n'] = true,
    ['\r'] = true,
    ['\t'] = true};

static const char *
behind_value(const char *p, const char *end)
{
	if (*p == '"')
		return behind_string(p, end);
	if (*p == '{' || *p == '[')
		return behind_container(p, end);
	while (p < end && !delimits[(unsigned char)*p])
		p++;
	return p;
}

static const char *
next_token(const char *p, char skip)
{
	while (*p == skip || is_blank(*p))
		p++;
	return p;
}

enum json_kind
json_kind(struct span value)
{
	static const unsigned char types[256] = {
	    ['n'] = JSON_KIND_NULL,
	    ['f'] = JSON_KIND_FALSE,
	    ['t'] = JSON_KIND_TRUE,
	    ['"'] = JSON_KIND_STRING,
	    ['['] = JSON_KIND_ARRAY,
	    ['{'] = JSON_KIND_OBJECT,
	    ['-'] = JSON_KIND_NUMBER,
	    ['0' ... '9'] = JSON_KIND_NUMBER,
	};

	return value.n != 0 ? (enum json_kind)types[(unsigned char)value.p[0]]
			    : JSON_KIND_NONE;
}

bool
json_next(struct json_iter *it)
{
	const char *end = it->value.p + it->value.n;
	const char *p = next_token(it->value.p + (it->at != 0 ? it->at : 1), ',');

	if (p >= end - 1)
		return false;
	it->key = (struct span){0};
	if (it->value.p[0] == '{') {
		it->key = (struct span){p, (size_t)(behind_string(p, end) - p)};
		p = next_token(p + it->key.n, ':');
	}
	it->item = (struct span){p, (size_t)(behind_value(p, end) - p)};
	it->at = (size_t)(p + it->item.n - it->value.p);
	return true;
}

/* Whether a string (with its quotes) says `key`; unescapes only where it has to. */
static bool
names(struct span string, const char *key, size_t n)
{
	struct buf b = {0};
	bool same;

	if (memchr(string.p, '\\', string.n) == NULL)
		return string.n == n + 2 && memcmp(string.p + 1, key, n) == 0;
	json_unescape(&b, string);
	same = b.n == n && memcmp(b.p, key, n) == 0;
	buf_release(&b);
	return same;
}

bool
json_member(struct span object, const char *key, struct span *value)
{
	struct json_iter it = {.value = object};
	size_t n = strlen(key);

	if (json_kind(object) != JSON_KIND_OBJECT)
		return false;
	while (json_next(&it)) {
		if (names(it.key, key, n)) {
			*value = it.item;
			return true;
		}
	}
	return false;
}

bool
json_member_string(struct span object, const char *key, struct buf *out)
{
	struct span value;

	if (!json_member(object, key, &value) || json_kind(value) != JSON_KIND_STRING)
		return false;
	json_unescape(out, value);
	return true;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 |
		    (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

static void
put_code_point(struct buf *out, uint32_t cp)
{
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	char *to = buf_reserve(out, n);
	size_t i;

	for (i = n - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (cp & 0x3F));
		cp >>= 6;
	}
	to[0] = (char)(n == 1 ? cp : lead[n] | cp);
	out->n += n;
}

/* At a backslash; returns what follows the escape. */
static const char *
put_unescaped(struct buf *out, const char *p)
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	uint32_t cp;

	if (p[1] != 'u') {
		buf_putc(out, meant[strchr(plain, p[1]) - plain]);
		return p + 2;
	}
	cp = hex4(p + 2);
	p += 6;
	if (cp >= 0xD800 && cp <= 0xDBFF) {
		cp = 0x10000 + ((cp - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
		p += 6;
	}
	put_code_point(out, cp);
	return p;
}

void
json_unescape(struct buf *out, struct span string)
{
	const char *p = string.p + 1;
	const char *end = string.p + string.n - 1;

	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		const char *to = escape != NULL ? escape : end;

		buf_put(out, p, (size_t)(to - p));
		p = escape != NULL ? put_unescaped(out, escape) : end;
	}
}

/* The letter behind the backslash, 'u' for \u00XX, 0 for bytes that stay. */
static const char escape_of[256] = {
    [0x00 ... 0x07] = 'u',
    ['\b'] = 'b',
    ['\t'] = 't',
    ['\n'] = 'n',
    [0x0B] = 'u',
    ['\f'] = 'f',
    ['\r'] = 'r',
    [0x0E ... 0x1F] = 'u',
    ['"'] = '"',
    ['\\'] = '\\',
    [0x7F] = 'u',
};

/* A byte that plain text does not have: as it is, or escaped. */
static void
put_odd(struct buf *out, unsigned char c)
{
	const char escape = escape_of[c];

	if (escape == 'u')
		buf_printf(out, "\\u%04x", c);
	else if (escape != 0)
		buf_put(out, (char[]){'\\', escape}, 2);
	else
		buf_putc(out, (char)c);
}

void
json_put_string(struct buf *out, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	const unsigned char *end = p + s.n;

	buf_putc(out, '"');
	while (p < end) {
		const unsigned char *from = p;

		p = ascii_plain_end(p, end);
		buf_put(out, from, (size_t)(p - from));
		for (; p < end && !ascii_plain_byte(*p); p++)
			put_odd(out, *p);
	}
	buf_putc(out, '"');
}

void
json_put_compact(struct buf *out, struct span value)
{
	const char *p = value.p;
	const char *end = value.p + value.n;

	while (p < end) {
		const char *from = p;

		while (p < end && !is_blank(*p))
			p = *p == '"' ? behind_string(p, end) : p + 1;
		buf_put(out, from, (size_t)(p - from));
		while (p < end && is_blank(*p))
			p++;
	}
}

void
json_put_text(struct buf *out, struct span s)
{
	struct buf clean = {0};
	uint32_t cp;
	size_t i = 0, n;

	if (utf8_is_valid(s.p, s.n)) {
		json_put_string(out, s);
		return;
	}
	while (i < s.n) {
		n = utf8_read((const unsigned char *)s.p + i, s.n - i, &cp);
		if (n != 0)
			buf_put(&clean, s.p + i, n);
		else
			buf_puts(&clean, "\xEF\xBF\xBD");
		i += n != 0 ? n : 1;
	}
	json_put_string(out, buf_as_span(&clean));
	buf_release(&clean);
}
