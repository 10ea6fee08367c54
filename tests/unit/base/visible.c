/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"
#include "base/visible.h"

#include "unit.h"

static const char hostile[] = "a\x1b]0;x\x07\n\xc2\x9b\xe2\x80\xae\xff\0 ñ";

static void
a_terminal_never_sees_controls(void **state)
{
	struct buf b = {0};

	(void)state;
	visible_put(&b, (struct span){hostile, sizeof(hostile) - 1});
	assert_string_equal(
	    buf_str(&b), "a\\x1b]0;x\\x07\\x0a\\xc2\\x9b\\xe2\\x80\\xae\\xff\\x00 ñ");
	buf_clear(&b);
	visible_put_lines(&b, (struct span){hostile, sizeof(hostile) - 1});
	assert_string_equal(
	    buf_str(&b), "a\\x1b]0;x\\x07\n\\xc2\\x9b\\xe2\\x80\\xae\\xff\\x00 ñ");
	buf_release(&b);
}

static void
nothing_is_halved_where_room_ends(void **state)
{
	struct span s = SPAN("\xc3\xb1\xc3\xb1\x1b");
	char out[8];

	(void)state;
	assert_int_equal(utf8_visible(out, 3, &s), 2);
	assert_int_equal(s.n, 3);
	assert_int_equal(utf8_visible(out, 5, &s), 2);
	assert_int_equal(s.n, 1);
	assert_int_equal(utf8_visible(out, 4, &s), 4);
	assert_memory_equal(out, "\\x1b", 4);
	assert_int_equal(s.n, 0);
}

static void
json_stays_the_same_json(void **state)
{
	struct buf b = {0};

	(void)state;
	visible_put_json(&b, SPAN("{\"a\":\"ñ\x7f\xc2\x9b\xe2\x80\xae\"}\n"));
	assert_string_equal(buf_str(&b), "{\"a\":\"ñ\\u007f\\u009b\\u202e\"}\n");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_terminal_never_sees_controls),
	    cmocka_unit_test(nothing_is_halved_where_room_ends),
	    cmocka_unit_test(json_stays_the_same_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
