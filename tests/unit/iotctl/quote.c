/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/env/quote.h"

#include <stdlib.h>

#include "unit.h"

static void
a_literal_has_nothing_that_a_compiler_takes_otherwise(void **state)
{
	struct buf b = {0};

	(void)state;
	quote_c(&b, "");
	quote_c(&b, "a\"\\?\?/\n1\x7f\xc3\xb1 ~");
	assert_string_equal(
	    buf_str(&b), "\"\"\"a\\042\\134\\077\\077/\\0121\\177\\303\\261 ~\"");
	buf_release(&b);
}

static void
a_word_is_whole_to_the_shell(void **state)
{
	struct buf b = {0};

	(void)state;
	quote_sh(&b, "");
	quote_sh(&b, "a'b$`\"\\\n!");
	assert_string_equal(buf_str(&b), "'''a'\\''b$`\"\\\n!'");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_literal_has_nothing_that_a_compiler_takes_otherwise),
	    cmocka_unit_test(a_word_is_whole_to_the_shell),
	};

	return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
