/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Payloads as people's devices send them, and what becomes of each. */
#include "unit.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "msg/device_reading.h"

/* Readings as NAME=VALUE[@TIMESTAMP][#DEVICE][!] with a semicolon behind each, a bar before each further payload;
 * then, when something is wrong, " WORD NAMES"; "REJECT WORD" in front when there are none. */
struct telling {
	struct buf text;
	size_t payload;
};

static bool
tell(void *arg, const struct reading *r)
{
	struct telling *t = arg;

	if (r->payload != t->payload)
		buf_putc(&t->text, '|');
	t->payload = r->payload;
	buf_span(&t->text, r->sensor);
	buf_putc(&t->text, '=');
	buf_span(&t->text, r->value);
	if (r->timestamp.p != NULL) {
		buf_putc(&t->text, '@');
		buf_span(&t->text, r->timestamp);
	}
	if (r->device_id.p != NULL) {
		buf_putc(&t->text, '#');
		buf_span(&t->text, r->device_id);
	}
	buf_puts(&t->text, r->id_mismatch ? "!;" : ";");
	assert_true(json_check(r->value, NULL, NULL));
	return !span_is(r->sensor, "unfit");
}

static void
readings_are(const struct reading_source *from, const char *want)
{
	struct reading_report report = {0};
	struct telling t = {0};
	const char *word = device_reading_each(from, tell, &t, &report);
	struct buf got = {0};

	if (word != NULL)
		buf_printf(&got, "REJECT %s ", word);
	buf_span(&got, buf_as_span(&t.text));
	if (report.error != NULL)
		buf_printf(&got, " %s %s", report.error, buf_str(&report.wrong));
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("%.*s: wanted '%s', got '%s'",
		    (int)(from->payload.n < 200 ? from->payload.n : 200), from->payload.p,
		    want, got.p);
	assert_int_equal(report.count == 0, word != NULL);
	device_reading_release(&report);
	buf_release(&t.text);
	buf_release(&got);
}

