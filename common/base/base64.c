/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

#include <stdint.h>

enum { MOST = 1 << 30 };

/* The six bits of a digit, or -1. */
static int
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void
base64_put(struct buf *b, struct span s)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = (const unsigned char *)s.p;
	char *out = buf_reserve(b, (s.n + 2) / 3 * 4);
	size_t i;

	for (i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		unsigned v = (unsigned)in[i] << 16;

		v |= left > 1 ? (unsigned)in[i + 1] << 8 : 0;
		v |= left > 2 ? in[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[v & 63] : '=';
	}
	b->n += (s.n + 2) / 3 * 4;
}

int
base64_decode(unsigned char *out, struct span s)
{
	uint32_t bits = 0;
	size_t i, pad;
	int n = 0;

	if (s.n == 0 || s.n % 4 != 0 || s.n > MOST)
		return -1;
	pad = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	for (i = 0; i < s.n - pad; i++) {
		int digit = bits_of(s.p[i]);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			out[n++] = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	return n;
}
