/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates and keys that are texts, as the API has them, against a broker that wants one. */
#include "mqtt/session.h"
#include "ws/ws_proxy.h"

#include "broker.h"
#include "rig.h"

static int port, ws_port;
static char *ca, *cert, *key, *locked, *stranger;

static char *
slurp(const struct broker *b, const char *name)
{
	char *path = xasprintf("%s/%s", b->dir, name);
	struct buf text = {0};

	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	free(path);
	return buf_steal(&text);
}

static int
free_port(void)
{
	int port_number, fd = rig_listen(&port_number, false);

	close(fd);
	return port_number;
}

static int
setup(void **state)
{
	struct broker *b;
	char *command, *text, *conf;
	struct buf config = {0};

	assert_int_equal(broker_setup(state), 0);
	b = *state;
	broker_stop(b);
	command = xasprintf(
	    "cd %s && exec 2>/dev/null && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
	    "-keyout ca.key -out ca.crt -days "
	    "2 "
	    "-subj /CN=ca && for n in server device; do "
	    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "
	    "$n.key -out $n.csr -subj /CN=$n "
	    "&& "
	    "echo subjectAltName=IP:127.0.0.1 >ext && openssl x509 -req -in $n.csr -CA "
	    "ca.crt "
	    "-CAkey ca.key -CAcreateserial -extfile ext -days 2 -out $n.crt; done && "
	    "openssl pkey -in device.key -aes256 -passout pass:sesame -out locked.key && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
	    "-keyout stranger.key -out "
	    "stranger.crt "
	    "-days 2 -subj /CN=stranger && cat stranger.crt stranger.key >stranger.pem",
	    b->dir);
	assert_int_equal(system(command), 0);
	free(command);
	port = free_port();
	ws_port = free_port();
	conf = xasprintf("%s/conf", b->dir);
	assert_int_equal(file_read(conf, 65536, &config, NULL), 0);
	/* The unix socket, which is waited for, comes last. */
	text = xasprintf(
	    "listener %d 127.0.0.1\nrequire_certificate true\n"
	    "cafile %s/ca.crt\ncertfile %s/server.crt\nkeyfile %s/server.key\n"
	    "listener %d 127.0.0.1\nprotocol websockets\n"
	    "require_certificate true\n"
	    "cafile %s/ca.crt\ncertfile %s/server.crt\nkeyfile %s/server.key\n%s",
	    port, b->dir, b->dir, b->dir, ws_port, b->dir, b->dir, b->dir,
	    buf_str(&config));
	assert_int_equal(file_write(conf, span_of(text), 0600, NULL), 0);
	buf_release(&config);
	free(text);
	free(conf);
	ca = slurp(b, "ca.crt");
	cert = slurp(b, "device.crt");
	key = slurp(b, "device.key");
	locked = slurp(b, "locked.key");
	stranger = slurp(b, "stranger.pem");
	broker_start(b);
	return 0;
}

static int
teardown(void **state)
{
	free(ca);
	free(cert);
	free(key);
	free(locked);
	free(stranger);
	return broker_teardown(state);
}

/* Connects; "" or the error, of session_new or of the connection, or that there was neither. */
static const char *
try(const struct session_opts *o)
{
	static struct rig r;

	r = (struct rig){.loop = loop_new(NULL), .stop_at_ups = 1};
	r.session = session_new(r.loop, o, &rig_events, &r, &r.ended);
	if (r.session != NULL) {
		session_start(r.session);
		rig_run(&r, 30000);
	}
	rig_finish(&r);
	if (r.ups == 0 && r.ended.text[0] == '\0')
		return "time is up";
	return r.ups > 0 ? "" : r.ended.text;
}

static struct session_opts
with(const char *cert_pem, const char *key_pem, const char *keypass)
{
	struct session_opts o = rig_to("127.0.0.1", port);

	o.tls = true;
	o.ca_pem = ca;
	o.cert_pem = cert_pem;
	o.key_pem = key_pem;
	o.keypass = keypass;
	return o;
}

static void
texts_connect(void **state)
{
	struct session_opts o = with(cert, key, NULL);
	char *both = xasprintf("%s%s", cert, key);

	(void)state;
	assert_string_equal(try(&o), "");
	o = with(cert, locked, "sesame");
	assert_string_equal(try(&o), "");
	o = with(both, NULL, NULL);
	assert_string_equal(try(&o), "");
	free(both);
}

static void
texts_connect_over_websocket(void **state)
{
	struct session_opts o = with(cert, locked, "sesame");

	(void)state;
	o.port = ws_port;
	o.ws_path = "/mqtt";
	assert_string_equal(try(&o), "");
	o.cert_pem = stranger;
	o.key_pem = NULL;
	assert_non_null(strstr(try(&o), "TLS: "));
}

static void
texts_that_cannot_be_used_are_told_before(void **state)
{
	struct session_opts o = with("no certificate", key, NULL);

	(void)state;
	assert_string_equal(
	    try(&o), "cannot use the PEM text of the client certificate: no start line");
	o = with(cert, "no key", NULL);
	assert_string_equal(
	    try(&o), "cannot use key 'PEM text': there is no private key in it");
	o = with(cert, locked, NULL);
	assert_string_equal(
	    try(&o), "cannot use key 'PEM text': it has a passphrase (--keypass-file)");
	o = with(cert, locked, "simsim");
	assert_string_equal(
	    try(&o), "cannot use key 'PEM text': its passphrase is another one");
	o = with(cert, stranger, NULL);
	assert_string_equal(try(&o), "cannot use key 'PEM text': key values mismatch");
	o = with(cert, key, NULL);
	o.ca_pem = "no CA";
	assert_string_equal(try(&o), "no CA certificate in the PEM text");
}

static void
the_broker_says_whom_it_takes(void **state)
{
	struct session_opts o = with(NULL, NULL, NULL);

	(void)state;
	assert_non_null(
	    strstr(try(&o), "TLS: the broker asked for a client certificate"));
	o = with(stranger, NULL, NULL);
	assert_non_null(strstr(try(&o), "TLS: "));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_connect),
	    cmocka_unit_test(texts_connect_over_websocket),
	    cmocka_unit_test(texts_that_cannot_be_used_are_told_before),
	    cmocka_unit_test(the_broker_says_whom_it_takes),
	};

	/* As program_start has it: the relay is this program again. */
	if (argc > 0 && strcmp(argv[0], WS_PROXY_NAME) == 0) {
		ws_proxy_run();
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
