/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shape takes what the scan takes, and finds the same values. */
#include "unit.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_shape.h"
#include "base/mem.h"
#include "base/ascii.h"
#include "base/text.h"

static bool
learns(struct json_shapes *shape, const char *sample)
{
	struct span values[SHAPE_VALUES];
	size_t n;

	assert_true(json_check(span_of(sample), NULL, NULL));
	shape->first = NULL;
	shape->n = 0;
	return json_shapes_learn(shape, 7, span_of(sample), values, &n);
}

/* In memory of its own, so that the sanitizer sees a byte read too many. */
static bool
fits_before(
    const struct json_shapes *shape, const char *text, const char *want, char behind)
{
	size_t n = strlen(text), i;
	char *padded = xmalloc(n + ASCII_PLAIN_PADDING);
	struct span values[SHAPE_VALUES] = {{0}};
	struct buf found = {0};
	bool fit;
	int id;

	memcpy(padded, text, n);
	memset(padded + n, behind, ASCII_PLAIN_PADDING);
	id = json_shapes_match(shape, padded, padded + n, values);
	fit = id >= 0;
	assert_int_equal(id, fit ? 7 : -1);
	for (i = 0; fit && i < SHAPE_VALUES && values[i].p != NULL; i++) {
		buf_puts(&found, i != 0 ? " " : "");
		buf_span(&found, values[i]);
	}
	if (fit && want != NULL)
		assert_string_equal(buf_str(&found), want);
	assert_true(!fit || json_check((struct span){padded, n}, NULL, NULL));
	buf_release(&found);
	free(padded);
	return fit;
}

/* Whatever stands behind it, such as the next packet. */
static bool
fits(const struct json_shapes *shape, const char *text, const char *want)
{
	static const char behind[] = "0x\".}]\n\xFF";
	const bool fit = fits_before(shape, text, want, '\0');
	size_t i;

	for (i = 0; i < sizeof(behind) - 1; i++) {
		if (fits_before(shape, text, want, behind[i]) != fit)
			fail_msg("'%s' before '%c': wanted %d", text, behind[i], fit);
	}
	return fit;
}

#define SAMPLE                                                                           \
	"{\"device_id\":\"D1\",\"sensors\":{\"temperature\":21.5,\"on\":true},\"list\":" \
	"[1,[]],\"t\":17}"

static void
other_values_have_the_same_shape(void **state)
{
	static struct json_shapes shape;

	(void)state;
	assert_true(learns(&shape, SAMPLE));
	assert_true(fits(&shape, SAMPLE, "\"D1\" 21.5 true 1 17"));
	assert_true(fits(&shape,
	    "{\"device_id\":\"a longer name than one look can see\",\"sensors\":{"
	    "\"temperature\":-0.25,\"on\":null},\"list\":[12345678901234567890,[]],\"t\":"
	    "0}",
	    "\"a longer name than one look can see\" -0.25 null 12345678901234567890 0"));
	assert_true(fits(&shape,
	    "{\"device_id\":7,\"sensors\":{\"temperature\":\"\",\"on\":false},\"list\":["
	    "1234567890.12345678901234567890,[]],\"t\":\"x\"}",
	    "7 \"\" false 1234567890.12345678901234567890 \"x\""));
}

static void
others_have_another(void **state)
{
	static const char *const others[] = {"", "{", "{\"a\":", "{\"a\":1", "{\"a\":1}}",
	    "{\"a\":1} ", " {\"a\":1}", "{\"a\": 1}", "{\"a\":1 }", "{\"b\":1}",
	    "{\"a\":1,\"b\":2}", "{\"a\":[1]}", "{\"a\":}", "{\"a\":,}", "{\"a\":-}",
	    "{\"a\":01}", "{\"a\":00}", "{\"a\":-01}", "{\"a\":1.}", "{\"a\":1.2.3}",
	    "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":\"}", "{\"a\":\"\x01\"}",
	    "{\"a\":\"\\x\"}", "{\"a\":\"\xFF\"}", "{\"a\":tru}", "{\"a\":truee}",
	    "{\"a\":nul}", "{\"a\":fals}", "{\"a\":\"x\"y}",
	    "{\"a\":00000000000000000001}", "[1]"};
	static struct json_shapes shape;
	size_t i;

	(void)state;
	assert_true(learns(&shape, "{\"a\":1}"));
	for (i = 0; i < ARRAY_LEN(others); i++) {
		if (fits(&shape, others[i], NULL))
			fail_msg("'%s' fits, but must not", others[i]);
	}
	assert_true(fits(&shape, "{\"a\":2}", "2"));
}

/* What ends a string too early may be what its shape goes on with. */
static void
strings_need_their_end(void **state)
{
	static const char *const wrong[] = {"{\n\t\"a\":\"x\"\n,\"t\":\"\n}",
	    "{\n\t\"a\":\"\n,\"t\":\"y\"\n}", "{\n\t\"a\":\"x\n,\"t\":\"y\"\n}"};
	static struct json_shapes shape;
	size_t i;

	(void)state;
	assert_true(learns(&shape, "{\n\t\"a\":\"abc\"\n,\"t\":\"x\"\n}"));
	assert_true(fits(&shape, "{\n\t\"a\":\"\"\n,\"t\":\"y\"\n}", "\"\" \"y\""));
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		if (fits(&shape, wrong[i], NULL))
			fail_msg("'%s' fits, but must not", wrong[i]);
	}
}

