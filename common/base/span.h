/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

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

#endif
