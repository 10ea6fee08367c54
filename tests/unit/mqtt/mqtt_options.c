/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/mqtt_options.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/backoff.h"
#include "unit.h"

struct args {
	struct mqtt_options mqtt;
};

static const struct opt opts[] = {OPT_MQTT(struct args, mqtt), OPT_END};
static const char *const usage[] = {"", NULL};
static const struct program program = {
    .name = "test", .section = 1, .brief = "", .usage = usage, .opts = opts};

/* One resolution: "long-name=value" texts of the file, then of argv, up to NULL each. */
struct attempt {
	struct args args;
	struct opt_set set;
	struct session_opts out;
	struct err err;
	int failed;
};

static void
put(struct attempt *t, const char *text, enum opt_source source)
{
	const struct opt *o = opts;
	size_t n = strcspn(text, "=");

	while (o->name == NULL || strlen(o->name) != n || memcmp(o->name, text, n) != 0)
		o++;
	assert_int_equal(opt_set_text(&t->set, o, text + n + 1, source, "test", NULL), 0);
}

static void
try_begin(struct attempt *t)
{
	*t = (struct attempt){0};
	opt_init(&t->set, &program, &t->args);
}

static void
try_end(struct attempt *t)
{
	t->failed = mqtt_options_resolve(&t->args.mqtt, &t->set, &t->out, &t->err);
}

static void
try_release(struct attempt *t)
{
	mqtt_options_release(&t->args.mqtt);
	opt_release(&t->set);
}

static void
put_url(struct attempt *t, const char *url, enum opt_source source)
{
	char *text = xasprintf("url=%s", url);

	put(t, text, source);
	free(text);
}

static void
nothing_given_is_localhost(void **state)
{
	struct attempt t;

	(void)state;
	try_begin(&t);
	try_end(&t);
	assert_int_equal(t.failed, 0);
	assert_string_equal(t.out.host, "localhost");
	assert_int_equal(t.out.port, 1883);
	assert_false(t.out.tls);
	assert_null(t.out.username);
	assert_int_equal(t.out.keepalive, 60);
	assert_int_equal(t.out.version, 0);
	try_release(&t);
}

struct url_case {
	const char *url, *host, *username, *password;
	int port;
	bool tls;
	const char *ws_path;
};

