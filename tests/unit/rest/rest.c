/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the REST client makes of addresses, error bodies and pages; the rest is tested through
 * iotctl against the real server. */
#include "rest/rest_url.h"
#include "rest/token_cache.h"
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"
#include "rest/rest_error.h"
#include "rest/rest_int.h"

static void
explains(long status, const char *body, const char *wanted)
{
	struct buf out = {0};

	rest_error_explain(status, span_of(body), &out);
	assert_string_equal(buf_str(&out), wanted);
	buf_release(&out);
}

static void
explains_every_shape(void **state)
{
	(void)state;
	explains(400,
	    "{\"nombre\":[\"Este campo es requerido.\"],\"port\":[\"a\",\"b\"]}",
	    "nombre: Este campo es requerido.\nport: a\nport: b");
	explains(400, "{\"non_field_errors\":[\"min < max\"]}", "min < max");
	explains(400,
	    "{\"lecturas\":[{},{\"non_field_errors\":[\"x\"]},{\"sensor\":[\"y\"],"
	    "\"valor\":[\"z\"]}]}",
	    "lecturas[1]: x\nlecturas[2].sensor: y\nlecturas[2].valor: z");
	explains(400, "{\"acl_rules\":{\"0\":[\"bad\"]}}", "acl_rules[0]: bad");
	explains(401,
	    "{\"detail\":\"no\",\"code\":\"token_not_valid\",\"messages\":[{\"message\":"
	    "\"m\"}]}",
	    "no");
	explains(
	    404, "{\"error\":\"La asignacion no existe\"}", "La asignacion no existe");
	explains(400, "{\"success\":false,\"error\":\"Token inv\xc3\xa1lido\"}",
	    "Token inv\xc3\xa1lido");
	explains(400, "[\"one\",\"two\"]", "one\ntwo");
	explains(400, "{\"a\":7}", "a: 7");
}

/* Names of fields as long as a server likes, at any depth. */
static void
long_paths_are_cut_and_say_so(void **state)
{
	struct buf body = {0}, wanted = {0};
	size_t i;

	(void)state;
	buf_puts(&body, "{\"");
	for (i = 0; i < 25; i++) {
		buf_puts(&body, "año");
		buf_puts(&wanted, "año");
	}
	buf_puts(&body, "\":{\"port\":[\"x\",{\"y\":\"z\"}]}}");
	i = wanted.n;
	buf_puts(&wanted, ".port: x\n");
	buf_put(&wanted, wanted.p, i);
	buf_puts(&wanted, ".port[1].y: z");
	explains(400, buf_str(&body), buf_str(&wanted));
	buf_clear(&body);
	buf_puts(&body, "{\"x");
	for (i = 0; i < 1000; i++)
		buf_puts(&body, "ñ");
	buf_puts(&body, "\":\"wrong\"}");
	buf_clear(&wanted);
	buf_puts(&wanted, "x");
	for (i = 0; i < 199; i++)
		buf_puts(&wanted, "ñ");
	buf_puts(&wanted, "[...]: wrong");
	explains(400, buf_str(&body), buf_str(&wanted));
	buf_release(&body);
	buf_release(&wanted);
}

static void
explains_what_is_no_json(void **state)
{
	(void)state;
	explains(500,
	    "<!DOCTYPE html><html><head><TITLE>RuntimeError\n   at "
	    "/api/mqtt/brokers</TITLE>",
	    "the API answered 500: RuntimeError at /api/mqtt/brokers");
	explains(500, "ValueError at /api/x/\nField 'qos' expected a number\n\nRequest",
	    "the API answered 500: ValueError at /api/x/");
	explains(404, "<h1>Not Found</h1>", "the API answered 404");
	explains(502, "", "the API answered 502");
	explains(400, "{}", "the API answered 400");
	explains(400, "{\"a\":[\"two\\nlines\"]}", "a: two lines");
}

