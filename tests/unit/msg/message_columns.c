/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "messages.h"

#include "base/text.h"
#include "msg/message_columns.h"

static struct msg
of_device_e(const char *payload)
{
	return message("iot/sensors/E/data", payload);
}

#define AT "2026-11-23T12:47:20.123456Z"

/* The rows of one message, or "REJECT word"; behind them what is wrong. */
static void
rows_are(const char *list, enum message_columns_format format, bool readings,
    const struct msg *m, const char *want)
{
	struct columns *c = NULL;
	struct err err = {0};
	struct reading_report report = {0};
	struct buf b = {0};
	const char *word;

	if (message_columns_compile(&c, list, format, readings, &err) != 0)
		fail_msg("wanted columns '%s', got: %s", list, err.text);
	word = message_columns_put(c, &b, m, &topics, NULL, &report);
	if (word != NULL) {
		assert_int_equal(b.n, 0);
		buf_printf(&b, "REJECT %s", word);
	} else if (report.error != NULL) {
		buf_printf(&b, "%s %s", report.error, buf_str(&report.wrong));
	}
	device_reading_release(&report);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
	message_columns_free(c);
}

static void
defaults_lose_nothing(void **state)
{
	struct msg m =
	    of_device_e("{\"sensors\":{\"t\":21.50,\"s\":\"on\"},\"timestamp\":7}");
	struct columns *c = NULL;
	struct err err = {0};
	struct buf b = {0};
	struct reading_report report = {0};

	(void)state;
	assert_int_equal(
	    message_columns_compile(&c, NULL, MESSAGE_COLUMNS_CSV, true, &err), 0);
	message_columns_header(c, &b);
	assert_null(message_columns_put(c, &b, &m, &topics, NULL, &report));
	assert_int_equal(report.count, 2);
	assert_string_equal(buf_str(&b),
	    "received_at,device_id,sensor,value,timestamp,topic,qos,retain,mid\n" AT
	    ",E,t,21.50,7,iot/sensors/E/data,1,false,17\n" AT
	    ",E,s,on,7,iot/sensors/E/data,1,false,17\n");
	message_columns_free(c);
	buf_clear(&b);
	assert_int_equal(
	    message_columns_compile(&c, NULL, MESSAGE_COLUMNS_TSV, false, &err), 0);
	message_columns_header(c, &b);
	m.payload = SPAN(" [ 1.0 ] ");
	m.qos = 0;
	assert_null(message_columns_put(c, &b, &m, &topics, NULL, &report));
	assert_int_equal(report.count, 0);
	assert_string_equal(buf_str(&b),
	    "received_at\tdevice_id\ttopic\tqos\tretain\tmid\tpayload\tpayload_text\t"
	    "payload_b64\n" AT
	    "\tE\tiot/sensors/E/data\t0\tfalse\t\\N\t[1.0]\t\\N\t\\N\n");
	message_columns_free(c);
	device_reading_release(&report);
	buf_release(&b);
}