static void
urls_are_taken_apart(void **state)
{
	static const struct url_case cases[] = {
	    {"mqtt://mq.example", "mq.example", NULL, NULL, 1883, false, NULL},
	    {"mqtt://mq.example:1884/", "mq.example", NULL, NULL, 1884, false, NULL},
	    {"mqtts://mq.example", "mq.example", NULL, NULL, 8883, true, NULL},
	    {"mqtt://me@mq.example", "mq.example", "me", NULL, 1883, false, NULL},
	    {"mqtt://me:pw@mq.example", "mq.example", "me", "pw", 1883, false, NULL},
	    {"mqtts://m%40e:p%3aw%2F@10.0.0.1:99", "10.0.0.1", "m@e", "p:w/", 99, true,
		NULL},
	    {"mqtt://[::1]:1885", "::1", NULL, NULL, 1885, false, NULL},
	    {"mqtts://[fe80::1%eth0]", "fe80::1%eth0", NULL, NULL, 8883, true, NULL},
	    {"mqtt://me:a/b@mq.example/", "mq.example", "me", "a/b", 1883, false, NULL},
	    {"ws://mq.example", "mq.example", NULL, NULL, 80, false, "/mqtt"},
	    {"ws://mq.example/", "mq.example", NULL, NULL, 80, false, "/"},
	    {"wss://mq.example", "mq.example", NULL, NULL, 443, true, "/mqtt"},
	    {"wss://me:pw@mq.example:8084/a/b?c=d@e", "mq.example", "me", "pw", 8084,
		true, "/a/b?c=d@e"},
	    {"ws://[::1]:8083/mqtt", "::1", NULL, NULL, 8083, false, "/mqtt"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct url_case *c = &cases[i];
		struct attempt t;

		try_begin(&t);
		put(&t, "url=", OPT_FROM_ARGV);
		free(t.args.mqtt.urls.v[0]);
		t.args.mqtt.urls.v[0] = xstrdup(c->url);
		try_end(&t);
		assert_string_equal(t.err.text, "");
		assert_string_equal(t.out.host, c->host);
		assert_int_equal(t.out.port, c->port);
		assert_int_equal(t.out.tls, c->tls);
		if (c->ws_path != NULL)
			assert_string_equal(t.out.ws_path, c->ws_path);
		else
			assert_null(t.out.ws_path);
		if (c->username != NULL)
			assert_string_equal(t.out.username, c->username);
		if (c->password != NULL)
			assert_string_equal(t.out.password, c->password);
		else
			assert_null(t.out.password);
		try_release(&t);
	}
}

struct list_case {
	const char *of[2]; /* option=text of argv */
	const char *is;    /* HOST:PORT of each; or the error */
};

static void
several_brokers_are_given_in_a_list_or_again(void **state)
{
	static const struct list_case cases[] = {
	    {{"url=mqtt://a,mqtt://b:1884"}, "a:1883 b:1884"},
	    {{"url=mqtt://a", "url=mqtt://b"}, "a:1883 b:1883"},
	    {{"url=mqtt://u:p,w@a , mqtt://b"}, "a:1883 b:1883"},
	    {{"url=mqtt://u:p@a,mqtt://u:p@b"}, "a:1883 b:1883"},
	    {{"url=wss://a:1/x,wss://b", "port=99"}, "a:1 b:99"},
	    {{"host=a,b , c", "port=8883"}, "a:8883 b:8883 c:8883"},
	    {{"host=a", "host=::1"}, "a:1883 ::1:1883"},
	    {{"host=/run/a,b"}, "/run/a,b:0"},
	    {{"host=a,,b"}, "the broker's host is empty"},
	    {{"host=a,"}, "the broker's host is empty"},
	    {{"url=mqtt://a,"}, "'a,' is no host"},
	    {{"url=mqtt://a,b"}, "'a,b' is no host"},
	    {{"url=mqtt://a", "host=b"}, "two brokers are given, a host ('b') and a URL"},
	    {{"url=mqtt://a,mqtts://b"},
		"brokers 'a' and 'b' are given with two protocols"},
	    {{"url=mqtt://a,ws://b"}, "brokers 'a' and 'b' are given with two protocols"},
	    {{"url=mqtt://a,mqtt://u@b"},
		"brokers 'a' and 'b' are given with two logins"},
	    {{"url=mqtt://u:p@a,mqtt://u:s3cret@b"}, "are given with two logins"},
	    {{"host=a,/run/b", "cafile=f"}, "TLS to the unix socket '/run/b'"},
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf got = {0};
		struct attempt t;

		try_begin(&t);
		put(&t, cases[i].of[0], OPT_FROM_ARGV);
		if (cases[i].of[1] != NULL)
			put(&t, cases[i].of[1],
			    strncmp(cases[i].of[1], "port", 4) == 0 ? OPT_FROM_ENV
								    : OPT_FROM_ARGV);
		try_end(&t);
		for (n = 0; t.failed == 0 && n <= t.out.others_n; n++) {
			const struct session_opts one = session_opts_at(&t.out, n);

			buf_printf(&got, "%s%s:%d", n > 0 ? " " : "", one.host, one.port);
		}
		buf_puts(&got, t.err.text);
		print_message("# %s\n", buf_str(&got));
		if (t.failed == 0)
			assert_string_equal(buf_str(&got), cases[i].is);
		assert_non_null(strstr(buf_str(&got), cases[i].is));
		assert_null(strstr(buf_str(&got), "s3cret"));
		buf_release(&got);
		try_release(&t);
	}
}

struct topic_case {
	const char *url, *topic; /* NULL: none */
};

static void
topics_are_behind_the_host(void **state)
{
	static const struct topic_case cases[] = {
	    {"mqtt://h", NULL},
	    {"mqtt://h/", NULL},
	    {"mqtt://h/a/b", "a/b"},
	    {"mqtts://u:p@h:1/a//b/#", "a//b/#"},
	    {"mqtt://h//a", "/a"},
	    {"mqtt://h/v3/app%40t/%2b", "v3/app@t/+"},
	    {"mqtt://h/a,b", "a,b"},
	    {"mqtt://h/a,mqtt://i/a", "a"},
	    {"ws://h/a/b", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *topic;
		struct attempt t;

		try_begin(&t);
		t.args.mqtt.takes_topic = true;
		put_url(&t, cases[i].url, OPT_FROM_ARGV);
		try_end(&t);
		assert_string_equal(t.err.text, "");
		topic = mqtt_options_topic(&t.args.mqtt);
		if (cases[i].topic != NULL)
			assert_string_equal(topic, cases[i].topic);
		else
			assert_null(topic);
		try_release(&t);
	}
}

struct refused_topic {
	bool takes_topic;
	enum opt_source source;
	const char *wanted;
};

static void
topics_of_files_and_environment_are_refused(void **state)
{
	static const struct refused_topic cases[] = {
	    {true, OPT_FROM_ENV,
		"test: a topic in a broker's URL is taken from -L alone"},
	    {true, OPT_FROM_CONTEXT, "test: a topic in a broker's URL is taken from -L"},
	    {false, OPT_FROM_ARGV,
		"--url: a topic in the broker's URL is of no use here"},
	    {false, OPT_FROM_ENV, "test: a topic in the broker's URL is of no use here"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct attempt t;

		try_begin(&t);
		t.args.mqtt.takes_topic = cases[i].takes_topic;
		put_url(&t, "mqtt://h/a", cases[i].source);
		try_end(&t);
		assert_int_equal(t.failed, -1);
		assert_int_equal(t.err.code, ERR_USAGE);
		assert_non_null(strstr(t.err.text, cases[i].wanted));
		try_release(&t);
	}
}

static void
a_unix_socket_is_a_path_from_here(void **state)
{
	char *here = getcwd(NULL, 0), *path = xasprintf("%s/m.sock", here);
	struct attempt t;

	(void)state;
	try_begin(&t);
	put(&t, "url=mqtt://u:p@context", OPT_FROM_CONTEXT);
	put(&t, "unix=m.sock", OPT_FROM_ARGV);
	try_end(&t);
	assert_string_equal(t.err.text, "");
	assert_string_equal(t.out.host, path);
	assert_int_equal(t.out.port, 0);
	assert_null(t.out.username);
	try_release(&t);
	try_begin(&t);
	put(&t, "host=a", OPT_FROM_ARGV);
	put(&t, "unix=/run/m", OPT_FROM_ARGV);
	try_end(&t);
	assert_non_null(strstr(t.err.text, "two brokers are given"));
	try_release(&t);
	free(path);
	free(here);
}

static void
bad_urls_are_refused_without_telling_the_password(void **state)
{
	static const char *const cases[] = {
	    "mq.example",
	    "mqtt:mq.example",
	    "mqtt://",
	    "mqtt://u:s3cret@",
	    "mqtt://u:s3cret@:1883",
	    "mqtt://u:s3cret@host:0",
	    "mqtt://u:s3cret@host:65536",
	    "mqtt://u:s3cret@host:x",
	    "mqtt://u:s3cret@host/path",
	    "mqtt://u:s3cret@host/to%zzpic",
	    "mqtt://u:s3cret%zz@host",
	    "mqtt://u:s3cret%00@host",
	    "mqtt://u:s3cret@[::1",
	    "mqtt://u:s3cret@[::1]x",
	    "ws://u:s3cret@host/a b",
	    "ws://u:s3cret@host/a\r\nb",
	    "ws://u:s3cret@host/a#b",
	    "wss://u:s3cret@host/\xc3\xb1",
	    "wss://u:s3cret@/mqtt",
	    "ftp://u:s3cret@host",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct attempt t;

		try_begin(&t);
		put(&t, "url=", OPT_FROM_ARGV);
		free(t.args.mqtt.urls.v[0]);
		t.args.mqtt.urls.v[0] = xstrdup(cases[i]);
		try_end(&t);
		if (t.failed == 0)
			print_message("# accepted: %s\n", cases[i]);
		assert_int_equal(t.failed, -1);
		assert_int_equal(t.err.code, ERR_USAGE);
		assert_null(strstr(t.err.text, "s3cret"));
		try_release(&t);
	}
}

static void
stronger_source_names_the_broker(void **state)
{
	struct attempt t;

	(void)state;
	try_begin(&t); /* the context's broker, and a host on the command line */
	put(&t, "url=mqtts://me@context:1000", OPT_FROM_CONTEXT);
	put(&t, "host=argv", OPT_FROM_ARGV);
	try_end(&t);
	assert_string_equal(t.out.host, "argv");
	assert_int_equal(t.out.port, 1883);
	assert_false(t.out.tls);
	assert_null(t.out.username);
	try_release(&t);

	try_begin(&t); /* a host in the file, and the context's broker */
	put(&t, "host=file", OPT_FROM_USER_FILE);
	put(&t, "port=1", OPT_FROM_USER_FILE);
	put(&t, "username=file", OPT_FROM_USER_FILE);
	put(&t, "url=mqtt://me@context:1000", OPT_FROM_CONTEXT);
	try_end(&t);
	assert_string_equal(t.out.host, "context");
	assert_int_equal(t.out.port, 1000);
	assert_string_equal(t.out.username, "me");
	try_release(&t);

	try_begin(&t); /* the context's broker, its port and user on the command line */
	put(&t, "url=mqtt://me:pw@context:1000", OPT_FROM_CONTEXT);
	put(&t, "port=2000", OPT_FROM_ARGV);
	put(&t, "username=you", OPT_FROM_ARGV);
	try_end(&t);
	assert_string_equal(t.out.host, "context");
	assert_int_equal(t.out.port, 2000);
	assert_string_equal(t.out.username, "you");
	assert_null(t.out.password);
	try_release(&t);
}

static void
two_brokers_of_one_source_contradict(void **state)
{
	struct attempt t;

	(void)state;
	try_begin(&t);
	put(&t, "url=mqtt://a", OPT_FROM_ARGV);
	put(&t, "host=b", OPT_FROM_ARGV);
	try_end(&t);
	assert_int_equal(t.failed, -1);
	assert_non_null(strstr(t.err.text, "two brokers are given"));
	try_release(&t);
}

static void
tls_is_implied(void **state)
{
	static const char *const by[] = {"cafile=x", "capath=x", "cert=x", "port=8883",
	    "tls-version=1.2", "tls-alpn=mqtt"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(by); i++) {
		struct attempt t;

		try_begin(&t);
		put(&t, "host=h", OPT_FROM_ARGV);
		put(&t, by[i], OPT_FROM_ARGV);
		try_end(&t);
		assert_true(t.out.tls);
		assert_int_equal(t.out.port, 8883);
		try_release(&t);
	}
}

static void
tls_versions_are_named_twice(void **state)
{
	static const struct {
		const char *text;
		enum tls_version version;
	} cases[] = {
	    {"tls-version=auto", TLS_1_2_OR_NEWER},
	    {"tls-version=1.2", TLS_1_2_ONLY},
	    {"tls-version=tlsv1.2", TLS_1_2_ONLY},
	    {"tls-version=1.3", TLS_1_3_ONLY},
	    {"tls-version=tlsv1.3", TLS_1_3_ONLY},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct attempt t;

		try_begin(&t);
		put(&t, cases[i].text, OPT_FROM_ARGV);
		try_end(&t);
		assert_int_equal(t.failed, 0);
		assert_int_equal(t.out.tls_version, cases[i].version);
		try_release(&t);
	}
}

static void
options_that_do_not_go_together_are_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"key=k", "host=h"},
	    {"keypass-file=f", "host=h"},
	    {"cafile=f", "host=/run/mq.sock"},
	    {"tls-alpn=mqtt", "url=wss://h"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct attempt t;

		try_begin(&t);
		put(&t, cases[i][0], OPT_FROM_ARGV);
		put(&t, cases[i][1], OPT_FROM_ARGV);
		try_end(&t);
		if (t.failed == 0)
			print_message("# accepted: %s %s\n", cases[i][0], cases[i][1]);
		assert_int_equal(t.failed, -1);
		assert_int_equal(t.err.code, ERR_USAGE);
		try_release(&t);
	}
}

static void
waits_grow_to_a_limit_and_with_the_fleet(void **state)
{
	struct backoff b = {0};
	int i;

	(void)state;
	assert_int_equal(backoff_window(0, 1), 1000);
	assert_int_equal(backoff_window(3, 1), 8000);
	assert_int_equal(backoff_window(6, 1), 60000);
	assert_int_equal(backoff_window(1000000, 1), 60000);
	assert_int_equal(backoff_window(0, 1000), 10000);
	assert_int_equal(backoff_window(9, 10000), 100000);
	for (i = 0; i < 1000; i++) {
		struct backoff fresh = {0};
		int64_t ms = backoff_next(&fresh, 1);

		assert_true(ms >= 0 && ms <= 1000);
		assert_int_equal(fresh.failures, 1);
	}
	for (i = 0; i < 100; i++)
		assert_true(backoff_next(&b, 1) <= 60000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_given_is_localhost),
	    cmocka_unit_test(urls_are_taken_apart),
	    cmocka_unit_test(several_brokers_are_given_in_a_list_or_again),
	    cmocka_unit_test(topics_are_behind_the_host),
	    cmocka_unit_test(topics_of_files_and_environment_are_refused),
	    cmocka_unit_test(a_unix_socket_is_a_path_from_here),
	    cmocka_unit_test(bad_urls_are_refused_without_telling_the_password),
	    cmocka_unit_test(stronger_source_names_the_broker),
	    cmocka_unit_test(two_brokers_of_one_source_contradict),
	    cmocka_unit_test(tls_is_implied),
	    cmocka_unit_test(tls_versions_are_named_twice),
	    cmocka_unit_test(options_that_do_not_go_together_are_refused),
	    cmocka_unit_test(waits_grow_to_a_limit_and_with_the_fleet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
