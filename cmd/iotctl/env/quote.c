/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/env/quote.h"

void
quote_c(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c > '~' || strchr("\"\\?", c) != NULL)
			buf_printf(out, "\\%03o", (unsigned)c);
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

void
quote_sh(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}
