/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "messages.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/ascii.h"
#include "base/text.h"
#include "msg/message.h"

#define HEAD "{\"received_at\":\"2026-11-23T12:47:20.123456Z\","

/* As from the network, in memory of its own with the next packet behind it: free the payload. */
static struct msg
padded(const struct msg *m)
{
	struct msg copy = *m;
	char *p = xmalloc(m->payload.n + ASCII_PLAIN_PADDING);

	memcpy(p, m->payload.p, m->payload.n);
	memset(p + m->payload.n, '0', ASCII_PLAIN_PADDING);
	copy.payload.p = p;
	copy.padded = true;
	return copy;
}

/* From anywhere, then when its shape may be looked for, then when it may be known. */
static void
line_is(const struct msg *m, const char *want)
{
	struct msg other = padded(m);
	struct buf b = {0};
	int i;

	for (i = 0; i < 3; i++) {
		buf_clear(&b);
		message_line(&b, i == 0 ? m : &other, &topics);
		assert_string_equal(buf_str(&b), want);
		assert_true(json_check(buf_as_span(&b), NULL, NULL));
	}
	buf_release(&b);
	free((char *)other.payload.p);
}

static void
the_designs_example_comes_out(void **state)
{
	struct msg m = message("iot/sensors/RPI_001/data",
	    "{\"device_id\": \"RPI_001\", \"sensors\": {\"temperature\": 21.5}, "
	    "\"timestamp\": 1760000000}");

	(void)state;
	line_is(&m,
	    HEAD
	    "\"topic\":\"iot/sensors/RPI_001/data\",\"device_id\":\"RPI_001\",\"qos\":1,"
	    "\"retain\":false,\"mid\":17,\"payload\":{\"device_id\":\"RPI_001\","
	    "\"sensors\":{\"temperature\":21.5},\"timestamp\":1760000000}}\n");
}

static void
payloads_keep_their_bytes(void **state)
{
	struct msg m = message("t", "9223372036854775808");

	(void)state;
	line_is(&m,
	    HEAD "\"topic\":\"t\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload\":9223372036854775808}\n");
	m.payload = span_of("on \"now\"\n");
	line_is(&m,
	    HEAD "\"topic\":\"t\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload_text\":\"on \\\"now\\\"\\n\"}\n");
	m.payload = (struct span){"\xff\0", 2};
	line_is(&m,
	    HEAD "\"topic\":\"t\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload_b64\":\"/wA=\"}\n");
	m.payload = SPAN("");
	line_is(&m,
	    HEAD "\"topic\":\"t\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload_text\":\"\"}\n");
}

static void
flags_appear_only_when_true(void **state)
{
	struct msg m = message("iot/sensors/A/data", "{\"device_id\":\"B\"}");

	(void)state;
	m.dup = true;
	m.retain = true;
	line_is(&m,
	    HEAD "\"topic\":\"iot/sensors/A/data\",\"device_id\":\"A\",\"qos\":1,"
		 "\"retain\":true,\"mid\":17,\"dup\":true,\"id_mismatch\":true,"
		 "\"payload\":{\"device_id\":\"B\"}}\n");
	m = message("x", "1");
	m.qos = 0;
	line_is(&m, HEAD "\"topic\":\"x\",\"qos\":0,\"retain\":false,\"payload\":1}\n");
}

static void
properties_are_passed_on(void **state)
{
	const struct span user[] = {SPAN("k"), SPAN("v\n"), SPAN("k"), SPAN("\xff")};
	struct msg m = message("x", "1");

	(void)state;
	m.props = (struct msg_props){.content_type = SPAN("text/plain"),
	    .response_topic = SPAN("r/1"),
	    .correlation = {"\0\1", 2},
	    .user = user,
	    .users = 2};
	line_is(&m,
	    HEAD
	    "\"topic\":\"x\",\"qos\":1,\"retain\":false,\"mid\":17,"
	    "\"properties\":{\"content_type\":\"text/plain\",\"response_topic\":\"r/1\","
	    "\"correlation_b64\":\"AAE=\",\"user\":[[\"k\",\"v\\n\"],[\"k\","
	    "\"\xEF\xBF\xBD\"]]},"
	    "\"payload\":1}\n");
}

