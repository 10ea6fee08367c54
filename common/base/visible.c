/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/visible.h"

#include "base/utf8.h"

/* A byte as \xNN. */
enum { ESCAPE_LEN = 4 };

/* The bytes in front that may be shown as they are: 0, or those of one code point. */
static size_t
harmless(struct span s)
{
	uint32_t cp;
	size_t len = utf8_read((const unsigned char *)s.p, s.n, &cp);

	return len != 0 && utf8_is_harmless(cp) ? len : 0;
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
visible_fill(char *out, size_t room, struct span *s)
{
	size_t n = 0;

	while (s->n != 0) {
		size_t len = harmless(*s);
		size_t need = len != 0 ? len : ESCAPE_LEN;

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

void
visible_put(struct buf *out, struct span s)
{
	size_t room = s.n * ESCAPE_LEN;

	out->n += visible_fill(buf_reserve(out, room), room, &s);
}

void
visible_put_lines(struct buf *out, struct span s)
{
	while (s.n != 0) {
		const char *end = memchr(s.p, '\n', s.n);
		size_t n = end != NULL ? (size_t)(end - s.p) : s.n;

		visible_put(out, (struct span){s.p, n});
		if (end != NULL)
			buf_putc(out, '\n');
		n += end != NULL;
		s.p += n;
		s.n -= n;
	}
}

void
visible_put_json(struct buf *out, struct span lines)
{
	size_t i = 0;

	while (i < lines.n) {
		uint32_t cp = 0;
		size_t n =
		    utf8_read((const unsigned char *)lines.p + i, lines.n - i, &cp);

		if (cp == '\n' || (n != 0 && utf8_is_harmless(cp)))
			buf_put(out, lines.p + i, n);
		else
			buf_printf(out, "\\u%04x", cp);
		i += n != 0 ? n : 1;
	}
}