static void
cells_are_what_a_copy_reads(void **state)
{
	static const struct {
		const char *payload, *csv, *tsv;
	} cases[] = {
	    {"{\"t\":null}", ",null\n", "\\N\tnull\n"},
	    {"{\"t\":\"\"}", "\"\",string\n", "\tstring\n"},
	    {"{\"t\":\"null\"}", "null,string\n", "null\tstring\n"},
	    {"{\"t\":true}", "true,boolean\n", "true\tboolean\n"},
	    {"{\"t\":1E+400}", "1E+400,number\n", "1E+400\tnumber\n"},
	    {"{\"t\":\"a,b\"}", "\"a,b\",string\n", "a,b\tstring\n"},
	    {"{\"t\":\"say \\\"x\\\"\"}", "\"say \"\"x\"\"\",string\n",
		"say \"x\"\tstring\n"},
	    {"{\"t\":\"a\\r\\n\\tb\\\\\"}", "\"a\r\n\tb\\\",string\n",
		"a\\r\\n\\tb\\\\\tstring\n"},
	    {"{\"t\":\"\\u0000\\u00e9\"}", "\"\xEF\xBF\xBD\xc3\xa9\",string\n",
		"\xEF\xBF\xBD\xc3\xa9\tstring\n"},
	    {"{\"t\":\"\\\\.\"}", "\"\\.\",string\n", "\\\\.\tstring\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg m = of_device_e(cases[i].payload);

		rows_are("value,value_type", MESSAGE_COLUMNS_CSV, true, &m, cases[i].csv);
		rows_are("value,value_type", MESSAGE_COLUMNS_TSV, true, &m, cases[i].tsv);
	}
}

static void
payloads_have_a_column_for_each_kind(void **state)
{
	static const char list[] = "payload,payload_text,payload_b64,dup,id_mismatch";
	struct msg m = of_device_e("{\"device_id\":\"F\"}");

	(void)state;
	m.dup = true;
	rows_are(list, MESSAGE_COLUMNS_CSV, false, &m,
	    "\"{\"\"device_id\"\":\"\"F\"\"}\",,,true,true\n");
	m.payload = SPAN("");
	rows_are(list, MESSAGE_COLUMNS_CSV, false, &m, ",\"\",,true,false\n");
	m.payload = (struct span){"\0", 1};
	rows_are(list, MESSAGE_COLUMNS_CSV, false, &m, ",,AA==,true,false\n");
}

static void
what_is_no_row_is_a_reject(void **state)
{
	struct msg m = of_device_e("{\"device_id\":\"F\",\"t\":1}");

	(void)state;
	topics.strict = true;
	rows_are("value", MESSAGE_COLUMNS_CSV, true, &m, "REJECT id");
	rows_are("payload", MESSAGE_COLUMNS_CSV, false, &m, "REJECT id");
	topics.strict = false;
	rows_are("value,id_mismatch", MESSAGE_COLUMNS_CSV, true, &m, "1,true\n");
	m.reject = "size";
	rows_are("value", MESSAGE_COLUMNS_CSV, true, &m, "REJECT size");
	rows_are("payload", MESSAGE_COLUMNS_CSV, false, &m, "REJECT size");
	m = of_device_e("{\"u\":1,\"t\":\"a\\n\\\\.\\r\\nb\"}");
	rows_are("value", MESSAGE_COLUMNS_CSV, true, &m, "1\nrange \"t\"");
	rows_are("value", MESSAGE_COLUMNS_TSV, true, &m, "1\na\\n\\\\.\\r\\nb\n");
	m.payload = SPAN("a\n\\.\n");
	rows_are("payload_text", MESSAGE_COLUMNS_CSV, false, &m, "REJECT range");
	m.payload = SPAN("a\n\\.,\n\\.");
	rows_are("payload_text", MESSAGE_COLUMNS_CSV, false, &m, "\"a\n\\.,\n\\.\"\n");
	m = of_device_e("{\"t\":nan,\"e\":[],\"o\":{}}");
	rows_are("sensor,value,value_type", MESSAGE_COLUMNS_CSV, true, &m,
	    "e,[],array\no,{},object\nrange \"t\"");
	m = of_device_e("[1]");
	rows_are("value", MESSAGE_COLUMNS_CSV, true, &m, "REJECT shape");
}

static void
wrong_lists_are_refused(void **state)
{
	static const struct {
		const char *list;
		bool readings;
		const char *said;
	} cases[] = {
	    {"topic,valeu", true,
		"unknown column 'valeu'; there are received_at device_id"},
	    {"payload", true, "unknown column 'payload'"},
	    {"sensor", false, "unknown column 'sensor'"},
	    {"topic,topic", false, "column 'topic' is named twice"},
	    {"", false, "unknown column ''; there are"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct columns *c = NULL;
		struct err err = {0};

		assert_int_equal(message_columns_compile(&c, cases[i].list,
				     MESSAGE_COLUMNS_CSV, cases[i].readings, &err),
		    -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (strncmp(err.text, cases[i].said, strlen(cases[i].said)) != 0)
			fail_msg("wanted %s, got %s", cases[i].said, err.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_lose_nothing),
	    cmocka_unit_test(cells_are_what_a_copy_reads),
	    cmocka_unit_test(payloads_have_a_column_for_each_kind),
	    cmocka_unit_test(what_is_no_row_is_a_reject),
	    cmocka_unit_test(wrong_lists_are_refused),
	};

	return cmocka_run_group_tests_name("columns", tests, setup, teardown);
}
