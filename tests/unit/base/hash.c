/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include <stdio.h>

#include "unit.h"

/* The vectors of draft-eastlake-fnv, appendix C. */
static void
hashes_are_fnv_1a(void **state)
{
	(void)state;
	assert_true(hash_of(SPAN("")) == HASH_START);
	assert_true(hash_of(SPAN("a")) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_of(SPAN("foobar")) == UINT64_C(0x85944171f73967e8));
	assert_true(
	    hash_add(hash_of(SPAN("foo")), SPAN("bar")) == hash_of(SPAN("foobar")));
	assert_true(hash_add_text(hash_add_text(HASH_START, "a"), "bc") !=
	    hash_add_text(hash_add_text(HASH_START, "ab"), "c"));
}

static size_t
count_of(const struct hash_table *t, uint64_t hash, size_t number)
{
	struct hash_search s = hash_find(t, hash);
	size_t found, n = 0;

	while (hash_next(&s, &found))
		n += found == number;
	return n;
}

static void
what_is_added_is_found(void **state)
{
	struct hash_table t = {0};
	char text[32];
	size_t i;

	(void)state;
	assert_int_equal(count_of(&t, 1, 0), 0);
	for (i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "DEV%zu", i);
		hash_table_add(&t, hash_of(span_of(text)), i);
	}
	assert_int_equal(t.n, 100000);
	assert_true(t.room >= 2 * t.n);
	for (i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "DEV%zu", i);
		assert_int_equal(count_of(&t, hash_of(span_of(text)), i), 1);
	}
	assert_int_equal(count_of(&t, hash_of(SPAN("DEV")), 0), 0);
	hash_table_release(&t);
	assert_int_equal(count_of(&t, hash_of(SPAN("DEV1")), 1), 0);
}

static void
equal_hashes_are_told_apart_by_their_user(void **state)
{
	struct hash_table t = {0};
	struct hash_search s;
	size_t i, n = 0, sum = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		hash_table_add(&t, i % 2, i);
	s = hash_find(&t, 1);
	while (hash_next(&s, &i)) {
		assert_int_equal(i % 2, 1);
		sum += i;
		n++;
	}
	assert_int_equal(n, 500);
	assert_int_equal(sum, 250000);
	hash_table_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes_are_fnv_1a),
	    cmocka_unit_test(what_is_added_is_found),
	    cmocka_unit_test(equal_hashes_are_told_apart_by_their_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
