/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which filters iotapi subscribes of those that its topics make. */
#include "base/strv.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "iotapi/mqtt/filter_cover.h"
#include "model/topic.h"

static void
leaves_what_is_needed(void **state)
{
	static const struct {
		const char *given, *left;
	} rows[] = {
	    {"", ""},
	    {"a", "a"},
	    {"a a a", "a"},
	    {"b a", "a b"},
	    {"a/1 a/+", "a/+"},
	    {"a/+ a/1 b/1", "a/+ b/1"},
	    {"a/+ a a/1/2", "a a/+ a/1/2"},
	    {"+/b a/+ a/b", "+/b a/+"},
	    {"+/+ +/b a/+ a/b", "+/+"},
	    {"a/+/c a/b/+ a/b/c a/+/d", "a/+/c a/+/d a/b/+"},
	    {"+/x $SYS/x", "$SYS/x +/x"},
	    {"$SYS/+ $SYS/x", "$SYS/+"},
	    {"+ /a", "+ /a"},
	    {"/+ /a +/a", "+/a /+"},
	    {"a/ a/+", "a/+"},
	    {"iot/sensors/+/data iot/sensors/+/data", "iot/sensors/+/data"},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv l = {0};
		struct buf left = {0};

		strv_split(&l, rows[i].given, ' ');
		filter_cover_reduce(&l);
		for (k = 0; k < l.n; k++)
			buf_printf(&left, "%s%s", k != 0 ? " " : "", l.v[k]);
		assert_string_equal(rows[i].left, buf_str(&left));
		buf_release(&left);
		strv_release(&l);
	}
}

/* Every filter against every other, by the rule that brokers match with. */
static void
agrees_with_matching(void **state)
{
	static const char *const words[] = {"+", "a", "b", "$c", ""};
	unsigned seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct strv all = {0}, left = {0};
		size_t n = (size_t)(rand_r(&seed) % 12), i, k;

		for (i = 0; i < n; i++) {
			struct buf f = {0};
			int levels = 1 + rand_r(&seed) % 3;

			while (levels-- > 0)
				buf_printf(&f, "%s%s",
				    words[rand_r(&seed) % (int)ARRAY_LEN(words)],
				    levels > 0 ? "/" : "");
			strv_add(&all, buf_str(&f));
			strv_add(&left, buf_str(&f));
			buf_release(&f);
		}
		filter_cover_reduce(&left);
		for (i = 0; i < n; i++) {
			size_t takers = 0;

			for (k = 0; k < left.n; k++)
				takers +=
				    topic_filter_matches(left.v[k], span_of(all.v[i]));
			assert_true(takers > 0);
		}
		for (i = 0; i < left.n; i++) {
			for (k = 0; k < left.n; k++)
				assert_true(i == k ||
				    !topic_filter_matches(left.v[i], span_of(left.v[k])));
		}
		strv_release(&left);
		strv_release(&all);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaves_what_is_needed),
	    cmocka_unit_test(agrees_with_matching),
	};

	return cmocka_run_group_tests_name("iotapi_filters", tests, NULL, NULL);
}
