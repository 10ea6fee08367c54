/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The runs of sixteen and eight bytes at a time end where those of one byte do. */
#include "unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/ascii.h"

enum { LENGTH = 40 };

static size_t
slow_plain(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20 && p[i] < 0x7F && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static size_t
slow_digits(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

static unsigned
slow_name(const unsigned char *p)
{
	unsigned i = 0;

	while (i < 16 && p[i] > '"' && p[i] <= 0x7F && p[i] != '\\')
		i++;
	return i;
}

static bool
slow_topic(const unsigned char *p, size_t n)
{
	return slow_plain(p, n) == n && memchr(p, '+', n) == NULL &&
	    memchr(p, '#', n) == NULL;
}

static size_t
slow_number(const unsigned char *p, size_t n)
{
	size_t whole = *p == '0' ? 1 : slow_digits(p, n);
	size_t behind = whole + 1 < n ? slow_digits(p + whole + 1, n - whole - 1) : 0;

	return whole < n && p[whole] == '.' && behind > 0 ? whole + 1 + behind : whole;
}

static size_t
least(ptrdiff_t a, size_t b)
{
	return (size_t)a < b ? (size_t)a : b;
}

/* All of the number, or what is behind tells that it may not be all. */
static void
compare_number_of_sixteen(const unsigned char *p, unsigned n)
{
	size_t whole = slow_number(p, ASCII_PLAIN_PADDING);

	assert_within(n, 1, 16);
	if (n != whole) {
		assert_true(n >= 15 && n < whole);
		assert_true(p[n] == '.' || slow_digits(p + n, 1) == 1);
	}
}

/* Whatever stands behind: a run of the text's own ends there, one that goes on ends anywhere behind it. */
static void
compare_within(const unsigned char *text, size_t n)
{
	static const unsigned char behind[] = {'\0', 'x', '7', '.', '"'};
	unsigned char *p = xmalloc(n + ASCII_PLAIN_PADDING);
	size_t i, plain = slow_plain(text, n);

	memcpy(p, text, n);
	for (i = 0; i < sizeof(behind); i++) {
		memset(p + n, behind[i], ASCII_PLAIN_PADDING);
		assert_int_equal(least(ascii_plain_within(p, p + n) - p, n), plain);
		assert_true(plain < n || behind[i] == '\0' || behind[i] == '"' ||
		    ascii_plain_within(p, p + n) > p + n);
		if (n == 0 || slow_digits(text, n) == 0)
			continue;
		assert_int_equal(ascii_number_within(p, p + n) - p,
		    ascii_number_within_portable(p, p + n) - p);
		compare_number_of_sixteen(p, ascii_number_of_sixteen(p));
		compare_number_of_sixteen(p, ascii_number_of_sixteen_portable(p));
		if (behind[i] == '\0' || behind[i] == 'x')
			assert_int_equal(
			    ascii_number_within(p, p + n) - p, slow_number(text, n));
	}
	free(p);
}

/* In memory of its own, so that the sanitizer sees a byte read too many. */
static void
compare(const unsigned char *text, size_t n)
{
	unsigned char *exact = xmalloc(n != 0 ? n : 1),
		      *padded = xmalloc(n + ASCII_PLAIN_PADDING);
	size_t plain = slow_plain(text, n), digits = slow_digits(text, n);

	memcpy(exact, text, n);
	memcpy(padded, text, n);
	memset(padded + n, 0, ASCII_PLAIN_PADDING);
	assert_int_equal(ascii_plain_end(exact, exact + n) - exact, plain);
	assert_int_equal(ascii_plain_end_portable(exact, exact + n) - exact, plain);
	assert_int_equal(ascii_plain_all(exact, n), plain == n);
	assert_int_equal(ascii_plain_all_portable(exact, n), plain == n);
	assert_int_equal(ascii_plain_topic(exact, n), slow_topic(text, n));
	assert_int_equal(ascii_plain_topic_portable(exact, n), slow_topic(text, n));
	assert_int_equal(ascii_plain_of_sixteen(padded), plain < 16 ? plain : 16);
	assert_int_equal(
	    ascii_plain_of_sixteen_portable(padded), plain < 16 ? plain : 16);
	assert_int_equal(ascii_name_of_sixteen(padded), slow_name(padded));
	assert_int_equal(ascii_name_of_sixteen_portable(padded), slow_name(padded));
	assert_int_equal(ascii_digits_within(padded, padded + n) - padded, digits);
	free(exact);
	free(padded);
	compare_within(text, n);
}

static void
every_byte_at_every_place(void **state)
{
	unsigned char text[LENGTH];
	size_t n, at;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		for (n = 1; n <= LENGTH; n += 1 + n / 8) {
			for (at = 0; at < n; at += 1 + n / 16) {
				memset(text, 'a' + c % 26, n);
				text[at] = (unsigned char)c;
				compare(text, n);
				memset(text, '0' + c % 10, n);
				text[at] = (unsigned char)c;
				compare(text, n);
			}
		}
	}
	compare(text, 0);
}

/* Of digits and full stops, in any order. */
static void
numbers_end_where_they_must(void **state)
{
	unsigned char text[LENGTH];
	size_t i, round;

	(void)state;
	srand(2);
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < LENGTH; i++)
			text[i] = (unsigned char)"0123456789.,"[rand() % 64 < 60
				? rand() % 10
				: 10 + rand() % 2];
		compare(text, round % LENGTH);
	}
}

static void
each_byte_that_differs_is_told(void **state)
{
	unsigned char a[16], b[16];
	unsigned bits, i;

	(void)state;
	for (bits = 0; bits <= 0xFFFF; bits++) {
		memset(a, (int)(bits % 251), sizeof(a));
		for (i = 0; i < 16; i++)
			b[i] = (unsigned char)(a[i] + (bits >> i & 1) * 0x80);
		assert_int_equal(ascii_plain_differ(a, b), bits);
		assert_int_equal(ascii_plain_differ_portable(a, b), bits);
	}
}

/* The borrow of a term reaches the bytes behind the first that is not plain only. */
static void
neighbours_do_not_matter(void **state)
{
	unsigned char text[LENGTH];
	size_t i, round;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < LENGTH; i++)
			text[i] = (unsigned char)(rand() % 4 != 0 ? 0x20 + rand() % 3
								  : rand() % 256);
		compare(text, round % LENGTH);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_byte_at_every_place),
	    cmocka_unit_test(neighbours_do_not_matter),
	    cmocka_unit_test(numbers_end_where_they_must),
	    cmocka_unit_test(each_byte_that_differs_is_told),
	};

	return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
