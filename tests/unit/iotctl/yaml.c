/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML in and out of iotctl. */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "iotctl/apply/yaml_parse.h"
#include "iotctl/output/yaml_emit.h"

static int
take(void *arg, json_t *doc, size_t n, struct err *err)
{
	struct buf *out = arg;
	char *text = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);

	(void)err;
	buf_printf(out, "%s%s", n > 1 ? " " : "", text);
	free(text);
	return 0;
}

static void
reads(const char *text, const char *wanted)
{
	struct buf out = {0};
	struct err err = {0};

	assert_int_equal(yaml_parse_documents(span_of(text), "f", take, &out, &err), 0);
	assert_string_equal(buf_str(&out), wanted);
	buf_release(&out);
}

static void
refuses(const char *text, const char *part)
{
	struct buf out = {0};
	struct err err = {0};

	assert_int_equal(yaml_parse_documents(span_of(text), "f", take, &out, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (strstr(err.text, part) == NULL)
		fail_msg("wanted '%s' in '%s'", part, err.text);
	buf_release(&out);
}

/* What is written reads back as the same JSON. */
static void
comes_back(const char *json)
{
	struct buf text = {0}, out = {0};
	struct err err = {0};

	yaml_emit_put(&text, span_of(json));
	if (yaml_parse_documents(buf_as_span(&text), "f", take, &out, &err) != 0)
		fail_msg("%s in:\n%s", err.text, buf_str(&text));
	assert_string_equal(buf_str(&out), json);
	buf_release(&text);
	buf_release(&out);
}

static void
reads_documents(void **state)
{
	(void)state;
	reads("a: 1\nb: [x, 2.5]\n---\nc: {d: e}\n",
	    "{\"a\":1,\"b\":[\"x\",2.5]} {\"c\":{\"d\":\"e\"}}");
	reads("", "");
	reads("# nothing\n", "");
	reads("---\n---\na: 1\n...\n", "{\"a\":1}");
	reads("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1} {\"a\":2}");
	reads(" [1, {\"b\": null}] ", "[1,{\"b\":null}]");
	reads("{a: b}", "{\"a\":\"b\"}");
	reads("x: &x [1]\ny: *x\n", "{\"x\":[1],\"y\":[1]}");
	reads("\xef\xbb\xbf"
	      "a: 1\n",
	    "{\"a\":1}");
}

static void
keeps_words_text(void **state)
{
	static const char *const words[] = {"yes", "No", "on", "007", "1e", "0x10",
	    "1_000", "+5", "-", ".5", "12:30:00", "2026-11-23", "\"1\"", "'true'",
	    "1.2.3", "=", "<<"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(words); i++) {
		char text[64], wanted[64];
		size_t n = strlen(words[i]);
		bool quoted = words[i][0] == '"' || words[i][0] == '\'';

		snprintf(text, sizeof(text), "a: %s\n", words[i]);
		snprintf(wanted, sizeof(wanted), "{\"a\":\"%.*s\"}",
		    (int)(quoted ? n - 2 : n), words[i] + quoted);
		if (strcmp(words[i], "-") == 0)
			continue;
		reads(text, wanted);
	}
	reads("a: ~\nb: null\nc:\nd: true\ne: FALSE\nf: -3\ng: 1.5e3\n",
	    "{\"a\":null,\"b\":null,\"c\":null,\"d\":true,\"e\":false,\"f\":-3,\"g\":"
	    "1500.0}");
	reads("a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}");
}

/* Whether two items are one text. */
static int
take_two(void *arg, json_t *doc, size_t n, struct err *err)
{
	bool *same = arg;

	(void)n;
	(void)err;
	*same = json_string_value(json_array_get(doc, 0)) ==
	    json_string_value(json_array_get(doc, 1));
	return 0;
}

static void
refuses_what_is_wrong(void **state)
{
	struct buf deep = {0};
	size_t i;

	(void)state;
	refuses("a: [1\nb: 2\n", "'f', line 2");
	refuses("a: 1\na: 2\n", "'f', line 2: 'a' stands there twice");
	refuses("{\"a\":1,\"a\":2}", "'f', line 1");
	refuses("{\"a\":1}\n{\"a\":}\n", "'f', line 2");
	refuses("? [a]\n: 1\n", "a key that is no text");
	refuses("a: *x\n", "'f', line 1");
	refuses(
	    "a: 1\nb: -9223372036854775809\n", "'f', line 2: a number beyond 64 bits");
	refuses("- 1e999\n", "'f', line 1: a number beyond 64 bits");
	refuses("{\"a\":\n9223372036854775808}", "'f', line 2: a number beyond 64 bits");
	refuses("{\"a\":1}\n{\"a\":1e999}", "'f', line 2: a number beyond 64 bits");
	refuses("a: \"\\xff\xff\"\n", "'f', line 1");
	for (i = 0; i < 100; i++)
		buf_puts(&deep, "- ");
	refuses(buf_str(&deep), "nested too deep");
	buf_release(&deep);
	refuses("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d "
		"[*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f "
		"[*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
		"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
	    "'f', line 5: aliases that stand for too much");
}

/* What many have in common is written once; a long text is not copied for each that has it. */
static void
bounds_aliases_by_the_text(void **state)
{
	struct buf text = {0}, out = {0};
	struct err err = {0};
	bool same = false;
	size_t i;

	(void)state;
	buf_puts(&text, "- &d {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8}\n");
	for (i = 0; i < 5000; i++)
		buf_puts(&text, "- {<<: *d, i: 9}\n");
	if (yaml_parse_documents(buf_as_span(&text), "f", take, &out, &err) != 0)
		fail_msg("%s", err.text);
	if (yaml_parse_documents(
		span_of("- &d long\n- *d\n"), "f", take_two, &same, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(same);
	buf_release(&text);
	buf_release(&out);
}

/* Editors of Windows put it in front. */
static void
skips_a_byte_order_mark(void **state)
{
	(void)state;
	reads("\xef\xbb\xbfkind: x\nname: y\n", "{\"kind\":\"x\",\"name\":\"y\"}");
	reads("\xef\xbb\xbf---\r\na: 1\r\n---\r\nb: 2\r\n", "{\"a\":1} {\"b\":2}");
	reads("\xef\xbb\xbf{\"a\":1}\n{\"a\":2}\n", "{\"a\":1} {\"a\":2}");
	reads("\xef\xbb\xbf", "");
	refuses("\xef\xbb\xbf"
		"a: 1\nb: [\n",
	    "'f', line 3");
}

static void
tells_the_line_of_a_bad_byte(void **state)
{
	(void)state;
	refuses("a: 1\nb: 2\nc: Almac\xe9n\nd: 4\n",
	    "'f', line 3: bytes that are no UTF-8; if it is Windows-1252: iconv -f "
	    "WINDOWS-1252 -t UTF-8");
	refuses("{\"a\":1}\n{\"a\":\"\xe9\"}\n", "'f', line 2: bytes that are no UTF-8");
	refuses("a: 1\nb: 2\nc: \x01\n", "'f', line 3: control characters");
	refuses("\xff\xfe"
		"abc",
	    "'f', line 1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8");
}

/* Some of these took times that grow with the square of their length, minutes for this much. */
static void
is_linear(void **state)
{
	enum { MANY = 200000, SECONDS = 8 };
	static const char *const deep[] = {"[", "{", "[{", "- ", "? ", "[? ", "!!seq ["};
	struct buf text = {0};
	clock_t began = clock();
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(deep); i++) {
		buf_clear(&text);
		for (k = 0; k < MANY; k++)
			buf_puts(&text, deep[i]);
		refuses(buf_str(&text), "'f', line 1: ");
	}
	buf_clear(&text);
	for (k = 0; k < MANY; k++)
		buf_printf(&text, "- &a%zu !!str x\n- *a%zu\n", k, k);
	buf_puts(&text, "- *b\n");
	refuses(buf_str(&text), "'f', line 400001: no anchor '&b' stands before it");
	buf_clear(&text);
	for (k = 0; k < MANY; k++)
		buf_printf(&text, "%%TAG !a%zu! x\n", k);
	refuses(buf_str(&text), "'f', line 101: more than 100 times %TAG");
	buf_release(&text);
	assert_true((clock() - began) / CLOCKS_PER_SEC < SECONDS);
}

static void
follows_aliases(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	reads("a: &x {b: &y [1]}\nc: *x\nd: *y\ne: &x 2\nf: *x\n&k g: *k\n---\n- &x "
	      "3\n- *x\n",
	    "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":[1],\"e\":2,\"f\":2,\"g\":"
	    "\"g\"} [3,3]");
	refuses("a: &x 1\n---\nb: *x\n", "'f', line 3: no anchor '&x' stands before it");
	refuses("a: 1\nb: &x [*x]\n", "'f', line 2: '&x' cannot hold itself");
	buf_puts(&text, "- &a0 [x]\n");
	for (i = 1; i < 100; i++)
		buf_printf(&text, "- &a%zu [*a%zu]\n", i, i - 1);
	refuses(buf_str(&text), "'f', line 64: nested too deep");
	buf_release(&text);
}

static void
merges_mappings(void **state)
{
	(void)state;
	reads("- &a {k: x, n: 1}\n- <<: *a\n  n: 2\n  z: [*a]\n",
	    "[{\"k\":\"x\",\"n\":1},{\"n\":2,\"z\":[{\"k\":\"x\",\"n\":1}],\"k\":\"x\"}"
	    "]");
	reads("- &a {k: 1, l: 1}\n- &b {l: 2, m: 2}\n- &c {<<: [*a, *b], n: 3}\n- {<<: "
	      "*c}\n- {<<: {o: 4}}\n- {<<: []}\n",
	    "[{\"k\":1,\"l\":1},{\"l\":2,\"m\":2},{\"n\":3,\"k\":1,\"l\":1,\"m\":2},"
	    "{\"n\":3,\"k\":1,\"l\":1,\"m\":2},{\"o\":4},{}]");
	reads("'<<': {a: 1}\nb: <<\n", "{\"<<\":{\"a\":1},\"b\":\"<<\"}");
	reads("{\"<<\":{\"a\":1}}", "{\"<<\":{\"a\":1}}");
	comes_back("{\"<<\":{\"a\":1}}");
	refuses("a: 1\n<<: x\n", "'f', line 2: '<<' merges a mapping");
	refuses("<<: [{a: 1}, 2]\n", "'f', line 1: '<<' merges a mapping");
	refuses("<<: {a: 1}\n<<: {b: 1}\n", "'f', line 2: '<<' stands there twice");
	refuses("<<: *x\n", "'f', line 1: no anchor '&x'");
}

static void
obeys_tags(void **state)
{
	static const char *const unknown[] = {"!secret x", "!secret 'x'", "!secret [x]",
	    "!secret {x: y}", "!!binary eA==", "!!timestamp 2026-11-23", "!!set {x}",
	    "!!str [x]", "!!map x", "!<x> 1", "&x !secret 1"};
	static const char *const unfit[] = {
	    "!!int x", "!!int 1.5", "!!int ''", "!!float x", "!!bool yes", "!!null x"};
	char text[64];
	size_t i;

	(void)state;
	reads("a: !!str 1\nb: ! true\nc: !!str\nd: &x !!str 2\ne: *x\nf: &y 3\ng: *y\n",
	    "{\"a\":\"1\",\"b\":\"true\",\"c\":\"\",\"d\":\"2\",\"e\":\"2\",\"f\":3,"
	    "\"g\":3}");
	reads("\xc3\xb1: 1\n---\n!!str \xc3\xb1: !!str\n  12\nb: 12\nc: '!x'\n",
	    "{\"\xc3\xb1\":1} {\"\xc3\xb1\":\"12\",\"b\":12,\"c\":\"!x\"}");
	reads("!!map {a: !!seq [!!int '1', !!float 2, !!bool True, !!null ~, !!int 3]}",
	    "{\"a\":[1,2.0,true,null,3]}");
	reads("%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1\n", "{\"a\":\"1\"}");
	refuses("a: 1\n!secret b: 2\n", "'f', line 2: a key that is no text");
	for (i = 0; i < ARRAY_LEN(unknown); i++) {
		snprintf(text, sizeof(text), "a: 1\nb: %s\n", unknown[i]);
		refuses(text, "'f', line 2: tag '");
		refuses(text, "' is unknown");
	}
	for (i = 0; i < ARRAY_LEN(unfit); i++) {
		snprintf(text, sizeof(text), "a: 1\nb: %s\n", unfit[i]);
		refuses(text, "does not fit what follows it");
	}
	refuses(
	    "a: !!int 99999999999999999999\n", "'f', line 1: a number beyond 64 bits");
}

static void
writes_what_it_reads(void **state)
{
	static const char *const values[] = {"1", "-2.5", "true", "null", "\"\"",
	    "\"yes\"", "\"a b\"", "\" a\"", "\"a \"", "\"007\"", "\"1.50\"", "\"~\"",
	    "\"a: b\"", "\"a #b\"", "\"- a\"", "\"x\\ny\"", "\"x\\ny\\n\"",
	    "\"x\\ny\\n\\n\"", "\" x\\ny\"", "\"x \\ny\"", "\"\\n\"", "\"\\\"q\\\"\"",
	    "\"\\\\\"", "\"\\t\"", "\"\xc3\xb1\"", "\"\xf0\x9f\x98\x80\"", "\"---\"",
	    "\"null\"", "\"iot/{device_id}/#\"", "[]", "{}",
	    "[1,[2,[]],{\"a\":[{\"b\":1}]}]", "{\"a b\":{\"c\":[\"d\"]}}", "[[1],[2]]",
	    "\"\xc2\x85\"", "\"\xe2\x80\xa8\"", "\"\xef\xbb\xbf\"", "\"a\\u0000b\"",
	    "\"\\u0001\"", "\"x\\n\\ny\"", "\"x\\n  y\""};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(values); i++) {
		char json[256];

		snprintf(
		    json, sizeof(json), "{\"k\":%s,\"l\":[%s]}", values[i], values[i]);
		comes_back(json);
	}
}

static void
writes_any_key(void **state)
{
	char json[1600] = "{\"k\":{\"";
	size_t n = strlen(json);

	(void)state;
	comes_back("{\"a\\nb\":1,\"\":{\"\xc2\x85\":[1]},\"a: b\":2,\"- x\":3,\"|\":4}");
	memset(json + n, 'x', 1400);
	snprintf(json + n + 1400, 100, "\":[1,{\"b\":2}],\"y\":3}}");
	comes_back(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_documents),
	    cmocka_unit_test(keeps_words_text),
	    cmocka_unit_test(refuses_what_is_wrong),
	    cmocka_unit_test(skips_a_byte_order_mark),
	    cmocka_unit_test(tells_the_line_of_a_bad_byte),
	    cmocka_unit_test(is_linear),
	    cmocka_unit_test(follows_aliases),
	    cmocka_unit_test(bounds_aliases_by_the_text),
	    cmocka_unit_test(merges_mappings),
	    cmocka_unit_test(obeys_tags),
	    cmocka_unit_test(writes_what_it_reads),
	    cmocka_unit_test(writes_any_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
