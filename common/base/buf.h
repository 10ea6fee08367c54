/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

/* A growing byte buffer. The zero value is empty and ready. `p` is not NUL-terminated except
 * after buf_str(). */
struct buf {
	char *p;
	size_t n;
	size_t room;
};

void buf_grow(struct buf *b, size_t n);
/* Makes room for `n` more bytes and returns where they start; the caller adds to b->n. */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->p == NULL || b->room - b->n < n)
		buf_grow(b, n);
	return b->p + b->n;
}
void buf_put(struct buf *b, const void *p, size_t n);
/* Here, so that the length of a literal is known where it stands. */
static inline void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}
static inline void
buf_putc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->n++;
}
void buf_span(struct buf *b, struct span s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Decimal digits, no locale, faster than printf. */
void buf_u64(struct buf *b, uint64_t v);
/* RFC 3339 in UTC with six decimals and Z, from microseconds since 1970. */
void buf_time(struct buf *b, int64_t us);
/* Drops the first `n` bytes. */
void buf_shift(struct buf *b, size_t n);
/* The contents as a C string: terminated, valid until the next change, still owned by b. */
char *buf_str(struct buf *b);
/* The contents as a C string of the caller's (free); b becomes empty. */
char *buf_steal(struct buf *b);
static inline struct span
buf_as_span(const struct buf *b)
{
	return (struct span){b->p != NULL ? b->p : "", b->n};
}

/* Empties it but keeps the memory. */
void buf_clear(struct buf *b);
void buf_release(struct buf *b);

#endif
