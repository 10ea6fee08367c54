/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"

size_t
utf8_read(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4 || len > n)
		return 0;
	*cp = p[0] & (0xFFu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3Fu);
	}
	if (*cp < least[len] || *cp > 0x10FFFF || (*cp >= 0xD800 && *cp <= 0xDFFF))
		return 0;
	return len;
}

bool
utf8_is_valid(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + n;
	uint32_t cp;

	while ((p = ascii_plain_end(p, end)) < end) {
		size_t len = *p < 0x80 ? 1 : utf8_read(p, (size_t)(end - p), &cp);

		if (len == 0)
			return false;
		p += len;
	}
	return true;
}

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

size_t
utf8_cut(const char *s, size_t n)
{
	size_t i = n;

	while (i > 0 && n - i < 3 && is_continuation(s[i]))
		i--;
	return is_continuation(s[i]) ? n : i;
}

bool
utf8_is_harmless(uint32_t cp)
{
	bool control = cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
	bool bidi = (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
	    cp == 0x200E || cp == 0x200F || cp == 0x061C || cp == 0x2028 || cp == 0x2029;

	return !control && !bidi;
}

/* The bytes in front that may be shown as they are: 0, or those of one code point. */
static size_t
harmless(struct span s)
{
	uint32_t cp;
	size_t len = utf8_read((const unsigned char *)s.p, s.n, &cp);

	return len != 0 && utf8_is_harmless(cp) ? len : 0;
}

bool
utf8_is_harmless_text(struct span s)
{
	size_t n = 1;

	for (; s.n != 0 && n != 0; s.p += n, s.n -= n)
		n = harmless(s);
	return s.n == 0;
}

static void
put_escape(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = '\\';
	to[1] = 'x';
	to[2] = digits[byte >> 4];
	to[3] = digits[byte & 15];
}

size_t
utf8_visible(char *out, size_t room, struct span *s)
{
	size_t n = 0;

	while (s->n != 0) {
		size_t len = harmless(*s);
		size_t need = len != 0 ? len : UTF8_ESCAPE_LEN;

		if (need > room - n)
			break;
		if (len != 0)
			memcpy(out + n, s->p, len);
		else
			put_escape(out + n, (unsigned char)s->p[0]);
		n += need;
		s->p += len != 0 ? len : 1;
		s->n -= len != 0 ? len : 1;
	}
	return n;
}