/* What is the message's own; not the alias of its topic, nor who subscribed. */
static void
numbers_are_passed_on(void **state)
{
	struct msg m = message("x", "1");

	(void)state;
	m.props = (struct msg_props){.expiry = {true, 4294967295},
	    .payload_format = {true, 1},
	    .topic_alias = {true, 3},
	    .subscription = {true, 4},
	    .content_type = SPAN("a")};
	line_is(&m,
	    HEAD "\"topic\":\"x\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"properties\":{\"payload_format\":1,\"message_expiry\":4294967295,"
		 "\"content_type\":\"a\"},\"payload\":1}\n");
	m.props = (struct msg_props){.expiry = {true, 0}};
	line_is(&m,
	    HEAD "\"topic\":\"x\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"properties\":{\"message_expiry\":0},\"payload\":1}\n");
}

/* Deeper than 200 a payload is text: other programs end where a line is too deep for them. */
static void
what_is_too_deep_is_text(void **state)
{
	char text[2 * 201 + 1];
	struct buf want = {0};
	struct msg m;

	(void)state;
	memset(text, '[', 201);
	memset(text + 201, ']', 201);
	text[402] = '\0';
	m = message("x", text);
	buf_printf(&want,
	    HEAD "\"topic\":\"x\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload_text\":\"%s\"}\n",
	    text);
	line_is(&m, buf_str(&want));
	m.payload.p++;
	m.payload.n -= 2;
	buf_clear(&want);
	buf_printf(&want,
	    HEAD "\"topic\":\"x\",\"qos\":1,\"retain\":false,\"mid\":17,"
		 "\"payload\":%.*s}\n",
	    400, text + 1);
	line_is(&m, buf_str(&want));
	buf_release(&want);
}

static void
hostile_topics_stay_one_line(void **state)
{
	struct msg m = message("a\n\x1b[2J\xff\"", "1");

	(void)state;
	line_is(&m,
	    HEAD "\"topic\":\"a\\n\\u001b[2J\xEF\xBF\xBD\\\"\",\"qos\":1,"
		 "\"retain\":false,\"mid\":17,\"payload\":1}\n");
}

#define TAIL ",\"topic\":\"iot/sensors/E/data\",\"qos\":1,\"retain\":false,\"mid\":17}\n"

static void
readings_are(const char *payload, const char *want, size_t lines)
{
	struct msg m = message("iot/sensors/E/data", payload), other = padded(&m);
	struct reading_report report = {0};
	struct buf b = {0};
	int i;

	/* Of 16 without a known shape one is learnt. */
	for (i = 0; i < 20; i++) {
		buf_clear(&b);
		assert_null(
		    message_readings(&b, i % 2 ? &other : &m, &topics, NULL, &report));
		assert_string_equal(buf_str(&b), want);
		assert_int_equal(report.count, lines);
		assert_null(report.error);
	}
	device_reading_release(&report);
	buf_release(&b);
	free((char *)other.payload.p);
}

static void
both_shapes_become_readings(void **state)
{
	(void)state;
	readings_are(
	    "{\"device_id\":\"E\",\"sensors\":{\"temperature\":21.50,\"humidity\":0.1},"
	    "\"timestamp\":1760000000}",
	    HEAD "\"device_id\":\"E\",\"sensor\":\"temperature\",\"value\":21.50,"
		 "\"timestamp\":1760000000" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"humidity\",\"value\":0.1,"
		 "\"timestamp\":1760000000" TAIL,
	    2);
	readings_are("{\"device_id\":\"E\",\"temperature\":21.50,\"timestamp\":12345}",
	    HEAD "\"device_id\":\"E\",\"sensor\":\"temperature\",\"value\":21.50,"
		 "\"timestamp\":12345" TAIL,
	    1);
}

static void
nested_values_get_dotted_names(void **state)
{
	(void)state;
	readings_are("{\"sensors\":{\"a\":{\"x\":1,\"y\":[true,\"s\"]},\"b\":null}}",
	    HEAD "\"device_id\":\"E\",\"sensor\":\"a.x\",\"value\":1" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"a.y.0\",\"value\":true" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"a.y.1\",\"value\":\"s\"" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"b\",\"value\":null" TAIL,
	    4);
}

