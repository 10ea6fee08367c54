/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of the platform as addresses; URLs are in tests/unit/mqtt/mqtt_options.c. */
#include "model/broker_address.h"

#include <stdlib.h>

#include "base/text.h"
#include "unit.h"

struct row_case {
	const char *row, *url, *ws_path, *username, *ca_pem;
};

static void
rows_are_addresses(void **state)
{
	static const struct row_case cases[] = {
	    {"{\"protocol\":\"mqtt\",\"host\":\"a\",\"port\":1883}", "mqtt://a:1883",
		NULL, NULL, NULL},
	    {"{\"protocol\":\"mqtt\",\"use_tls\":true,\"host\":\"a\",\"port\":1884}",
		"mqtts://a:1884", NULL, NULL, NULL},
	    {"{\"protocol\":\"mqtts\",\"use_tls\":false,\"host\":\"::1\",\"port\":8883}",
		"mqtts://[::1]:8883", NULL, NULL, NULL},
	    {"{\"protocol\":\"ws\",\"use_tls\":true,\"host\":\"a\",\"port\":\"443\"}",
		"wss://a:443", "/mqtt", NULL, NULL},
	    {"{\"protocol\":\"wss\",\"host\":\"a\",\"port\":8084,\"username\":\"u\","
	     "\"ca_cert\":\"\"}",
		"wss://a:8084", "/mqtt", "u", NULL},
	    {"{\"host\":\"a\",\"port\":1,\"username\":\"\",\"ca_cert\":\"--\\n\"}",
		"mqtt://a:1", NULL, NULL, "--\n"},
	    {"{\"protocol\":null,\"host\":\"/run/m\",\"port\":1883}", "mqtt:///run/m:0",
		NULL, NULL, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct row_case *c = &cases[i];
		struct broker_address a, b;
		struct err err = {0};
		char *url;

		broker_address_read(&a, span_of(c->row), &err);
		assert_string_equal(err.text, "");
		url = broker_address_url(&a);
		assert_string_equal(url, c->url);
		assert_string_equal(a.ws_path != NULL ? a.ws_path : "",
		    c->ws_path != NULL ? c->ws_path : "");
		assert_string_equal(a.username != NULL ? a.username : "",
		    c->username != NULL ? c->username : "");
		assert_string_equal(
		    a.ca_pem != NULL ? a.ca_pem : "", c->ca_pem != NULL ? c->ca_pem : "");
		b = broker_address_copy(&a);
		assert_true(broker_address_equal(&a, &b));
		b.port++;
		assert_false(broker_address_equal(&a, &b));
		broker_address_release(&b);
		broker_address_release(&a);
		free(url);
	}
}

static void
rows_without_a_place_are_refused(void **state)
{
	static const char *const cases[] = {"{}", "{\"host\":\"a\"}", "{\"port\":1883}",
	    "{\"host\":\"a\",\"port\":0}", "{\"host\":\"a\",\"port\":65536}",
	    "{\"host\":\"\",\"port\":1883}", "{\"host\":null,\"port\":1883}",
	    "{\"host\":\"a\",\"port\":18.5}"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct broker_address a;
		struct err err = {0};

		assert_int_equal(broker_address_read(&a, span_of(cases[i]), &err), -1);
		assert_int_equal(err.code, ERR_PROTOCOL);
		broker_address_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_addresses),
	    cmocka_unit_test(rows_without_a_place_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
