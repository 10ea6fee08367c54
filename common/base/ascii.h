/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of bytes. Plain is what a JSON string holds as it is, whoever reads or writes it: ASCII from
 * 0x20 on but quote, backslash and DEL. Sixteen at a time with SSE2, which every amd64 has. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool
ascii_plain_byte(unsigned char c)
{
	return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int
ascii_hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether eight bytes are all plain. A term's high bits are exact up to the first byte that is not,
 * which is enough. */
static inline bool
ascii_plain_eight(const unsigned char *p)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
	uint64_t v, quote, backslash, del;

	memcpy(&v, p, sizeof(v));
	quote = v ^ (ones * '"');
	backslash = v ^ (ones * '\\');
	del = v ^ (ones * 0x7F);
	return ((v | (v - ones * 0x20) | (quote - ones) | (backslash - ones) |
		    (del - ones)) &
		   high) == 0;
}

static inline const unsigned char *
ascii_plain_end_portable(const unsigned char *p, const unsigned char *end)
{
	while (end - p >= 8 && ascii_plain_eight(p))
		p += 8;
	while (p < end && ascii_plain_byte(*p))
		p++;
	return p;
}

#ifdef __SSE2__
/* The sign bit of each byte that is a control, DEL or no ASCII: one more than it, and signed, it is
 * less than 0x21. Cheaper than a comparison, which compilers invert. */
static inline __m128i
ascii_signs_of_odd(__m128i v)
{
	return _mm_subs_epi8(_mm_add_epi8(v, _mm_set1_epi8(1)), _mm_set1_epi8(0x21));
}

static inline unsigned
ascii_not_plain(const unsigned char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p);
	const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	const __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(ascii_signs_of_odd(v), _mm_or_si128(quote, backslash)));
}

/* The digits, moved to 0..9, are the bytes whose sign bit 0x76 more does not set. */
static inline unsigned
ascii_not_digits(const unsigned char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p);
	const __m128i moved = _mm_sub_epi8(v, _mm_set1_epi8('0'));

	return (unsigned)_mm_movemask_epi8(_mm_adds_epu8(moved, _mm_set1_epi8(0x76)));
}
#endif

/* Where the plain bytes from p on end, at `end` at the latest. */
static inline const unsigned char *
ascii_plain_end(const unsigned char *p, const unsigned char *end)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		const unsigned other = ascii_not_plain(p);

		if (other != 0)
			return p + (unsigned)__builtin_ctz(other);
	}
#endif
	return ascii_plain_end_portable(p, end);
}

/* Whether all are; the last bytes of a run may be looked at twice. */
static inline bool
ascii_plain_all_portable(const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	if (n < 8)
		return ascii_plain_end_portable(p, end) == end;
	for (; end - p > 8; p += 8) {
		if (!ascii_plain_eight(p))
			return false;
	}
	return ascii_plain_eight(end - 8);
}

static inline bool
ascii_plain_all(const unsigned char *p, size_t n)
{
#ifdef __SSE2__
	const unsigned char *end = p + n;

	if (n >= 16) {
		for (; end - p > 16; p += 16) {
			if (ascii_not_plain(p) != 0)
				return false;
		}
		return ascii_not_plain(end - 16) == 0;
	}
#endif
	return ascii_plain_all_portable(p, n);
}

/* Whether n bytes are all plain and none of them MQTT's wildcards + and #: such a topic name needs no
 * further check. */
static inline bool
ascii_plain_topic_portable(const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	while (p < end && ascii_plain_byte(*p) && *p != '+' && *p != '#')
		p++;
	return p == end;
}

#ifdef __SSE2__
/* The quote and # differ in the lowest bit. */
static inline __m128i
ascii_signs_of_odd_topic(const unsigned char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)p);
	const __m128i upper = _mm_or_si128(v, _mm_set1_epi8(1));
	const __m128i number = _mm_cmpeq_epi8(upper, _mm_set1_epi8('#'));
	const __m128i plus = _mm_cmpeq_epi8(v, _mm_set1_epi8('+'));
	const __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	return _mm_or_si128(
	    _mm_or_si128(ascii_signs_of_odd(v), number), _mm_or_si128(plus, backslash));
}
#endif

static inline bool
ascii_plain_topic(const unsigned char *p, size_t n)
{
#ifdef __SSE2__
	const unsigned char *end = p + n;
	__m128i odd;

	if (n >= 16) {
		odd = _mm_or_si128(ascii_signs_of_odd_topic(p), ascii_signs_of_odd_topic(end - 16));
		for (p += 16; end - p > 16; p += 16)
			odd = _mm_or_si128(odd, ascii_signs_of_odd_topic(p));
		return _mm_movemask_epi8(odd) == 0;
	}
#endif
	return ascii_plain_topic_portable(p, n);
}

