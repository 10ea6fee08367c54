/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* RFC 8259, and the well-known edges: numbers, escapes, surrogates, white space, UTF-8. */
static const char *const accepted[] = {"0", "-0", "1", "21.50", "9223372036854775808",
    "1e5", "1E+5", "-1.5e-10", "1e999", "true", "false", "null", "\"\"",
    "\"a\\n\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"ñ€\xf0\x9f\x98\x80\"",
    "\"\x7f\"", "[]", "{}", " [ 1 , 2 ] ", "{\"a\":{\"b\":[1,{\"c\":null}]}}",
    "{\"a\":1,\"a\":2}", "{\"\":0}", "\t\r\n 1 \n", "[[[[]]]]", "\"\\/\""};
static const char *const rejected[] = {"", " ", "NaN", "Infinity", "-", "+1", "01", "-01",
    "1.", ".5", "1e", "1e+", "0x10", "1 2", "tru", "True", "nul", "\"", "\"a", "\"\\\"",
    "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ude00\"",
    "\"\\ud83d\\u0041\"", "\"\n\"", "\"\x1f\"", "\"\xff\"", "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
    "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}", "[1}",
    "{\"a\":1]", "[1]x", "'a'", "// c\n1",
    ("\xc2\xa0"
     "1"),
    "{\"a\":1}}", "[\"a\",\n", "-a", "1a", "truex"};

