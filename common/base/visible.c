/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/visible.h"

#include "base/utf8.h"

void
visible_put(struct buf *out, struct span s)
{
	size_t room = s.n * UTF8_ESCAPE_LEN;

	out->n += utf8_visible(buf_reserve(out, room), room, &s);
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