static void
payloads_are_read(void **state)
{
	static const struct {
		const char *payload, *want;
	} cases[] = {
	    /* the guide's two */
	    {"{\"device_id\":\"E\",\"sensors\":{\"t\":1.50,\"h\":true},\"timestamp\":7}",
		"t=1.50@7#E;h=true@7#E;"},
	    {"{\"device_id\": \"E\", \"t\": 1.50, \"timestamp\": 12345}",
		"t=1.50@12345#E;"},
	    /* names */
	    {"{\"sensors\":{\"a\":{\"x\":1,\"y\":[true,\"s\"]},\"b\":null}}",
		"a.x=1;a.y.0=true;a.y.1=\"s\";b=null;"},
	    {"{\"a\\u002eb\":1,\"\\u00e9\":2}", "a.b=1;\u00e9=2;"},
	    {"{\"\":1}", "=1;"},
	    /* lists of payloads, each with its time and device */
	    {"[{\"timestamp\":1,\"t\":25},{\"timestamp\":2,\"t\":26,\"u\":1}]",
		"t=25@1;|t=26@2;u=1@2;"},
	    {"[{\"device_id\":\"A\",\"t\":1},{\"device_id\":\"B\",\"sensors\":{\"t\":2}},"
	     "{\"t\":3}]",
		"t=1#A;|t=2#B;|t=3;"},
	    {" [ { \"t\" : 1 } ] ", "t=1;"},
	    {"[{\"t\":1},5,{},[{\"t\":2}],{\"u\":3}]",
		"t=1;|u=3; shape \"1\",\"2\",\"3\""},
	    {"[1]", "REJECT shape  shape \"0\""},
	    {"[]", "REJECT shape "},
	    /* sensors as a list */
	    {"{\"device_id\":\"d\",\"sensors\":[{\"name\":\"t\",\"value\":21.5},{"
	     "\"name\":"
	     "\"h\",\"value\":40}],\"timestamp\":5}",
		"t=21.5@5#d;h=40@5#d;"},
	    {"{\"sensors\":[{\"value\":1,\"unit\":\"C\",\"name\":\"t\"}]}",
		"t=1;t.unit=\"C\";"},
	    {"{\"sensors\":[{\"name\":\"gps\",\"value\":{\"lat\":1,\"lon\":[2]}}]}",
		"gps.lat=1;gps.lon.0=2;"},
	    {"{\"sensors\":[1,{\"a\":2},[3],{\"name\":4,\"value\":5},{\"name\":\"x\"}]}",
		"0=1;1.a=2;2.0=3;3.name=4;3.value=5;4.name=\"x\";"},
	    /* nothing is dropped */
	    {"{\"device_id\":\"d\",\"sensors\":{\"a\":1},\"sensors\":{\"b\":2},"
	     "\"timestamp\":5}",
		"a=1@5#d;b=2@5#d;"},
	    {"{\"sensors\":{\"a\":1},\"sensors\":[{\"name\":\"b\",\"value\":2}],"
	     "\"sensors\":3}",
		"a=1;b=2; shape \"sensors\""},
	    {"{\"a\":[],\"b\":{ },\"c\":{\"d\":[ ]}}", "a=[];b={};c.d=[];"},
	    {"{\"t\":1,\"a\\u0000b\":2}", "t=1; range \"a\\u0000b\""},
	    {"{\"unfit\":1,\"t\":2}", "unfit=1;t=2; range \"unfit\""},
	    {"{\"timestamp\":1,\"t\":2,\"timestamp\":3}", "t=2@3;"},
	    {"{\"t\":2,\"timestamp\":{\"s\":3}}", "t=2; range \"timestamp\""},
	    {"{\"t\":2,\"timestamp\":null}", "t=2@null;"},
	    {"{\"sensors\":{}}", "REJECT shape "},
	    {"{\"sensors\":[]}", "REJECT shape "},
	    {"{\"sensors\":1}", "REJECT shape  shape \"sensors\""},
	    {"{}", "REJECT shape "},
	    {"{\"device_id\":\"E\"}", "REJECT shape "},
	    /* claims */
	    {"{\"device_id\":17,\"t\":1}", "t=1#17;"},
	    {"{\"device_id\":\"A\",\"t\":1,\"device_id\":\"B\"}", "t=1#B;"},
	    {"{\"device_id\":null,\"t\":1}", "t=1;"},
	    {"{\"device_id\":{\"a\":1},\"t\":1}", "t=1; id \"device_id\""},
	    {"{\"device_id\":true,\"t\":1}", "t=1; id \"device_id\""},
	    /* no JSON */
	    {"{", "REJECT json "},
	    {"NaN", "REJECT json "},
	    {"21.5 C", "REJECT json "},
	    {"\xff", "REJECT utf8 "},
	    {"3", "REJECT shape "},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		readings_are(
		    &(struct reading_source){.payload = span_of(cases[i].payload)},
		    cases[i].want);
}

/* printf writes what a failed sensor gives as nan: its value is wrong, and nothing else. */
static void
no_numbers_reject_themselves(void **state)
{
	static const struct {
		const char *payload, *want;
	} cases[] = {
	    {"{\"device_id\":\"E\",\"temperature\":nan,\"humidity\":48.0,\"timestamp\":"
	     "7}",
		"humidity=48.0@7#E; range \"temperature\""},
	    {"{ \"sensors\" : { \"t\" : -NaN , \"h\" : 0 } }", "h=0; range \"t\""},
	    {"{\"a\":INF,\"b\":+inf,\"c\":-Infinity,\"d\":ovf,\"e\":[nan,0,nan]}",
		"e.1=0; range \"a\",\"b\",\"c\",\"d\",\"e.0\",\"e.2\""},
	    {"{\"t\":nan,\"h\":nan}", "REJECT range  range \"t\",\"h\""},
	    {"[{\"t\":nan},{\"t\":1}]", "|t=1; range \"t\""},
	    {"{\"s\":\"a\\\":nan,\",\"t\":nan}", "s=\"a\\\":nan,\"; range \"t\""},
	    {"{\"t\":1,\"timestamp\":nan}", "t=1; range \"timestamp\""},
	    {"{\"t\":1,\"device_id\":nan}", "t=1; id \"device_id\""},
	    {"{\"t\":nanx,\"h\":1}", "REJECT json "},
	    {"{\"t\":na,\"h\":nan}", "REJECT json "},
	    {"{\"t\":nan nan,\"h\":1}", "REJECT json "},
	    {"{nan:1}", "REJECT json "},
	    {"{\"h\":1,nan:2}", "REJECT json "},
	    {"{\"h\":1,\"t\":nan", "REJECT json "},
	    {"{\"h\":1,\"t\":\"nan", "REJECT json "},
	    {"{\"h\":1,\"t\":nan}x", "REJECT json "},
	    {"{\"h\":\"nan\"}", "h=\"nan\";"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		readings_are(
		    &(struct reading_source){.payload = span_of(cases[i].payload)},
		    cases[i].want);
}

static void
topics_name_bare_values(void **state)
{
	static const struct {
		const char *payload, *want;
	} cases[] = {
	    {"21.5", "t=21.5#A;"},
	    {"-63", "t=-63#A;"},
	    {" 21.50\n", "t=21.50#A;"},
	    {"true", "t=true#A;"},
	    {"null", "t=null#A;"},
	    {"\"open\"", "t=\"open\"#A;"},
	    {"ON", "t=\"ON\"#A;"},
	    {"OFF\r\n", "t=\"OFF\"#A;"},
	    {"-3.+e_Z", "t=\"-3.+e_Z\"#A;"},
	    {"abcdefghijklmnopqrstuvwxyz012345",
		"t=\"abcdefghijklmnopqrstuvwxyz012345\"#A;"},
	    {"abcdefghijklmnopqrstuvwxyz0123456", "REJECT json "},
	    {"23.5 C", "REJECT json "},
	    {"", "REJECT json "},
	    {"a\"b", "REJECT json "},
	    {"\xff", "REJECT utf8 "},
	    {"nan", "REJECT range  range \"t\""},
	    {"-INF", "REJECT range  range \"t\""},
	    {"+infinity\n", "REJECT range  range \"t\""},
	    {"Ovf", "REJECT range  range \"t\""},
	    {"{\"h\":1}", "h=1#A;"},
	    {"[1,2]", "REJECT shape  shape \"0\",\"1\""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		readings_are(
		    &(struct reading_source){.payload = span_of(cases[i].payload),
			.device_id = SPAN("A"),
			.sensor_type = SPAN("t")},
		    cases[i].want);
}

static void
claims_are_held_against_the_topic(void **state)
{
	static const struct {
		const char *payload, *want;
	} cases[] = {
	    {"{\"device_id\":\"17\",\"t\":1}", "t=1#17;"},
	    {"{\"device_id\":17,\"t\":1}", "t=1#17;"},
	    {"{\"device_id\":null,\"t\":1}", "t=1#17;"},
	    {"{\"device_id\":\"\\u00317\",\"t\":1}", "t=1#17;"},
	    {"{\"device_id\":\"X\",\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":18,\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":1.7e1,\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":nan,\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":[\"17\"],\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":false,\"t\":1}", "t=1#17!;"},
	    {"{\"device_id\":\"17\",\"t\":1,\"device_id\":\"Y\"}", "t=1#17!;"},
	    {"{\"device_id\":\"Y\",\"t\":1,\"device_id\":\"17\"}", "t=1#17!;"},
	    {"{\"device_id\":\"17\",\"t\":1,\"device\\u005fid\":\"Y\"}", "t=1#17!;"},
	    {"[{\"device_id\":\"17\",\"t\":1},{\"device_id\":\"Y\",\"t\":2}]",
		"t=1#17;|t=2#17!;"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		readings_are(
		    &(struct reading_source){
			.payload = span_of(cases[i].payload), .device_id = SPAN("17")},
		    cases[i].want);
}

/* Names with commas between; nothing is released: as the option table's lists. */
static void
add_names(struct strv *l, const char *names)
{
	strv_split(l, names, ',');
}

/* Real devices' payloads, shortened. */
static void
members_have_the_use_that_was_named(void **state)
{
	static const struct {
		const char *time, *device, *skip, *payload, *want;
	} cases[] = {
	    {"Time", "", "", "{\"Time\":\"2026-11-29T09:00:00\",\"SI7021\":{\"T\":21.5}}",
		"SI7021.T=21.5@\"2026-11-29T09:00:00\";"},
	    {"last_seen", "", "linkquality,update",
		"{\"temperature\":21,\"linkquality\":5,\"update\":{\"state\":\"idle\"},"
		"\"update_available\":null,\"last_seen\":17}",
		"temperature=21@17;update_available=null@17;"},
	    {"params.ts", "src", "",
		"{\"src\":\"shelly1\",\"params\":{\"ts\":1.23,\"switch:0\":{\"apower\":8}"
		"}}",
		"params.switch:0.apower=8@1.23#shelly1;"},
	    {"time", "deviceInfo.devEui", "deviceInfo,rxInfo",
		"{\"time\":\"T\",\"deviceInfo\":{\"devEui\":\"0102\",\"tags\":{}},"
		"\"object\":{\"t\":1},\"rxInfo\":[{\"rssi\":-9}]}",
		"object.t=1@\"T\"#0102;"},
	    {"tst", "tid", "_type",
		"{\"_type\":\"location\",\"lat\":1,\"tid\":\"ne\",\"tst\":9}",
		"lat=1@9#ne;"},
	    /* the first name that is there, else the guide's */
	    {"a,b", "", "", "{\"b\":2,\"t\":0,\"timestamp\":3}", "t=0@2;"},
	    {"a,b", "", "", "{\"b\":2,\"t\":0,\"a\":1}", "t=0@1;"},
	    {"a", "", "", "{\"t\":0,\"timestamp\":3}", "t=0@3;"},
	    {"a", "", "", "[{\"a\":1,\"t\":0},{\"a\":2,\"t\":0}]", "t=0@1;|t=0@2;"},
	    {"a", "", "", "{\"a\":1,\"t\":0,\"a\":2}", "t=0@2;"},
	    {"a", "", "", "{\"a\":{\"b\":1},\"t\":0}", "t=0; range \"timestamp\""},
	    {"a.1.b", "", "", "{\"a\":[0,{\"b\":5}],\"t\":0}", "a.0=0@5;t=0@5;"},
	    {"a.b", "", "", "{\"a.b\":5,\"t\":0}", "t=0@5;"},
	    /* below sensors by either name */
	    {"ts", "", "", "{\"sensors\":{\"ts\":5,\"t\":0}}", "t=0@5;"},
	    {"sensors.ts", "", "sensors.x", "{\"sensors\":{\"ts\":5,\"t\":0,\"x\":1}}",
		"t=0@5;"},
	    {"", "", "x.y", "{\"x\":{\"y\":1,\"yy\":2,\"z\":3}}", "x.yy=2;x.z=3;"},
	    {"", "", "x", "{\"x\":nan,\"t\":1}", "t=1;"},
	    {"", "", "x", "{\"x\":1}", "REJECT shape "},
	    /* all that name the device count */
	    {"", "id", "", "{\"id\":\"A\",\"t\":0,\"id\":\"B\"}", "t=0#B;"},
	    {"", "id", "", "{\"device_id\":\"Q\",\"id\":\"A\",\"t\":0}", "t=0#A;"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading_keys keys = {0};

		add_names(&keys.time, cases[i].time);
		add_names(&keys.device, cases[i].device);
		add_names(&keys.skip, cases[i].skip);
		readings_are(
		    &(struct reading_source){
			.payload = span_of(cases[i].payload), .keys = &keys},
		    cases[i].want);
		strv_release(&keys.time);
		strv_release(&keys.device);
		strv_release(&keys.skip);
	}
}

static void
a_device_key_is_held_against_the_topic(void **state)
{
	struct reading_keys keys = {0};
	struct reading_source from = {.keys = &keys, .device_id = SPAN("A")};

	(void)state;
	add_names(&keys.device, "a.id");
	from.payload = SPAN("{\"a\":{\"id\":\"A\"},\"t\":0}");
	readings_are(&from, "t=0#A;");
	from.payload = SPAN("{\"a\":{\"id\":\"B\",\"id\":\"A\"},\"t\":0}");
	readings_are(&from, "t=0#A!;");
	from.payload = SPAN("{\"a\":{\"id\":\"A\"},\"a\":{\"id\":7},\"t\":0}");
	readings_are(&from, "t=0#A!;");
	strv_release(&keys.device);
}

static bool
count_only(void *arg, const struct reading *r)
{
	(void)r;
	(*(size_t *)arg)++;
	return true;
}

/* `n` numbered items between `before` and `behind`: how many readings, and the names of what is wrong. */
static void
many_are(const char *open, const char *before, const char *behind, size_t n,
    const char *close, size_t want, const char *wrong)
{
	struct reading_report report = {0};
	struct reading_source from = {0};
	struct buf b = {0};
	size_t count = 0, i;

	buf_puts(&b, open);
	for (i = 0; i < n; i++) {
		buf_printf(&b, "%s%s%zu%s", i != 0 ? "," : "", before, i, behind);
	}
	buf_puts(&b, close);
	from.payload = buf_as_span(&b);
	device_reading_each(&from, count_only, &count, &report);
	assert_int_equal(report.count, want);
	assert_int_equal(count, want);
	assert_string_equal(buf_str(&report.wrong), wrong);
	if (*wrong != '\0')
		assert_string_equal(report.error, "range");
	device_reading_release(&report);
	buf_release(&b);
}

static void
what_is_beyond_a_limit_is_told(void **state)
{
	char *name = xmalloc(258), *stamp = xmalloc(66), *text, *want;
	const struct reading_source one = {0};
	struct reading_source from = one;

	(void)state;
	many_are("{", "\"v", "\":1", 256, "}", 256, "");
	many_are("{", "\"v", "\":1", 300, "}", 256, "\"v256\"");
	many_are("[", "{\"v", "\":1}", 256, "]", 256, "");
	many_are("[", "{\"v", "\":1}", 300, "]", 256, "\"256\"");
	many_are("{\"sensors\":[", "", "", 300, "]}", 256, "\"256\"");
	memset(name, 'n', 257);
	name[257] = '\0';
	text = xasprintf("{\"%s\":1,\"%s\":2}", name, name + 1);
	want = xasprintf("%s=2; range \"%s\"", name + 1, name + 1);
	from.payload = span_of(text);
	readings_are(&from, want);
	free(text);
	free(want);
	memset(stamp, '1', 65);
	stamp[65] = '\0';
	text = xasprintf(
	    "[{\"t\":1,\"timestamp\":%s},{\"t\":2,\"timestamp\":%s}]", stamp, stamp + 1);
	want = xasprintf("t=1;|t=2@%s; range \"timestamp\"", stamp + 1);
	from.payload = span_of(text);
	readings_are(&from, want);
	free(text);
	free(want);
	free(name);
	free(stamp);
}

/* Deeper than 16 a value is no reading; its siblings are. */
static void
depth_rejects_only_what_is_deep(void **state)
{
	(void)state;
	readings_are(
	    &(struct reading_source){
		.payload = SPAN("{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]],\"t\":1}")},
	    "t=1; shape \"a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\"");
}

/* What is told of a message's wrong values does not grow with their number. */
static void
names_of_wrong_values_are_bounded(void **state)
{
	struct reading_report report = {0};
	struct telling t = {0};
	struct buf payload = {0};
	int i;

	(void)state;
	buf_puts(&payload, "{\"");
	for (i = 0; i < 200; i++)
		buf_puts(&payload, "\\u0001");
	buf_puts(&payload, "\":[[[[[[[[[[[[[[[[[]");
	for (i = 0; i < 100000; i++)
		buf_puts(&payload, ",[]");
	buf_puts(&payload, "]]]]]]]]]]]]]]]],\"t\":1}");
	assert_null(device_reading_each(
	    &(struct reading_source){.payload = buf_as_span(&payload)}, tell, &t,
	    &report));
	assert_non_null(report.error);
	assert_within(report.wrong.n, 1000, READING_WRONG + 6 * READING_NAME + 3);
	device_reading_release(&report);
	buf_release(&t.text);
	buf_release(&payload);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(payloads_are_read),
	    cmocka_unit_test(no_numbers_reject_themselves),
	    cmocka_unit_test(topics_name_bare_values),
	    cmocka_unit_test(claims_are_held_against_the_topic),
	    cmocka_unit_test(members_have_the_use_that_was_named),
	    cmocka_unit_test(a_device_key_is_held_against_the_topic),
	    cmocka_unit_test(what_is_beyond_a_limit_is_told),
	    cmocka_unit_test(depth_rejects_only_what_is_deep),
	    cmocka_unit_test(names_of_wrong_values_are_bounded),
	};

	return cmocka_run_group_tests_name("device_reading", tests, NULL, NULL);
}