/* Of the same form and different in what a line has from elsewhere: none becomes as the one before. */
static void
forms_that_are_alike_are_told_apart(void **state)
{
	static const char *const payloads[] = {
	    "{\"sensors\":[{\"name\":\"a\",\"value\":1}]}",
	    "{\"sensors\":[{\"name\":\"b\",\"value\":1}]}",
	    "[{\"device_id\":\"F\",\"a\":1}]",
	    "[{\"device_id\":\"E\",\"b\":1}]",
	    "{\"device_id\":\"F\",\"a\":1,\"device_id\":\"E\"}",
	    "{\"device_id\":\"E\",\"b\":1,\"device_id\":\"E\"}",
	    "{\"device_id\":{\"device_id\":\"E\"},\"a\":1}",
	    "{\"device_id\":null,\"b\":1}",
	    "{\"device_id\":1234,\"a\":1}",
	    "{\"device_id\":\"E\",\"b\":1}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(payloads) * 20; i++) {
		const char *payload = payloads[i / 20 % ARRAY_LEN(payloads)];
		const bool is_a = strstr(payload, "\"a\"") != NULL;
		struct buf want = {0};

		buf_printf(&want,
		    HEAD "\"device_id\":\"E\",\"sensor\":\"%s\",\"value\":1"
			 ",\"topic\":\"iot/sensors/E/data\",\"qos\":1,\"retain\":false,"
			 "\"mid\":17%s}\n",
		    is_a ? "a" : "b", is_a && i >= 40 ? ",\"id_mismatch\":true" : "");
		readings_are(payload, buf_str(&want), 1);
		buf_release(&want);
	}
}

static void
each_payload_of_a_list_has_its_own(void **state)
{
	(void)state;
	readings_are("[{\"timestamp\":1,\"a\":1,\"b\":2},{\"timestamp\":2,\"a\":3,"
		     "\"device_id\":\"F\"}]",
	    HEAD "\"device_id\":\"E\",\"sensor\":\"a\",\"value\":1,"
		 "\"timestamp\":1" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"b\",\"value\":2,"
		 "\"timestamp\":1" TAIL HEAD
		 "\"device_id\":\"E\",\"sensor\":\"a\",\"value\":3,"
		 "\"timestamp\":2,\"topic\":\"iot/sensors/E/data\",\"qos\":1,"
		 "\"retain\":false,\"mid\":17,\"id_mismatch\":true}\n",
	    3);
}

/* Lines and a reject line of one message. */
static void
what_is_wrong_beside_readings_is_told(void **state)
{
	struct msg m = message("iot/sensors/E/data", "{\"t\":nan,\"h\":1}");
	struct reading_report report = {0};
	struct buf b = {0};

	(void)state;
	assert_null(message_readings(&b, &m, &topics, NULL, &report));
	assert_string_equal(
	    buf_str(&b), HEAD "\"device_id\":\"E\",\"sensor\":\"h\",\"value\":1" TAIL);
	assert_int_equal(report.count, 1);
	buf_clear(&b);
	message_reject(&b, &m, report.error, buf_as_span(&report.wrong));
	assert_string_equal(buf_str(&b),
	    HEAD "\"topic\":\"iot/sensors/E/data\",\"error\":\"range\",\"sensors\":["
		 "\"t\"],\"payload_text\":\"{\\\"t\\\":nan,\\\"h\\\":1}\"}\n");
	buf_clear(&b);
	m.reject = "size";
	assert_string_equal(message_readings(&b, &m, &topics, NULL, &report), "size");
	assert_null(report.error);
	assert_int_equal(report.wrong.n, 0);
	device_reading_release(&report);
	buf_release(&b);
}

/* As many lines as fit; a topic may be long. */
static void
a_messages_lines_have_an_end(void **state)
{
	struct reading_report report = {0};
	struct buf topic = {0}, payload = {0}, b = {0};
	struct msg m;
	size_t i, at;

	(void)state;
	for (i = 0; i < 60000; i++)
		buf_putc(&topic, 't');
	buf_putc(&payload, '[');
	for (i = 0; i < 10; i++) {
		buf_puts(&payload, i != 0 ? ",{" : "{");
		for (at = 0; at < 100; at++)
			buf_printf(&payload, "%s\"v%zu\":1", at != 0 ? "," : "", at);
		buf_putc(&payload, '}');
	}
	buf_putc(&payload, ']');
	m = message(buf_str(&topic), buf_str(&payload));
	assert_null(message_readings(&b, &m, &topics, NULL, &report));
	assert_true(b.n > READING_LINES && b.n < READING_LINES + 100000);
	assert_true(report.count > 200 && report.count < 400);
	assert_string_equal(report.error, "range");
	device_reading_release(&report);
	buf_release(&topic);
	buf_release(&payload);
	buf_release(&b);
}

