/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/emit.h"
#include "base/mem.h"

void
buf_grow(struct buf *b, size_t n)
{
	size_t room = b->room < 128 ? 256 : b->room * 2;

	if (room < b->n + n)
		room = b->n + n;
	b->p = xrealloc(b->p, room);
	b->room = room;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->n += n;
}

void
buf_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.n);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0) {
		vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	b->n = (size_t)(emit_u64(buf_reserve(b, DECIMAL_MAX), v) - b->p);
}

void
buf_time(struct buf *b, int64_t us)
{
	b->n = (size_t)(emit_time(buf_reserve(b, TIME_LEN), us) - b->p);
}

void
buf_shift(struct buf *b, size_t n)
{
	b->n -= n;
	if (b->n != 0)
		memmove(b->p, b->p + n, b->n);
}

char *
buf_str(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return b->p;
}

char *
buf_steal(struct buf *b)
{
	char *s = buf_str(b);

	/* It may be kept for long, and by ten thousand. */
	if (b->room > 2 * (b->n + 1))
		s = xrealloc(s, b->n + 1);
	*b = (struct buf){0};
	return s;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
}

void
buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}
