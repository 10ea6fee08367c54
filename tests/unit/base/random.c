/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include "base/mem.h"
#include "unit.h"

static void
letters_are_as_many_as_asked_for(void **state)
{
	char id[64 + 1], other[64 + 1];

	(void)state;
	memset(id, 'x', sizeof(id));
	assert_int_equal(random_hex(id, 64, NULL), 0);
	assert_int_equal(strspn(id, "0123456789abcdef"), 64);
	assert_int_equal(id[64], '\0');
	assert_int_equal(random_hex(other, 64, NULL), 0);
	assert_string_not_equal(id, other);
}

static void
passwords_need_no_quotes(void **state)
{
	char *password = NULL, *other = NULL;

	(void)state;
	assert_int_equal(random_password(&password, NULL), 0);
	assert_int_equal(random_password(&other, NULL), 0);
	assert_int_equal(strlen(password), 24);
	assert_int_equal(
	    strspn(password,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
	    24);
	assert_string_not_equal(password, other);
	mem_free_secret(password);
	mem_free_secret(other);
}

static void
numbers_differ(void **state)
{
	(void)state;
	assert_true(random_number() != random_number());
}

static void
more_than_the_kernel_gives_at_once_is_refused(void **state)
{
	char bytes[RANDOM_MOST + 1];
	struct err err = {0};

	(void)state;
	assert_int_equal(random_bytes(bytes, RANDOM_MOST, &err), 0);
	assert_int_equal(random_bytes(bytes, RANDOM_MOST + 1, &err), -1);
	assert_int_equal(err.code, ERR_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(letters_are_as_many_as_asked_for),
	    cmocka_unit_test(passwords_need_no_quotes),
	    cmocka_unit_test(numbers_differ),
	    cmocka_unit_test(more_than_the_kernel_gives_at_once_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