/* A bit for each of 16 bytes that are not the same, the lowest for the first. */
static inline unsigned
ascii_plain_differ_portable(const void *a, const void *b)
{
	const unsigned char *p = a, *q = b;
	unsigned bits = 0, i;

	for (i = 0; i < 16; i++)
		bits |= (unsigned)(p[i] != q[i]) << i;
	return bits;
}

static inline unsigned
ascii_plain_differ(const void *a, const void *b)
{
#ifdef __SSE2__
	const __m128i same = _mm_cmpeq_epi8(
	    _mm_loadu_si128((const __m128i *)a), _mm_loadu_si128((const __m128i *)b));

	return (unsigned)_mm_movemask_epi8(same) ^ 0xFFFF;
#else
	return ascii_plain_differ_portable(a, b);
#endif
}

/* Readable bytes behind a text whose runs are looked at in steps, and whose end is looked for only now and then:
 * base/json_scan.c goes up to 50 bytes too far. */
enum { ASCII_PLAIN_PADDING = 64 };

/* How many of 16 bytes are plain, up to the first that is not. */
static inline unsigned
ascii_plain_of_sixteen_portable(const unsigned char *p)
{
	unsigned n = ascii_plain_eight(p) ? 8 : 0;

	while (n < 16 && ascii_plain_byte(p[n]))
		n++;
	return n;
}

static inline unsigned
ascii_plain_of_sixteen(const unsigned char *p)
{
#ifdef __SSE2__
	return (unsigned)__builtin_ctz(ascii_not_plain(p) | 0x10000);
#else
	return ascii_plain_of_sixteen_portable(p);
#endif
}

/* How many of 16 bytes are what names mostly are: ASCII beyond the quote, but no backslash. It costs less. */
static inline unsigned
ascii_name_of_sixteen_portable(const unsigned char *p)
{
	unsigned n = 0;

	while (n < 16 && p[n] > '"' && p[n] < 0x80 && p[n] != '\\')
		n++;
	return n;
}

static inline unsigned
ascii_name_of_sixteen(const unsigned char *p)
{
#ifdef __SSE2__
	const __m128i v = _mm_loadu_si128((const __m128i *)p);
	const __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	const __m128i low = _mm_subs_epi8(v, _mm_set1_epi8('"' + 1));

	return (unsigned)__builtin_ctz(
	    (unsigned)_mm_movemask_epi8(_mm_or_si128(low, backslash)) | 0x10000);
#else
	return ascii_name_of_sixteen_portable(p);
#endif
}

/* Where they end, for text with anything behind `end`, which is not before p; at least ASCII_PLAIN_PADDING bytes of
 * that can be read. Plain bytes that go on there end somewhere behind `end`. */
static inline const unsigned char *
ascii_plain_within(const unsigned char *p, const unsigned char *end)
{
#ifdef __SSE2__
	unsigned other;

	for (; (other = ascii_not_plain(p)) == 0; p += 16) {
		if (end - p < 16)
			return end + 1;
	}
	return p + (unsigned)__builtin_ctz(other);
#else
	return ascii_plain_end_portable(p, end + 1);
#endif
}

/* Where the decimal digits from p on end, in text as for ascii_plain_within. */
static inline const unsigned char *
ascii_digits_within(const unsigned char *p, const unsigned char *end)
{
	while (p <= end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Behind the digits from the digit at p on, or behind digits, a full stop and digits, in text as for
 * ascii_plain_within. Of what is no JSON it takes the beginning that is: one 0 of 007, the 1 of 1. */
static inline const unsigned char *
ascii_number_within_portable(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *stop = *p == '0' ? p + 1 : ascii_digits_within(p, end);

	return *stop == '.' && stop[1] >= '0' && stop[1] <= '9'
	    ? ascii_digits_within(stop + 1, end)
	    : stop;
}

/* How many of 16 bytes from the digit at p on such a number is. Less than 15: that is all of it; else look at what
 * is behind them, a digit, a full stop or what no number has. */
static inline unsigned
ascii_number_of_sixteen_portable(const unsigned char *p)
{
	const unsigned char *stop = ascii_number_within_portable(p, p + 15);

	return stop - p < 16 ? (unsigned)(stop - p) : 16;
}

static inline unsigned
ascii_number_of_sixteen(const unsigned char *p)
{
#ifdef __SSE2__
	const unsigned other = ascii_not_digits(p);
	unsigned whole, all;

	if (*p == '0' && (other & 2) == 0)
		return 1;
	whole = (unsigned)__builtin_ctz(other | 0x10000);
	if (p[whole] != '.')
		return whole;
	all = (unsigned)__builtin_ctz((other & (other - 1)) | 0x10000);
	return all > whole + 1 ? all : whole;
#else
	return ascii_number_of_sixteen_portable(p);
#endif
}

static inline const unsigned char *
ascii_number_within(const unsigned char *p, const unsigned char *end)
{
	const unsigned n = ascii_number_of_sixteen(p);

	return n < 15 ? p + n : ascii_number_within_portable(p, end);
}

#endif
