/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms of a FIELD, request bodies as text, cells of a table. */
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"
#include "iotctl/output/cell.h"
#include "iotctl/core/field.h"
#include "iotctl/core/request.h"

static void
splits_words(void **state)
{
	static const struct {
		const char *word, *name, *value;
		enum field_op op;
	} rows[] = {
	    {"port=1883", "port", "1883", FIELD_TEXT},
	    {"nombre=", "nombre", "", FIELD_TEXT},
	    {"nombre=a=b", "nombre", "a=b", FIELD_TEXT},
	    {"nombre=a:=b@c", "nombre", "a:=b@c", FIELD_TEXT},
	    {"publish_topic:=null", "publish_topic", "null", FIELD_JSON},
	    {"password@secret.txt", "password", "secret.txt", FIELD_FILE},
	    {"password@-", "password", "-", FIELD_FILE},
	    {"password@", "password", "", FIELD_FILE},
	    {"subscribe_topics+=a,b", "subscribe_topics", "a,b", FIELD_ADD},
	    {"subscribe_topics-=2", "subscribe_topics", "2", FIELD_DROP},
	    {"ESP32_001", NULL, "ESP32_001", FIELD_NONE},
	    {"EMQX Production", NULL, "EMQX Production", FIELD_NONE},
	    {"a b=c", NULL, "a b=c", FIELD_NONE},
	    {"7=x", NULL, "7=x", FIELD_NONE},
	    {"=x", NULL, "=x", FIELD_NONE},
	    {"a.b=c", NULL, "a.b=c", FIELD_NONE},
	    {"a-b", NULL, "a-b", FIELD_NONE},
	    {"a:b", NULL, "a:b", FIELD_NONE},
	    {"", NULL, "", FIELD_NONE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		char word[64];
		struct field_word w;

		snprintf(word, sizeof(word), "%s", rows[i].word);
		w = field_split(word);
		assert_int_equal(w.op, rows[i].op);
		assert_string_equal(w.value, rows[i].value);
		assert_true(rows[i].name == NULL ? w.name.p == NULL
						 : span_is(w.name, rows[i].name));
	}
}

static void
puts_bodies(void **state)
{
	static const char text[] = "{\"a\":0.1,\"b\":[1,2.5,-3],\"c\":null,\"d\":"
				   "\"\xc3\xa1\\\"\\n\",\"e\":{\"f\":true}}";
	json_t *value = json_loads(text, 0, NULL);
	struct buf out = {0};

	(void)state;
	request_put_body(&out, value, NULL);
	assert_string_equal(buf_str(&out), text);
	json_decref(value);
	buf_release(&out);
}

static void
masks_secrets(void **state)
{
	json_t *value = json_loads("{\"nombre\":\"x\",\"password\":\"p\"}", 0, NULL);
	struct buf out = {0};

	(void)state;
	request_put_body(&out, value, schema_find("broker"));
	assert_string_equal(
	    buf_str(&out), "{\"nombre\":\"x\",\"password\":\"********\"}");
	json_decref(value);
	buf_release(&out);
}

static void
cell(const char *json, const char *wanted)
{
	struct buf out = {0};

	cell_put(&out, span_of(json));
	assert_string_equal(buf_str(&out), wanted);
	buf_release(&out);
}

static void
makes_cells(void **state)
{
	(void)state;
	cell("21.50", "21.50");
	cell("9223372036854775808", "9223372036854775808");
	cell("\"a\\u00e1\"", "a\xc3\xa1");
	cell("null", "");
	cell("true", "true");
	cell("[2, 3]", "2,3");
	cell("[]", "");
	cell("{ \"a\": 1 }", "{\"a\":1}");
	cell("[{\"a\":1}]", "[{\"a\":1}]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(splits_words),
	    cmocka_unit_test(puts_bodies),
	    cmocka_unit_test(masks_secrets),
	    cmocka_unit_test(makes_cells),
	};

	return cmocka_run_group_tests_name("iotctl_field", tests, NULL, NULL);
}