static void
maps_statuses(void **state)
{
	static const struct {
		long status;
		enum err_code code;
	} rows[] = {{400, ERR_REFUSED}, {409, ERR_REFUSED}, {422, ERR_REFUSED},
	    {401, ERR_AUTH}, {403, ERR_AUTH}, {404, ERR_NOT_FOUND},
	    {429, ERR_UNREACHABLE}, {500, ERR_UNREACHABLE}, {503, ERR_UNREACHABLE},
	    {301, ERR_PROTOCOL}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct rest_reply reply = {.status = rows[i].status};
		struct err err = {0};

		rest_error_set(&(struct rest_peer){.url = "http://h"}, &reply, &err);
		assert_int_equal(err.code, rows[i].code);
		assert_null(strchr(err.text, '\n'));
	}
}

static void
normalises_the_base(void **state)
{
	static const char *const rows[][2] = {{"http://h:8000", "http://h:8000"},
	    {"http://h:8000/", "http://h:8000"}, {"http://h/api/", "http://h"},
	    {"https://h/iot/api", "https://h/iot"},
	    {"http://[::1]:80//", "http://[::1]:80"}};
	static const char *const bad[] = {"", "h:8000", "ftp://h", "http://", "http:///x",
	    "http://u:p@h", "http://h/?a=b", "http://h /", "http://h\\@x", "http://h#x"};
	struct err err = {0};
	char *base;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(rest_url_base(rows[i][0], &base, &err), 0);
		assert_string_equal(base, rows[i][1]);
		free(base);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(rest_url_base(bad[i], &base, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

static void
adds_the_final_slash(void **state)
{
	static const char *const rows[][2] = {{"/api/mqtt/brokers", "/api/mqtt/brokers/"},
	    {"/api/mqtt/brokers/", "/api/mqtt/brokers/"},
	    {"/api/readings?page=2&a=b/c", "/api/readings/?page=2&a=b/c"},
	    {"/api/readings/?page=2", "/api/readings/?page=2"}, {"/healthz", "/healthz"}};
	static const char *const bad[] = {
	    "", "api/x", "@evil/", "//evil/", "/api/a b", "/api/a\r\nX: y", "/api/x#y"};
	struct err err = {0};
	char *path;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(rest_url_path(rows[i][0], &path, &err), 0);
		assert_string_equal(path, rows[i][1]);
		free(path);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rest_url_path(bad[i], &path, &err), -1);
}

static void
reads_pages(void **state)
{
	static const char page[] =
	    "{\"count\":3,\"next\":\"http://inner:1/x/api/b/?page=2&s=1\","
	    "\"previous\":null,\"results\":[{\"v\":21.50},{}]}";
	struct rest_page p;
	struct err err = {0};

	(void)state;
	assert_int_equal(rest_page_read("/api/b/?s=1", SPAN(page), &p, &err), 0);
	assert_true(span_is(p.array, "[{\"v\":21.50},{}]"));
	assert_int_equal(p.count, 3);
	assert_string_equal(p.next, "/api/b/?page=2&s=1");
	free(p.next);
	assert_int_equal(
	    rest_page_read("/api/b/", SPAN("{\"next\":null,\"results\":[]}"), &p, &err),
	    0);
	assert_null(p.next);
	assert_int_equal(p.count, -1);
	assert_int_equal(
	    rest_page_read("/api/b/", SPAN("{\"count\":-3.5,\"results\":[]}"), &p, &err),
	    0);
	assert_int_equal(p.count, -1);
	assert_int_equal(rest_page_read("/api/b/", SPAN(" [1,2] "), &p, &err), 0);
	assert_true(span_is(p.array, "[1,2]"));
	assert_int_equal(p.count, -1);
	assert_int_equal(rest_page_read("/api/b/", SPAN("{\"a\":1}"), &p, &err), -1);
	assert_int_equal(rest_page_read("/api/b/", SPAN("<html>"), &p, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
}

/* The server knows what it is asked to order by, and the last of it is what no two have in common. */
static void
orders_every_list(void **state)
{
	static const char *const rows[][4] = {
	    {"broker", "", NULL, "/api/mqtt/brokers/?page_size=1000&ordering=nombre"},
	    {"topic", "", NULL, "/api/mqtt/topics/?page_size=1000&ordering=nombre"},
	    {"credential", "&dispositivo=5", NULL,
		"/api/mqtt/credentials/"
		"?page_size=1000&dispositivo=5&ordering=-created_at"},
	    {"device-config", "", NULL,
		"/api/mqtt/device-config/?page_size=1000&ordering=created_at"},
	    {"device-config", "", "-last_connection",
		"/api/mqtt/device-config/"
		"?page_size=1000&ordering=-last_connection,created_at"},
	    {"device", "", NULL, "/api/devices/?page_size=1000&ordering=-created_at"},
	    {"device", "", "tipo",
		"/api/devices/?page_size=1000&ordering=tipo,-created_at"},
	    {"device", "", "created_at",
		"/api/devices/?page_size=1000&ordering=created_at"},
	    {"reading", "", NULL, "/api/readings/?page_size=1000&ordering=-timestamp"},
	    {"emqx-user", "", NULL,
		"/api/mqtt/emqx-users/?page_size=1000&ordering=-created"},
	    {"emqx-acl", "", NULL,
		"/api/mqtt/emqx-acl/?page_size=1000&ordering=username,topic,created_at"},
	    {"user", "", NULL, "/api/users/?page_size=1000&ordering=created_at"},
	    {"role", "", NULL, "/api/roles/?page_size=1000"},
	};
	char *path;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		path = rest_list_path(schema_find(rows[i][0]), rows[i][1], rows[i][2], 0);
		assert_string_equal(path, rows[i][3]);
		free(path);
	}
	path = rest_list_path(schema_find("reading"), "", "-timestamp", 1);
	assert_string_equal(path, "/api/readings/?page_size=1&ordering=-timestamp");
	free(path);
}

static void
knows_what_it_has_seen(void **state)
{
	static const char *const rows[] = {"0", "1", "63", "64", "999999999999999999",
	    "1000000000000000000", "\"a\"", "\"b\"", "1.5", "-1", "/api/b/?page=2"};
	struct rest_seen s = {0};
	char digits[24];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(rest_seen_add(&s, span_of(rows[i])));
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_false(rest_seen_add(&s, span_of(rows[i])));
	for (i = 0; i < 20000; i++) {
		snprintf(digits, sizeof(digits), "%zu", 1000 + i * 77);
		assert_true(rest_seen_add(&s, span_of(digits)));
		assert_false(rest_seen_add(&s, span_of(digits)));
	}
	assert_int_equal(s.n, ARRAY_LEN(rows) + 20000);
	rest_seen_release(&s);
}

static void
takes_tokens_out_of_a_long_answer(void **state)
{
	static const char body[] =
	    "{\"user\":{\"access\":\"no\",\"id\":1},\"refresh\":\"R\","
	    "\"access\":\"A\",\"message\":\"ok\"}";
	struct token_cache t = {0};

	(void)state;
	assert_true(token_cache_parse(SPAN(body), &t));
	assert_string_equal(t.access, "A");
	assert_string_equal(t.refresh, "R");
	/* A refresh may leave the refresh token as it was. */
	assert_true(token_cache_parse(SPAN("{\"access\":\"B\"}"), &t));
	assert_string_equal(t.access, "B");
	assert_string_equal(t.refresh, "R");
	assert_false(token_cache_parse(SPAN("[]"), &t));
	token_cache_release(&t);
}

static void
escapes(void **state)
{
	struct buf out = {0};

	(void)state;
	rest_url_escape(&out, SPAN("a b+c&\xc3\xa9/~"));
	assert_string_equal(buf_str(&out), "a%20b%2Bc%26%C3%A9%2F~");
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(explains_every_shape),
	    cmocka_unit_test(long_paths_are_cut_and_say_so),
	    cmocka_unit_test(explains_what_is_no_json),
	    cmocka_unit_test(maps_statuses),
	    cmocka_unit_test(normalises_the_base),
	    cmocka_unit_test(adds_the_final_slash),
	    cmocka_unit_test(reads_pages),
	    cmocka_unit_test(orders_every_list),
	    cmocka_unit_test(knows_what_it_has_seen),
	    cmocka_unit_test(takes_tokens_out_of_a_long_answer),
	    cmocka_unit_test(escapes),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