static void
reject_is(const struct msg *m, const char *word, const char *want)
{
	struct buf b = {0};

	message_reject(&b, m, word, (struct span){0});
	assert_string_equal(buf_str(&b), want);
	assert_true(json_check(buf_as_span(&b), NULL, NULL));
	buf_release(&b);
}

static void
rejects_tell_every_byte_of_a_topic(void **state)
{
	struct msg m = message("", "1");

	(void)state;
	m.topic = (struct span){"a\0\n#", 4};
	reject_is(&m, "topic",
	    HEAD "\"topic\":\"a\\u0000\\n#\",\"error\":\"topic\",\"payload\":1}\n");
	m.topic = (struct span){"\xff/\xc3", 3};
	reject_is(&m, "topic",
	    HEAD "\"topic\":\"\xEF\xBF\xBD/\xEF\xBF\xBD\",\"topic_b64\":\"/y/D\","
		 "\"error\":\"topic\",\"payload\":1}\n");
}

/* What is too large comes with its beginning, which is never taken for a whole payload. */
static void
rejects_tell_how_large_a_payload_is(void **state)
{
	static const struct {
		struct span begins;
		const char *member;
	} cases[] = {
	    {SPAN("12"), "\"payload_text\":\"12\""},
	    {SPAN("{\"a\":\xe2\x82"), "\"payload_text\":\"{\\\"a\\\":\""},
	    {SPAN("\xff\xff\xff\xff"), "\"payload_b64\":\"/////w==\""},
	    {SPAN("a\0"), "\"payload_b64\":\"YQA=\""},
	    {SPAN(""), "\"payload_text\":\"\""},
	};
	struct msg m = message("t", "");
	size_t i;

	(void)state;
	m.reject = "size";
	m.size = 209715200;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf want = {0};

		buf_printf(&want,
		    HEAD "\"topic\":\"t\",\"error\":\"size\",\"size\":209715200,%s}\n",
		    cases[i].member);
		m.payload = cases[i].begins;
		reject_is(&m, m.reject, buf_str(&want));
		buf_release(&want);
	}
}

static void
strict_topics_reject_another_id(void **state)
{
	static const char *const mismatches[] = {"{\"device_id\":\"F\",\"t\":1}",
	    "{\"device_id\":\"F\",\"t\":2}", "{\"t\":1,\"device\\u005fid\":\"\\u0046\"}",
	    "{\"device_id\":17,\"t\":3}", "{\"device_id\":[\"E\"],\"t\":3}",
	    "{\"device_id\":\"E\",\"t\":6,\"device_id\":\"F\"}",
	    "{\"device_id\":\"F\",\"t\":6,\"device_id\":\"E\"}",
	    "{\"device_id\":\"E\",\"\\u0074\":6,\"device_id\":\"F\"}"};
	struct msg m =
	    message("iot/sensors/E/data", "{\"device_id\":\"\\u0045\",\"t\":1}");
	struct reading_report report = {0};
	struct buf b = {0};
	size_t i;

	(void)state;
	topics.strict = true;
	assert_null(message_line(&b, &m, &topics));
	assert_null(message_readings(&b, &m, &topics, NULL, &report));
	buf_clear(&b);
	for (i = 0; i < ARRAY_LEN(mismatches); i++) {
		m.payload = span_of(mismatches[i]);
		assert_string_equal(message_line(&b, &m, &topics), "id");
		assert_string_equal(
		    message_readings(&b, &m, &topics, NULL, &report), "id");
		assert_int_equal(b.n, 0);
	}
	topics.strict = false;
	m.reject = "size";
	assert_string_equal(message_line(&b, &m, &topics), "size");
	assert_string_equal(message_readings(&b, &m, &topics, NULL, &report), "size");
	assert_int_equal(b.n, 0);
	device_reading_release(&report);
	buf_release(&b);
}

/* With a blank behind each comma and colon, or without. */
static void
put_spaced(struct buf *out, const char *text, bool spaced)
{
	for (; *text != '\0'; text++) {
		buf_putc(out, *text);
		if (spaced && (*text == ',' || *text == ':'))
			buf_putc(out, ' ');
	}
}

