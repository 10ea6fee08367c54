/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/emit.h"

#include <time.h>

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
	char text[TIME_LEN + 1];
} last = {.us = 0, .s = 0, .text = "1970-01-01T00:00:00.000000Z"};

static __attribute__((noinline)) void
make_time(int64_t us)
{
	const int64_t part = us % 1000000;
	/* Before 1970 the part of a second counts back. */
	time_t s = (time_t)(us / 1000000) - (part < 0);
	unsigned fraction = (unsigned)(part < 0 ? part + 1000000 : part);

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
