/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which passwords need not be hashed again. */
#include "unit.h"

#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/login_cache.h"

#include <stdlib.h>

static char *
name_of(int i)
{
	return xasprintf("$7$1000$c2FsdA==$%d", i);
}

static int
count_known(int n)
{
	int known = 0;

	for (int i = 0; i < n; i++) {
		char *hash = name_of(i);
		known += login_cache_has("secret", hash);
		free(hash);
	}
	return known;
}

static void
add(int first, int n)
{
	for (int i = first; i < first + n; i++) {
		char *hash = name_of(i);
		login_cache_add("secret", hash);
		free(hash);
	}
}

static void
knows_what_was_added_and_nothing_else(void **state)
{
	(void)state;
	assert_false(login_cache_has("secret", "$7$a"));
	login_cache_add("secret", "$7$a");
	assert_true(login_cache_has("secret", "$7$a"));
	assert_false(login_cache_has("Secret", "$7$a"));
	assert_false(login_cache_has("secret", "$7$b"));
	assert_false(login_cache_has("", "$7$a\nsecret"));
}

/* One place for each, as it was, lost 61 of 2,000 and hashed them at each of their logins. */
static void
a_fleet_is_known_whole(void **state)
{
	(void)state;
	add(0, 20000);
	assert_int_equal(count_known(20000), 20000);
}

static void
the_oldest_make_room(void **state)
{
	const int most = LOGIN_CACHE_SETS * LOGIN_CACHE_WAYS;

	(void)state;
	add(20000, 3 * most);
	assert_true(count_known(20000) < 100);
	assert_true(count_known(20000 + 3 * most) <= most);
	assert_true(count_known(20000 + 3 * most) > most * 9 / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_what_was_added_and_nothing_else),
	    cmocka_unit_test(a_fleet_is_known_whole),
	    cmocka_unit_test(the_oldest_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
