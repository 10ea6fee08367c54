/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as the API takes it: what is refused, and where. */
#include "unit.h"

#include "base/json.h"
#include "base/text.h"
#include "iotapi/http/json_in.h"

static void
check(struct span text, const char *wanted)
{
	struct buf why = {0};
	json_t *v = json_in_read(text, &why);

	assert_string_equal(v != NULL ? "good" : buf_str(&why), wanted);
	json_decref(v);
	buf_release(&why);
}

static void
what_is_wrong_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"{\"a\":[1,\"x\",null]}", "good"},
	    {" 5 ", "good"},
	    {"", "it ends too early: line 1 column 1 (char 0)"},
	    {"{\"a\":", "it ends too early: line 1 column 6 (char 5)"},
	    {"{\"a\":x}", "no JSON: line 1 column 6 (char 5)"},
	    {"{\n\"a\" 1}", "no JSON: line 2 column 5 (char 6)"},
	    {"{} {}", "no JSON: line 1 column 4 (char 3)"},
	    {"\"\xff\"", "no JSON: line 1 column 2 (char 1)"},
	    {" {\"a\":1,\"a\":2}", "duplicate object key: line 1 column 12 (char 11)"},
	    {"{\"password\":\"secret\\u0000\"}",
		"\\u0000 is not allowed without JSON_ALLOW_NUL: line 1 column 27 (char "
		"26)"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		check(span_of(cases[i].text), cases[i].wanted);
}

/* Brackets in strings, also behind escaped quotes, are none. */
static void
depth_is_that_of_brackets(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	for (i = 0; i < JSON_TAKEN; i++)
		buf_puts(&text, i % 2 == 0 ? "{\"a\\\"[{\":" : "[\"]]\\\\\",");
	buf_puts(&text, "\"[[[\"");
	for (; i-- > 0;)
		buf_putc(&text, i % 2 == 0 ? '}' : ']');
	check(buf_as_span(&text), "good");
	buf_clear(&text);
	for (i = 0; i < 3000; i++)
		buf_putc(&text, '[');
	check(buf_as_span(&text), "nested deeper than 64: line 1 column 65 (char 64)");
	buf_release(&text);
}

static void
values_are_counted_outside_of_strings(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	buf_puts(&text, "[\"");
	for (i = 0; i < JSON_IN_VALUES; i++)
		buf_puts(&text, ",\\\"[");
	buf_puts(&text, "\"");
	for (i = 0; i < JSON_IN_VALUES - 2; i++)
		buf_puts(&text, ",1");
	buf_puts(&text, "]");
	check(buf_as_span(&text), "good");
	text.n--;
	buf_puts(&text, ",1]");
	check(buf_as_span(&text), "more than 65536 values");
	buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_wrong_is_told_with_its_place),
	    cmocka_unit_test(depth_is_that_of_brackets),
	    cmocka_unit_test(values_are_counted_outside_of_strings),
	};

	return cmocka_run_group_tests_name("json_in", tests, NULL, NULL);
}