/* Whatever came before: of many shapes more than are kept, each with other values. */
static void
lines_do_not_depend_on_those_before(void **state)
{
	static const char *const payloads[][2] = {{"{\"device_id\":\"E\",\"t\":", ".5}"},
	    {"{\"device_id\":\"F\",\"t\":", "}"}, {"{\"t\":", ",\"device_id\":\"E\"}"},
	    {"{\"u\":", ",\"device_id\":[\"F\"]}"}, {"{\"u\":", ",\"v\":\"F\"}"},
	    {"[", ",{\"device_id\":\"F\"}]"},
	    {"{\"device_id\":{\"device_id\":\"E\"},\"w\":", "}"}, {"{\"x\":", "}"},
	    {"{\"y\":[", "]}"}, {"{\"z\":{\"a\":", "}}"}, {"[[", "]]"}};
	size_t i, at;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct buf compact = {0}, payload = {0}, want = {0};
		struct msg m;

		at = i < 10000 ? i % ARRAY_LEN(payloads) : i / 8 % ARRAY_LEN(payloads);
		buf_printf(&compact, "%s%zu%s", payloads[at][0], i, payloads[at][1]);
		put_spaced(&payload, buf_str(&compact), i / 88 % 2 == 0);
		m = message("iot/sensors/E/data", buf_str(&payload));
		buf_printf(&want,
		    HEAD "\"topic\":\"iot/sensors/E/data\",\"device_id\":\"E\",\"qos\":1,"
			 "\"retain\":false,\"mid\":17%s,\"payload\":%s}\n",
		    at == 1 || at == 3 || at == 6 ? ",\"id_mismatch\":true" : "",
		    buf_str(&compact));
		line_is(&m, buf_str(&want));
		buf_release(&compact);
		buf_release(&payload);
		buf_release(&want);
	}
}

/* Nothing of a copy is the original's. */
static void
a_copy_needs_no_original(void **state)
{
	char bytes[] = "topic payload type answer corr name value";
	const struct span user[] = {{bytes + 31, 4}, {bytes + 36, 5}};
	const struct msg m = {.topic = {bytes, 5},
	    .payload = {bytes + 6, 7},
	    .props = {.content_type = {bytes + 14, 4},
		.response_topic = {bytes + 19, 6},
		.user = user,
		.users = 1},
	    .qos = 1,
	    .padded = true};
	struct msg *copy = message_copy(&m);

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_true(span_is(copy->topic, "topic"));
	assert_true(span_is(copy->payload, "payload"));
	assert_true(span_is(copy->props.content_type, "type"));
	assert_true(span_is(copy->props.response_topic, "answer"));
	assert_null(copy->props.correlation.p);
	assert_true(span_is(copy->props.user[0], "name"));
	assert_true(span_is(copy->props.user[1], "value"));
	assert_int_equal(copy->qos, 1);
	assert_false(copy->padded);
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_designs_example_comes_out),
	    cmocka_unit_test(payloads_keep_their_bytes),
	    cmocka_unit_test(flags_appear_only_when_true),
	    cmocka_unit_test(properties_are_passed_on),
	    cmocka_unit_test(numbers_are_passed_on),
	    cmocka_unit_test(what_is_too_deep_is_text),
	    cmocka_unit_test(hostile_topics_stay_one_line),
	    cmocka_unit_test(both_shapes_become_readings),
	    cmocka_unit_test(nested_values_get_dotted_names),
	    cmocka_unit_test(forms_that_are_alike_are_told_apart),
	    cmocka_unit_test(each_payload_of_a_list_has_its_own),
	    cmocka_unit_test(what_is_wrong_beside_readings_is_told),
	    cmocka_unit_test(a_messages_lines_have_an_end),
	    cmocka_unit_test(rejects_tell_every_byte_of_a_topic),
	    cmocka_unit_test(rejects_tell_how_large_a_payload_is),
	    cmocka_unit_test(strict_topics_reject_another_id),
	    cmocka_unit_test(lines_do_not_depend_on_those_before),
	    cmocka_unit_test(a_copy_needs_no_original),
	};

	return cmocka_run_group_tests_name("message", tests, setup, teardown);
}
