/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns; not NUL-terminated. The zero value is the absent span;
 * an empty but present span has p != NULL and n == 0. */
struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span
span_of(const char *s)
{
	return (struct span){s, s != NULL ? strlen(s) : 0};
}

static inline int
span_is(struct span a, const char *s)
{
	return a.p != NULL && a.n == strlen(s) && memcmp(a.p, s, a.n) == 0;
}

static inline int
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* memcmp(a, b, n) == 0, without a call for 4 bytes to 16. */
static inline int
span_same_bytes(const char *a, const char *b, size_t n)
{
	uint64_t x[2], y[2];
	uint32_t v[2], w[2];

	if (n >= 8 && n <= 16) {
		memcpy(&x[0], a, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[0], b, 8);
		memcpy(&y[1], b + n - 8, 8);
		return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
	}
	if (n >= 4 && n < 8) {
		memcpy(&v[0], a, 4);
		memcpy(&v[1], a + n - 4, 4);
		memcpy(&w[0], b, 4);
		memcpy(&w[1], b + n - 4, 4);
		return ((v[0] ^ w[0]) | (v[1] ^ w[1])) == 0;
	}
	return memcmp(a, b, n) == 0;
}

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
void buf_puts(struct buf *b, const char *s);
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
/* Standard base64 with padding, no line breaks. */
void base64_put(struct buf *b, struct span s);
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
/* For who has reserved the room: they write at `to` and return where they ended. */
enum { DECIMAL_MAX = 20, TIME_LEN = 27 };
char *emit_u64(char *to, uint64_t v);
char *emit_time(char *to, int64_t us);
/* What is short, as names and ids are, is worth two moves and no call. */
static inline char *
emit_span(char *to, struct span s)
{
	if (s.n > 32) {
		memcpy(to, s.p, s.n);
	} else if (s.n >= 16) {
		memcpy(to, s.p, 16);
		memcpy(to + s.n - 16, s.p + s.n - 16, 16);
	} else if (s.n >= 8) {
		memcpy(to, s.p, 8);
		memcpy(to + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n >= 4) {
		memcpy(to, s.p, 4);
		memcpy(to + s.n - 4, s.p + s.n - 4, 4);
	} else if (s.n > 0) {
		memcpy(to, s.p, s.n);
	}
	return to + s.n;
}
/* A literal's size is known: one or two moves. */
#define EMIT(to, literal)                                                               \
	((char *)memcpy((to), (literal), sizeof(literal) - 1) + sizeof(literal) - 1)

/* Empties it but keeps the memory. */
void buf_clear(struct buf *b);
void buf_release(struct buf *b);

/* A list of strings that it owns. The zero value is empty. */
struct strv {
	char **v;
	size_t n;
};

void strv_add(struct strv *l, const char *s);
/* Adds the parts of `s` between `sep`, blanks around them removed, empty ones left out. */
void strv_split(struct strv *l, const char *s, char sep);
void strv_release(struct strv *l);

#endif
