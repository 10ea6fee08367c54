/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
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

/* The two digits of v. */
static char *
pair(char *to, unsigned v)
{
	static const char pairs[] =
	    "0001020304050607080910111213141516171819202122232425262728293031323334353637"
	    "3839404142434445464748495051525354555657585960616263646566676869707172737475"
	    "767778798081828384858687888990919293949596979899";

	return (char *)memcpy(to, pairs + 2 * v, 2) + 2;
}

/* v < 10000, with its leading zeros. */
static inline char *
four(char *to, unsigned v)
{
	return pair(pair(to, v / 100), v % 100);
}

static __attribute__((noinline)) char *
write_many(char *to, uint64_t v)
{
	return four(emit_u64(to, v / 10000), (unsigned)(v % 10000));
}

char *
emit_u64(char *to, uint64_t v)
{
	const unsigned low = (unsigned)v;

	if (v >= 100000)
		return write_many(to, v);
	if (v >= 10000) {
		*to = (char)('0' + low / 10000);
		return four(to + 1, low % 10000);
	}
	if (v >= 1000)
		return four(to, low);
	if (v >= 100) {
		*to = (char)('0' + low / 100);
		return pair(to + 1, low % 100);
	}
	if (v >= 10)
		return pair(to, low);
	*to = (char)('0' + low);
	return to + 1;
}

void
buf_u64(struct buf *b, uint64_t v)
{
	b->n = (size_t)(emit_u64(buf_reserve(b, DECIMAL_MAX), v) - b->p);
}

/* Up to the full stop. */
static void
write_second(char *to, time_t s)
{
	struct tm tm;
	unsigned year;

	gmtime_r(&s, &tm);
	year = (unsigned)(tm.tm_year + 1900) % 10000;
	to = pair(pair(to, year / 100), year % 100);
	*to++ = '-';
	to = pair(to, (unsigned)tm.tm_mon + 1);
	*to++ = '-';
	to = pair(to, (unsigned)tm.tm_mday);
	*to++ = 'T';
	to = pair(to, (unsigned)tm.tm_hour);
	*to++ = ':';
	to = pair(to, (unsigned)tm.tm_min);
	*to++ = ':';
	to = pair(to, (unsigned)tm.tm_sec);
	*to = '.';
}

/* Messages share a second, and those of a batch their microsecond. */
static _Thread_local struct {
	int64_t us;
	time_t s;
	char text[TIME_LEN];
} last = {.us = 0, .s = 0, .text = "1970-01-01T00:00:00.000000Z"};

static __attribute__((noinline)) void
make_time(int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	unsigned fraction = (unsigned)(us % 1000000);

	if (s != last.s)
		write_second(last.text, s);
	pair(last.text + 20, fraction / 10000);
	pair(last.text + 22, fraction / 100 % 100);
	pair(last.text + 24, fraction % 100);
	last.us = us;
	last.s = s;
}

char *
emit_time(char *to, int64_t us)
{
	if (us != last.us)
		make_time(us);
	memcpy(to, last.text, TIME_LEN);
	return to + TIME_LEN;
}

void
buf_time(struct buf *b, int64_t us)
{
	b->n = (size_t)(emit_time(buf_reserve(b, TIME_LEN), us) - b->p);
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

void
strv_add(struct strv *l, const char *s)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = xstrdup(s);
}

void
strv_split(struct strv *l, const char *s, char sep)
{
	while (*s != '\0') {
		const char *end = strchrnul(s, sep);
		const char *from = s;
		const char *to = end;

		while (from < to && (*from == ' ' || *from == '\t'))
			from++;
		while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		if (to > from) {
			char *part = xstrndup(from, (size_t)(to - from));

			strv_add(l, part);
			free(part);
		}
		s = *end != '\0' ? end + 1 : end;
	}
}

void
strv_release(struct strv *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){0};
}
