/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies and texts against the schema, with the platform's own leniency and its texts. */
#include "model/field_errs.h"
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/validate.h"

/* The good values and the errors as one line: {"port":5} | field: text; ... */
static void
assert_body(const char *resource, const char *body, bool partial, const char *want)
{
	struct field_errs errs = {0};
	json_t *given = json_loads(body, JSON_DECODE_ANY, NULL);
	json_t *good = validate_body(schema_find(resource), given, partial, &errs);
	char *text = json_dumps(good, JSON_COMPACT);
	struct buf got = {0};
	size_t i;

	buf_printf(&got, "%s |", text);
	for (i = 0; i < errs.n; i++)
		buf_printf(&got, " %s: %s", errs.v[i].field, errs.v[i].text);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
	field_errs_release(&errs);
	free(text);
	json_decref(good);
	json_decref(given);
}

/* One value of a field: the canonical JSON, or the error's text. */
static void
assert_value(const char *resource, const char *field, const char *value, const char *want)
{
	const struct schema_field *f = schema_field(schema_find(resource), field);
	struct field_errs errs = {0};
	json_t *given = json_loads(value, JSON_DECODE_ANY, NULL);
	json_t *good = validate_value(f, given, &errs);
	char *text =
	    good != NULL ? json_dumps(good, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	assert_int_equal(errs.n, good == NULL ? 1 : 0);
	assert_string_equal(good != NULL ? text : errs.v[0].text, want);
	free(text);
	field_errs_release(&errs);
	json_decref(good);
	json_decref(given);
}

static void
assert_text(const char *resource, const char *field, const char *value, const char *want)
{
	const struct schema_field *f = schema_field(schema_find(resource), field);
	struct field_errs errs = {0};
	json_t *good = validate_text(f, value, &errs);
	char *text =
	    good != NULL ? json_dumps(good, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	assert_string_equal(good != NULL ? text : errs.v[0].text, want);
	free(text);
	field_errs_release(&errs);
	json_decref(good);
}

static void
values_are_taken_as_the_platform_takes_them(void **state)
{
	(void)state;
	assert_value("broker", "port", "8883", "8883");
	assert_value("broker", "port", "\"8883\"", "8883");
	assert_value("broker", "port", "8883.0", "8883");
	assert_value("broker", "is_active", "\"yes\"", "true");
	assert_value("broker", "is_active", "0", "false");
	assert_value("topic", "qos", "\"2\"", "2");
	assert_value("broker", "nombre", "\"  a b \"", "\"a b\"");
	assert_value("broker", "nombre", "123", "\"123\"");
	assert_value(
	    "broker", "nombre", "8952020012345678901", "\"8952020012345678901\"");
	assert_value("broker", "nombre", "-9007199254740993", "\"-9007199254740993\"");
	assert_value("broker", "password", "\" a \"", "\" a \"");
	assert_value("broker", "username", "null", "null");
	assert_value("reading", "valor", "\"21.50\"", "21.5");
	assert_value("credential", "dispositivo", "\"7\"", "7");
	assert_value("device-config", "subscribe_topics", "[2,1,\"2\"]", "[2,1]");
	assert_value("device-config", "metadata_json", "{\"a\":[1]}", "{\"a\":[1]}");
	assert_value("device", "last_seen", "\"2026-01-01 02:00:00+02:00\"",
	    "\"2026-01-01T00:00:00.000000Z\"");
}

static void
wrong_values_are_told_in_its_words(void **state)
{
	(void)state;
	assert_value(
	    "broker", "port", "0", "Ensure this value is greater than or equal to 1.");
	assert_value("broker", "port", "65536",
	    "Ensure this value is less than or equal to 65535.");
	assert_value("broker", "port", "1.5", "A valid integer is required.");
	assert_value("broker", "port", "\"1e2\"", "A valid integer is required.");
	assert_value("broker", "port", "1e300", "A valid integer is required.");
	assert_value("broker", "port", "true", "A valid integer is required.");
	assert_value("broker", "port", "null", "This field may not be null.");
	assert_value("broker", "nombre", "\"  \"", "This field may not be blank.");
	assert_value("broker", "nombre", "true", "Not a valid string.");
	assert_value("broker", "protocol", "\"tcp\"", "\"tcp\" is not a valid choice.");
	assert_value("topic", "qos", "3", "\"3\" is not a valid choice.");
	assert_value("topic", "qos", "1.0", "\"float\" is not a valid choice.");
	assert_value("broker", "is_active", "\"si\"", "Must be a valid boolean.");
	assert_value("reading", "valor", "\"nan\"", "A valid number is required.");
	assert_value("reading", "valor", "[]", "A valid number is required.");
	assert_value("credential", "dispositivo", "true",
	    "Incorrect type. Expected pk value, received bool.");
	assert_value("device-config", "subscribe_topics", "[1,\"x\"]",
	    "Incorrect type. Expected pk value, received str.");
	assert_value("device-config", "subscribe_topics", "1",
	    "Expected a list of items but got type \"int\".");
	assert_value("device", "identificador_unico", "\"a/b\"",
	    "the id 'a/b' may only have letters, digits and, not at its beginning, '.', "
	    "'_', '-'");
}

static void
lengths_count_characters(void **state)
{
	struct buf s = {0};
	int i;

	(void)state;
	buf_putc(&s, '"');
	for (i = 0; i < 100; i++)
		buf_puts(&s, "ñ");
	buf_puts(&s, "\"");
	assert_value("broker", "nombre", buf_str(&s), s.p);
	s.n--;
	buf_puts(&s, "x\"");
	assert_value("broker", "nombre", buf_str(&s),
	    "Ensure this field has no more than 100 characters.");
	buf_release(&s);
}

static void
bodies_report_all_wrong_fields(void **state)
{
	(void)state;
	assert_body("broker", "{\"nombre\":\"a\",\"host\":\"h\",\"port\":\"5\"}", false,
	    "{\"nombre\":\"a\",\"host\":\"h\",\"port\":5} |");
	assert_body("broker", "{\"port\":0,\"colour\":1,\"name\":\"x\"}", false,
	    "{} | nombre: This field is required. host: This field is required. port: "
	    "Ensure this value is greater than or equal to 1. colour: Unknown field. "
	    "name: "
	    "Unknown field.");
	assert_body("broker", "{\"id\":4,\"created_at\":\"x\",\"port\":1}", true,
	    "{\"port\":1} |");
	assert_body("broker", "[]", false,
	    "{} | non_field_errors: Invalid data. Expected a dictionary, but got list.");
}

static void
texts_become_the_fields_type(void **state)
{
	(void)state;
	assert_text("broker", "port", "8883", "8883");
	assert_text("broker", "use_tls", "on", "true");
	assert_text("broker", "nombre", "007", "\"007\"");
	assert_text("broker", "port", "many", "A valid integer is required.");
	assert_text("device-config", "broker", "3", "3");
	assert_text("device-config", "broker", "EMQX Production", "\"EMQX Production\"");
	assert_text("device-config", "subscribe_topics", "1, Datos", "[1,\"Datos\"]");
	assert_text("sensor", "publish_interval", "", "null");
}

/* Names stand in tables, logs and password files. */
static void
names_can_be_shown(void **state)
{
	static const char never[] =
	    "Control characters and marks that turn text around are not allowed.";

	(void)state;
	assert_value(
	    "device", "nombre", "\"Señal 北 🌡️\"", "\"Señal 北 🌡️\"");
	assert_value("device", "nombre", "\"a\\u001b[31mb\"", never);
	assert_value("device", "nombre", "\"a\\nb\"", never);
	assert_value("device", "ubicacion", "\"a\\u0085b\"", never);
	assert_value("broker", "nombre", "\"a\\u202eb\"", never);
	assert_value("broker", "host", "\"a\\u2066b\"", never);
	assert_value("sensor", "unidad_medida", "\"a\\u2028b\"", never);
	assert_value("device", "descripcion", "\"two\\nlines\"", "\"two\\nlines\"");
	assert_value("broker", "password", "\"a\\tb:c\"", "\"a\\tb:c\"");
	assert_value("credential", "username", "\"a:b\"", "A user name has no \":\".");
	assert_value(
	    "credential", "username", "\"#a\"", "A user name does not begin with \"#\".");
	assert_value("credential", "username", "\"a#\"", "\"a#\"");
	assert_value("credential", "username", "\"a\\nb\"", never);
	assert_value("broker", "username", "\"a:b\"", "A user name has no \":\".");
	assert_value("broker", "host", "\"[::1]\"", "\"[::1]\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_can_be_shown),
	    cmocka_unit_test(values_are_taken_as_the_platform_takes_them),
	    cmocka_unit_test(wrong_values_are_told_in_its_words),
	    cmocka_unit_test(lengths_count_characters),
	    cmocka_unit_test(bodies_report_all_wrong_fields),
	    cmocka_unit_test(texts_become_the_fields_type),
	};

	return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