static void
whole_texts_are_accepted_or_not(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(accepted); i++) {
		if (!json_check(span_of(accepted[i]), NULL, NULL))
			fail_msg("wanted accepted: %s", accepted[i]);
	}
	for (i = 0; i < ARRAY_LEN(rejected); i++) {
		if (json_check(span_of(rejected[i]), NULL, NULL))
			fail_msg("wanted rejected: %s", rejected[i]);
	}
	assert_false(json_check((struct span){"\"\0\"", 3}, NULL, NULL));
	assert_false(json_check((struct span){"1\0", 2}, NULL, NULL));
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* %HH is a byte. */
static size_t
decode(char *text)
{
	const char *from = text;
	char *to = text;

	for (; *from != '\0'; from++) {
		if (*from == '%') {
			*to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	return (size_t)(to - text);
}

/* As it is, and long enough that the scan asks for memory. */
static void
case_is(const char *name, const char *text, size_t n, bool want)
{
	const size_t more = 5000;
	char *exact = xmalloc(n != 0 ? n : 1);
	char *longer = xmalloc(more + n);

	memcpy(exact, text, n);
	memset(longer, ' ', more);
	memcpy(longer + more, text, n);
	if (json_check((struct span){exact, n}, NULL, NULL) != want ||
	    json_check((struct span){longer, more + n}, NULL, NULL) != want)
		fail_msg("%s: wanted %s", name, want ? "accepted" : "rejected");
	free(exact);
	free(longer);
}

static int
on_case(void *arg, size_t number, char *line, struct err *err)
{
	const char *kind = line[0] != '#' ? strsep(&line, "\t") : NULL;
	const char *name = strsep(&line, "\t");
	size_t *cases = arg;

	(void)number;
	(void)err;
	if (kind == NULL)
		return 0;
	assert_non_null(line);
	case_is(name, line, decode(line), *kind == 'y');
	++*cases;
	return 0;
}

static void
the_well_known_cases(void **state)
{
	const char *dir = getenv("IOT_JSON_CASES");
	char *path = xasprintf("%s/suite.case", dir != NULL ? dir : "tests/json");
	FILE *in = fopen(path, "re");
	struct err err = {0};
	size_t cases = 0;

	(void)state;
	assert_non_null(in);
	assert_int_equal(file_lines(in, path, on_case, &cases, &err), 0);
	assert_true(cases > 300);
	fclose(in);
	free(path);
}

static void
members_are_kept_on_the_way(void **state)
{
	static const char text[] =
	    " {\"a\" : [1, {\"b\":2}] ,\"b\":\"x\",\"c\":{ } , \"b\":4} ";
	struct json_pair pairs[4];
	struct json_scan found = {.pairs = pairs, .room = 4};
	struct span value;

	(void)state;
	assert_true(json_scan(SPAN(text), &found));
	assert_int_equal(found.members, 4);
	assert_false(found.escapes);
	assert_true(
	    span_is(pairs[0].name, "\"a\"") && span_is(pairs[0].value, "[1, {\"b\":2}]"));
	assert_true(span_is(pairs[2].value, "{ }") && span_is(pairs[3].value, "4"));
	assert_true(
	    json_scan_member(&found, SPAN("b"), &value) && span_is(value, "\"x\""));
	assert_false(json_scan_member(&found, SPAN("bb"), &value));
	/* No room, and names with escapes: found by a walk. */
	found.room = 1;
	assert_true(json_scan(SPAN(text), &found));
	assert_int_equal(found.members, 4);
	assert_true(json_scan_member(&found, SPAN("c"), &value) && span_is(value, "{ }"));
	found.room = 4;
	assert_true(json_scan(SPAN("{\"\\u0062\":1,\"b\":2}"), &found));
	assert_true(found.escapes);
	assert_true(json_scan_member(&found, SPAN("b"), &value) && span_is(value, "1"));
	assert_true(json_scan(SPAN("[{\"b\":1}]"), &found));
	assert_int_equal(found.members, 0);
	assert_false(json_scan_member(&found, SPAN("b"), &value));
}

static void
the_place_of_an_error_is_told(void **state)
{
	size_t at;

	(void)state;
	assert_false(json_check(SPAN("{\"a\": nul}"), NULL, &at));
	assert_int_equal(at, 6);
	assert_false(json_check(SPAN("[1,2] x"), NULL, &at));
	assert_int_equal(at, 6);
}

static bool
nested(size_t depth)
{
	char text[2 * JSON_DEPTH + 8];

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return json_check((struct span){text, 2 * depth}, NULL, NULL);
}

static void
depth_is_bounded(void **state)
{
	(void)state;
	assert_true(nested(JSON_DEPTH));
	assert_false(nested(JSON_DEPTH + 1));
}

static void
every_cut_of_a_text_is_rejected(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e+3,true,{\"\\ud83d\\ude00\":\"\xe2\x82\xac\"}],\"b\":null}";
	size_t n;

	(void)state;
	assert_true(json_check(SPAN(text), NULL, NULL));
	for (n = 0; n < sizeof(text) - 1; n++) {
		/* In memory of its own, so that the sanitizer sees a byte read too many. */
		char *cut = xmalloc(n);

		memcpy(cut, text, n);
		assert_false(json_check((struct span){cut, n}, NULL, NULL));
		free(cut);
	}
}

static void
members_keep_their_bytes(void **state)
{
	static const char text[] =
	    " { \"a\" : 21.50 , \"b\\u0062\":[ 1 ,{\"x\":\"]\\\"\"}], \"a\":2 } ";
	struct json_iter it = {0};
	struct span v, b;

	(void)state;
	assert_true(json_check(SPAN(text), &v, NULL));
	assert_int_equal(json_kind(v), JSON_KIND_OBJECT);
	assert_true(json_member(v, "a", &b));
	assert_true(span_is(b, "21.50"));
	assert_true(json_member(v, "bb", &b));
	assert_true(span_is(b, "[ 1 ,{\"x\":\"]\\\"\"}]"));
	assert_false(json_member(v, "c", &b));
	it.value = b;
	assert_false(json_next(&it) && json_next(&it) && json_next(&it));
	it = (struct json_iter){.value = v};
	assert_true(json_next(&it) && json_next(&it) && json_next(&it));
	assert_true(span_is(it.key, "\"a\"") && span_is(it.item, "2"));
	assert_false(json_next(&it));
}

static void
empty_containers_have_no_members(void **state)
{
	static const char *const empty[] = {"{}", "{ }", "[]", "[\n]"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(empty); i++) {
		struct json_iter it = {.value = span_of(empty[i])};

		assert_false(json_next(&it));
	}
}

static void
strings_lose_and_gain_escapes(void **state)
{
	struct buf b = {0};

	(void)state;
	json_unescape(&b, SPAN("\"a\\n\\\"\\u00f1\\ud83d\\ude00\\/\\u0000z\""));
	assert_int_equal(b.n, 12);
	assert_memory_equal(b.p, "a\n\"ñ\xf0\x9f\x98\x80/\0z", 12);
	buf_clear(&b);
	json_put_string(&b, (struct span){"a\n\"\\\x01\x7fñ\0", 9});
	assert_string_equal(buf_str(&b), "\"a\\n\\\"\\\\\\u0001\\u007fñ\\u0000\"");
	buf_release(&b);
}

static void
only_insignificant_blanks_go(void **state)
{
	static const char text[] = "\n{ \"a b\" :\t[ 1.0 , \"c \\\" d\" ] }\n";
	struct json_scan found = {0};
	struct buf b = {0};

	(void)state;
	assert_true(json_scan(SPAN(text), &found));
	assert_int_equal(found.blanks, 8);
	json_put_compact(&b, found.value);
	assert_string_equal(buf_str(&b), "{\"a b\":[1.0,\"c \\\" d\"]}");
	assert_int_equal(b.n, found.value.n - found.blanks);
	buf_release(&b);
}

/* In memory of its own, so that the sanitizer sees a byte too many. */
static void
compare_padded(struct span text, char behind, bool good, const struct json_scan *found)
{
	char *padded = xmalloc(text.n + ASCII_PLAIN_PADDING);
	char *to = xmalloc(text.n + ASCII_PLAIN_PADDING);
	struct json_pair pairs[4];
	struct json_scan again = {.pairs = pairs, .room = 4};
	struct buf compact = {0};

	memcpy(padded, text.p, text.n);
	memset(padded + text.n, behind, ASCII_PLAIN_PADDING);
	if (json_scan_padded((struct span){padded, text.n}, &again, to) != good)
		fail_msg(
		    "'%.*s' before '%c': wanted %d", (int)text.n, text.p, behind, good);
	if (good) {
		json_put_compact(&compact, found->value);
		assert_int_equal(again.value.n, found->value.n);
		assert_int_equal(again.value.n - again.blanks, compact.n);
		assert_memory_equal(to, compact.p, compact.n);
		assert_int_equal(again.members, found->members);
		assert_int_equal(again.escapes, found->escapes);
	}
	buf_release(&compact);
	free(padded);
	free(to);
}

static void
scan_both_ways(struct span text)
{
	static const char behind[] = "\0000\"}],: x\\";
	struct json_scan found = {.room = 0};
	const bool good = json_scan(text, &found);
	size_t i;

	for (i = 0; i < sizeof(behind); i++)
		compare_padded(text, behind[i], good, &found);
}

/* Cut off everywhere, and with every byte another one. */
static void
whatever_stands_behind(void **state)
{
	static const char *const texts[] = {
	    "{\"device_id\": \"RPI_001\", \"sensors\": {\"temperature\": 21.5, "
	    "\"humidity\": 48.0}, \"timestamp\": 1760000000}",
	    " [ -1.25e+3 , 0.5,true ,false,null,[],{} ,[{\"a\" :[ ]}],\"\"]\r\n",
	    "{\"a name beyond sixteen bytes\":\"and its value, which is longer still\","
	    "\"n\":123456789012345678901.25}",
	    "{\"\\u00e9\\ud83d\\ude00\":\"\u00e9 \u20ac \U0001F600\\n\\\"\"}",
	    "21.5",
	    "\"x\"",
	    "true",
	    "-0",
	    "",
	};
	static const char others[] = " \"\\,:[]{}0.e-x\x01\xC3";
	char text[128];
	size_t i, n, at, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		n = strlen(texts[i]);
		for (at = 0; at <= n; at++) {
			scan_both_ways((struct span){texts[i], at});
			memcpy(text, texts[i], n);
			for (k = 0; at < n && k < sizeof(others); k++) {
				text[at] = others[k];
				scan_both_ways((struct span){text, n});
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_texts_are_accepted_or_not),
	    cmocka_unit_test(the_well_known_cases),
	    cmocka_unit_test(members_are_kept_on_the_way),
	    cmocka_unit_test(the_place_of_an_error_is_told),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(every_cut_of_a_text_is_rejected),
	    cmocka_unit_test(members_keep_their_bytes),
	    cmocka_unit_test(empty_containers_have_no_members),
	    cmocka_unit_test(strings_lose_and_gain_escapes),
	    cmocka_unit_test(only_insignificant_blanks_go),
	    cmocka_unit_test(whatever_stands_behind),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