static void
what_has_no_shape_is_not_learnt(void **state)
{
	static struct json_shapes shape;
	struct buf many = {0};
	size_t i;

	(void)state;
	assert_false(learns(&shape, "1"));
	assert_false(learns(&shape, "\"x\""));
	assert_false(learns(&shape, "[[[[[[[[[[[[1]]]]]]]]]]]]"));
	for (i = 0; i <= SHAPE_VALUES; i++)
		buf_printf(&many, "%c%zu", i == 0 ? '[' : ',', i);
	buf_putc(&many, ']');
	assert_false(learns(&shape, buf_str(&many)));
	buf_clear(&many);
	buf_puts(&many, "{\"");
	for (i = 0; i < 16 * SHAPE_LOOKS; i++)
		buf_putc(&many, 'n');
	buf_puts(&many, "\":1}");
	assert_false(learns(&shape, buf_str(&many)));
	buf_release(&many);
	assert_true(learns(&shape, "{}") && fits(&shape, "{}", ""));
	assert_true(learns(&shape, "[[],{}]") && !fits(&shape, "[{},[]]", NULL));
}

static int
match(const struct json_shapes *shapes, const char *text)
{
	char padded[256 + ASCII_PLAIN_PADDING] = "";
	struct span values[SHAPE_VALUES];

	memcpy(padded, text, strlen(text));
	return json_shapes_match(shapes, padded, padded + strlen(text), values);
}

/* Alike up to a value, up to 16 bytes, within 16 bytes, from the beginning or to the end. */
static const char *const family[] = {"{\"a\":1,\"sensors\":2}",
    "{\"a\":1,\"sensors\":{\"x\":2}}", "{\"a\":1,\"temperatures\":2}",
    "{\"a\":1,\"temperatures\":{\"x\":2}}", "{\"a\":1,\"temperatures\":[2]}",
    "{\"a\":1,\"temperature_2\":3}", "{\"a\":1}", "{\"a\":1,\"b\":[]}",
    "{\"a\":1,\"b\":[{}]}", "{\"a\":1,\"b\":[1]}", "[1,2,3]", "[1,2]", "[1]", "[]",
    "{\"a\": 1}", "{\"temperature_in\":1}", "{\"temperature_in\":{\"a\":1}}",
    "{\"a\":{\"b\":{}}}", "[[],[],[],[],[]]", "[[],[],[],[],[],[]]"};

static void
many_are_known_at_once(void **state)
{
	static struct json_shapes shapes;
	struct span values[SHAPE_VALUES];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(family); i++) {
		assert_int_equal(match(&shapes, family[i]), -1);
		assert_true(
		    json_shapes_learn(&shapes, (int)i, span_of(family[i]), values, &n));
		assert_false(
		    json_shapes_learn(&shapes, 99, span_of(family[i]), values, &n));
	}
	for (i = 0; i < ARRAY_LEN(family); i++)
		assert_int_equal(match(&shapes, family[i]), (int)i);
	assert_int_equal(match(&shapes, "{\"a\":\"x\",\"temperatures\":[-0.5]}"), 4);
	assert_int_equal(match(&shapes, "{\"a\":\"x\",\"temperatures\":[-0.5]"), -1);
}

static void
an_id_is_one_shapes(void **state)
{
	static struct json_shapes shapes;
	struct span values[SHAPE_VALUES];
	size_t n;

	(void)state;
	assert_true(json_shapes_learn(&shapes, 0, SPAN("[1]"), values, &n));
	assert_true(json_shapes_learn(&shapes, 1, SPAN("[1,2]"), values, &n));
	assert_true(json_shapes_learn(&shapes, 0, SPAN("{\"a\":1}"), values, &n));
	assert_int_equal(match(&shapes, "[7]"), -1);
	assert_int_equal(match(&shapes, "[7,7]"), 1);
	assert_int_equal(match(&shapes, "{\"a\":7}"), 0);
	json_shapes_forget(&shapes, 1);
	assert_int_equal(match(&shapes, "[7,7]"), -1);
	assert_true(json_shapes_learn(&shapes, 1, SPAN("[1]"), values, &n));
	assert_int_equal(match(&shapes, "[7]"), 1);
}

/* What has room is learnt, then nothing, and what was known stays so. */
static void
the_looks_are_bounded(void **state)
{
	static struct json_shapes shapes;
	struct span values[SHAPE_VALUES];
	char text[64];
	size_t n, i = 0;

	(void)state;
	do {
		assert_within(shapes.n, 0, SHAPES_LOOKS);
		snprintf(text, sizeof(text), "{\"%zu\":1}", i++);
	} while (json_shapes_learn(&shapes, 3, span_of(text), values, &n));
	assert_within(shapes.n, SHAPES_LOOKS - SHAPE_LOOKS + 1, SHAPES_LOOKS);
	snprintf(text, sizeof(text), "{\"%zu\":1}", i - 2);
	assert_int_equal(match(&shapes, text), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_values_have_the_same_shape),
	    cmocka_unit_test(others_have_another),
	    cmocka_unit_test(strings_need_their_end),
	    cmocka_unit_test(what_has_no_shape_is_not_learnt),
	    cmocka_unit_test(many_are_known_at_once),
	    cmocka_unit_test(an_id_is_one_shapes),
	    cmocka_unit_test(the_looks_are_bounded),
	};

	return cmocka_run_group_tests_name("jsonshape", tests, NULL, NULL);
}
