/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "msg/message_format.h"
#include "messages.h"

#include "base/text.h"
#include "msg/message.h"

static void
formats_are_mosquittos(void **state)
{
	const struct span user[] = {SPAN("k"), SPAN("v"), SPAN("k"), SPAN("w")};
	static const struct {
		const char *format, *want;
	} cases[] = {
	    {"%t %p %q %r %m %l %x %X %%\\t\\n", "a/b xyz 1 0 17 3 78797a 78797A %\t\n"},
	    {"%5t|%-5t|%.2t|%5.1t|%05t|%2t", "  a/b|a/b  |a/|    a|  a/b|a/b"},
	    {"%5p|%-5p|%05p|%2p|%.1p", "  xyz|xyz  |00xyz|xy|xyz"},
	    {"%8x|%-8x|%08X|%3x|%4x", "      78|78      |00000078| 78|  78"},
	    {"%4l|%-4l|%04l|%-04l|%.9m", "   3|3   |0003|3   |17"},
	    {"%5q|%3r|%9%|%9D", "1|0|%|c"},
	    {"%C|%6R|%P|%E|%F|%A|%S", "ct|   r/t|k:v k:w|77|||5"},
	    {"%3F|%03A|%-3A|%03E", "   |000|   |077"},
	    {"@@ @N @%", "@ 123456000 %"},
	    {"\\\\\\e\\a\\r\\v", "\\\x1b\a\r\v"},
	};
	struct msg m = message("a/b", "xyz");
	size_t i;

	(void)state;
	m.props = (struct msg_props){.content_type = SPAN("ct"),
	    .response_topic = SPAN("r/t"),
	    .correlation = SPAN("c"),
	    .user = user,
	    .users = 2,
	    .expiry = {true, 77},
	    .subscription = {true, 5}};
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct message_format *f = NULL;
		struct err err = {0};
		struct buf b = {0};

		assert_int_equal(message_format_compile(&f, cases[i].format, &err), 0);
		assert_null(message_format_put(f, &b, &m, &topics));
		assert_string_equal(buf_str(&b), cases[i].want);
		message_format_free(f);
		buf_release(&b);
	}
}

static void
wrong_formats_are_refused(void **state)
{
	static const struct {
		const char *format, *said;
	} cases[] = {{"%y", "after '%'"}, {"a %", "after '%'"}, {"%5", "after '%'"},
	    {"%--5l", "after '%'"}, {"%0-5l", "after '%'"}, {"%70000t", "after '%'"},
	    {"%99999999999999999999t", "after '%'"}, {"@", "after '@'"},
	    {"\\", "after '\\'"}, {"\\x", "after '\\'"}, {"\\ ", "after '\\'"}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct message_format *f = NULL;
		struct err err = {0};

		assert_int_equal(message_format_compile(&f, cases[i].format, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (strstr(err.text, cases[i].said) == NULL)
			fail_msg("%s: got %s", cases[i].format, err.text);
	}
}

static void
formats_reject_as_lines_do(void **state)
{
	struct msg m = message("iot/sensors/E/data", "{\"device_id\":\"F\"}");
	struct message_format *f = NULL;
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	assert_int_equal(message_format_compile(&f, "%t %j", &err), 0);
	topics.strict = true;
	assert_string_equal(message_format_put(f, &b, &m, &topics), "id");
	topics.strict = false;
	m.reject = "topic";
	assert_string_equal(message_format_put(f, &b, &m, &topics), "topic");
	assert_int_equal(b.n, 0);
	message_format_free(f);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats_are_mosquittos),
	    cmocka_unit_test(wrong_formats_are_refused),
	    cmocka_unit_test(formats_reject_as_lines_do),
	};

	return cmocka_run_group_tests_name("format", tests, setup, teardown);
}
