/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several brokers, and several addresses of one: what goes on to the next, what ends it, and where the next round
 * begins. Tried with both users of a connector. */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/text.h"
#include "model/broker_address.h"
#include "loop/backoff.h"
#include "mqtt/consumer.h"
#include "rig.h"

enum { NODES = 3 };

/* A broker that answers CONNECT with these bytes, or, without any, not at all. */
struct node {
	struct loop *loop;
	struct loop_fd watch, client;
	int port, accepted;
	struct span answer;
	bool hangs;  /* no answer, and no end */
	bool closes; /* behind the answer */
};

static void
hang_up(struct node *n)
{
	if (n->client.loop == NULL || !n->client.on)
		return;
	loop_fd_stop(&n->client);
	close(n->client.fd);
}

static void
on_bytes(void *arg, unsigned ready)
{
	struct node *n = arg;
	char scrap[4096];
	ssize_t got = recv(n->client.fd, scrap, sizeof(scrap), MSG_DONTWAIT);

	(void)ready;
	if (got > 0 && n->hangs)
		return;
	if (got > 0 && (scrap[0] & 0xf0) == 0x10 && n->answer.n > 0)
		send(n->client.fd, n->answer.p, n->answer.n, MSG_NOSIGNAL);
	if (got <= 0 || n->closes || n->answer.n == 0)
		hang_up(n);
}

static void
on_connection(void *arg, unsigned ready)
{
	struct node *n = arg;
	int fd = accept(n->watch.fd, NULL, NULL);

	(void)ready;
	if (fd < 0)
		return;
	hang_up(n);
	n->accepted++;
	loop_fd_start(n->loop, &n->client, fd, LOOP_READ, on_bytes, n, NULL);
}

static void
node_start(struct node *n, struct loop *loop)
{
	n->loop = loop;
	loop_fd_start(loop, &n->watch, rig_listen(&n->port, true), LOOP_READ,
	    on_connection, n, NULL);
}

static void
node_stop(struct node *n)
{
	hang_up(n);
	loop_fd_stop(&n->watch);
	close(n->watch.fd);
}

#define ACCEPTS SPAN("\x20\x03\x00\x00\x00")
#define ACCEPTS_V3 SPAN("\x20\x02\x00\x00")
#define REFUSES(code) SPAN("\x20\x03\x00" code "\x00")

/* One user of a connector, to all these nodes in their order. */
struct trial {
	struct rig rig;
	struct consumer *consumer; /* else a session */
	struct node nodes[NODES];
	struct broker_address others[NODES - 1];
	struct session_opts opts;
};

static void
on_up(void *arg, bool present)
{
	rig_on_up(arg, present);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	(void)arg;
	(void)m;
	(void)n;
	(void)token;
}

static void
trial_open(struct trial *t)
{
	size_t i;

	t->rig.loop = loop_new(NULL);
	t->rig.stop_at_ups = 1;
	for (i = 0; i < NODES; i++)
		node_start(&t->nodes[i], t->rig.loop);
	for (i = 0; i + 1 < NODES; i++)
		t->others[i] = (struct broker_address){
		    .host = "127.0.0.1", .port = t->nodes[i + 1].port};
	t->opts = rig_to("127.0.0.1", t->nodes[0].port);
	t->opts.version = 5;
	t->opts.connect_timeout = 3000;
	t->opts.others = t->others;
	t->opts.others_n = NODES - 1;
}

static void
trial_start(struct trial *t, bool consumer, const char *filter)
{
	static const struct consumer_events events = {
	    .batch = on_batch, .up = on_up, .down = rig_on_down, .ended = rig_on_ended};
	const struct consumer_filter filters[] = {{filter, .qos = 0}};
	struct err err = {0};

	if (!consumer) {
		rig_begin(&t->rig, &t->opts);
		return;
	}
	t->consumer = consumer_new(t->rig.loop, &t->opts, filters, 1, &events, t, &err);
	assert_string_equal(err.text, "");
	consumer_start(t->consumer);
}

static void
trial_close(struct trial *t)
{
	size_t i;

	consumer_free(t->consumer);
	session_free(t->rig.session);
	for (i = 0; i < NODES; i++)
		node_stop(&t->nodes[i]);
	loop_free(t->rig.loop);
}

static void
each_failure_goes_on_to_the_next(void **state)
{
	static const struct {
		struct span answer;
		bool hangs;
		int version;
	} bad[] = {
	    {SPAN(""), true, 5},           /* a node that hangs */
	    {SPAN(""), false, 5},          /* a balancer with nobody behind it */
	    {SPAN("HTTP/1.1 "), false, 5}, /* no MQTT at all */
	    {REFUSES("\x88"), false, 5},
	    {REFUSES("\x89"), false, 5},
	    {REFUSES("\x86"), false, 5}, /* refused for good, by this one */
	    {REFUSES("\x8a"), false, 5},
	    {SPAN("\x20\x02\x00\x03"), false, 4},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(bad); i++) {
		struct trial t = {0};

		trial_open(&t);
		t.opts.version = bad[i / 2].version;
		t.nodes[0].answer = t.nodes[1].answer = bad[i / 2].answer;
		t.nodes[0].hangs = t.nodes[1].hangs = bad[i / 2].hangs;
		t.nodes[2].answer = t.opts.version == 5 ? ACCEPTS : ACCEPTS_V3;
		trial_start(&t, i % 2 == 0, "t");
		rig_run(&t.rig, 10000);
		print_message("# case %zu: %s\n", i, t.rig.ended.text);
		assert_int_equal(t.rig.ups, 1);
		assert_int_equal(t.rig.downs + t.rig.ends, 0);
		assert_int_equal(t.nodes[0].accepted, 1);
		assert_int_equal(t.nodes[1].accepted, 1);
		if (t.consumer != NULL)
			assert_int_equal(
			    atoi(strchr(consumer_broker(t.consumer), ':') + 1),
			    t.nodes[2].port);
		trial_close(&t);
	}
}

/* What is told is what got furthest. */
static void
all_fail(const struct span answers[static NODES], bool retry, bool ends,
    enum err_code code, const char *text)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct trial t = {0};
		size_t n;

		trial_open(&t);
		for (n = 0; n < NODES; n++)
			t.nodes[n].answer = answers[n];
		t.opts.retry = retry;
		t.opts.fleet = 100000; /* no second round within the test */
		t.rig.stop_at_downs = 1;
		trial_start(&t, i == 0, "t");
		rig_run(&t.rig, 10000);
		if (!ends)
			rig_run(&t.rig, 100); /* nothing more comes */
		assert_int_equal(t.rig.ends, ends);
		assert_int_equal(t.rig.downs, !ends);
		assert_int_equal((ends ? t.rig.ended : t.rig.down).code, code);
		print_message("# %s\n", (ends ? t.rig.ended : t.rig.down).text);
		assert_non_null(strstr((ends ? t.rig.ended : t.rig.down).text, text));
		for (n = 0; n < NODES; n++)
			assert_int_equal(t.nodes[n].accepted, 1);
		trial_close(&t);
	}
}

static void
a_round_ends_for_good_when_each_refused_so(void **state)
{
	const struct span final[] = {REFUSES("\x86"), REFUSES("\x8a"), REFUSES("\x85")};
	const struct span mixed[] = {SPAN(""), REFUSES("\x86"), REFUSES("\x89")};
	const struct span passing[] = {REFUSES("\x88"), SPAN(""), REFUSES("\x89")};

	(void)state;
	all_fail(final, true, true, ERR_AUTH, "refused the login: bad user name");
	all_fail(mixed, false, true, ERR_AUTH, "refused the login: bad user name");
	all_fail(mixed, true, false, ERR_AUTH, "refused the login: bad user name");
	all_fail(passing, true, false, ERR_UNREACHABLE, "it is not available now");
}

static void
the_next_round_begins_behind_the_bad_one(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct trial t = {0};

		trial_open(&t);
		t.nodes[0].answer = t.nodes[1].answer = t.nodes[2].answer = ACCEPTS;
		t.nodes[0].closes = true;
		t.rig.stop_at_ups = 2;
		trial_start(&t, i == 0, "t");
		rig_run(&t.rig, 10000);
		assert_int_equal(t.rig.ups, 2);
		assert_int_equal(t.nodes[0].accepted, 1);
		assert_int_equal(t.nodes[1].accepted, 1);
		assert_int_equal(t.nodes[2].accepted, 0);
		trial_close(&t);
	}
}

static void
members_of_a_group_begin_anywhere(void **state)
{
	int first[NODES] = {0}, i, n;

	(void)state;
	for (i = 0; i < 60; i++) {
		struct trial t = {0};

		trial_open(&t);
		for (n = 0; n < NODES; n++)
			t.nodes[n].answer = ACCEPTS;
		trial_start(&t, true, "$share/g/t");
		rig_run(&t.rig, 10000);
		assert_int_equal(t.rig.ups, 1);
		for (n = 0; n < NODES; n++)
			first[n] += t.nodes[n].accepted;
		trial_close(&t);
	}
	/* A chance of 10^-10 that one of three is left out. */
	assert_true(first[0] > 0 && first[1] > 0 && first[2] > 0);
}

static void
each_new_reason_is_told_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct trial t = {0};

		trial_open(&t);
		t.opts.others_n = 0;
		t.opts.retry = true;
		t.nodes[0].answer = REFUSES("\x88");
		trial_start(&t, i == 0, "t");
		while (t.nodes[0].accepted < 2)
			rig_run(&t.rig, 100);
		assert_int_equal(t.rig.downs, 1);
		assert_non_null(strstr(t.rig.down.text, "it is not available now"));
		t.nodes[0].answer = REFUSES("\x89");
		while (t.nodes[0].accepted < 4)
			rig_run(&t.rig, 100);
		assert_int_equal(t.rig.downs, 2);
		assert_non_null(strstr(t.rig.down.text, "it is busy"));
		trial_close(&t);
	}
}

/* In place of the library's: what comes behind a wait is tested here, not how long it is. A fleet's outlasts the
 * test. */
int64_t
backoff_next(struct backoff *b, int fleet)
{
	b->failures++;
	return fleet > 1 ? BACKOFF_MOST : 50;
}

/* Neither a random id nor a login that was given leaves another client as the suspect. */
static void
closings_are_read_right(void **state)
{
	static const struct {
		struct span answer;
		const char *id, *username, *text;
		enum err_code code;
	} cases[] = {
	    {SPAN(""), NULL, "u", ": it closed the connection (wrong login?)",
		ERR_UNREACHABLE},
	    {SPAN(""), NULL, NULL, ": it closed the connection", ERR_UNREACHABLE},
	    {ACCEPTS, NULL, NULL,
		": it closed the connection, 5 times in a row (wrong login?)",
		ERR_PROTOCOL},
	    {ACCEPTS, "c", "u",
		": it closed the connection, 5 times in a row: is there another client "
		"with the id 'c', or something that its login may not do?",
		ERR_PROTOCOL},
	    {SPAN("\x20\x03\x00\x00\x00\xe0\x01\x87"), "c", "u",
		"closed the connection: not allowed any more", ERR_AUTH},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct trial t = {0};
		const char *text = cases[i / 2].text;

		trial_open(&t);
		t.rig.stop_at_ups = 0;
		t.opts.others_n = 0;
		t.opts.client_id = cases[i / 2].id;
		t.opts.username = cases[i / 2].username;
		t.nodes[0].answer = cases[i / 2].answer;
		t.nodes[0].closes = true;
		trial_start(&t, i % 2 == 0, "t");
		rig_run(&t.rig, 60000);
		print_message("# %s\n", t.rig.ended.text);
		assert_int_equal(t.rig.ended.code, cases[i / 2].code);
		assert_true(strlen(t.rig.ended.text) > strlen(text));
		assert_string_equal(
		    t.rig.ended.text + strlen(t.rig.ended.text) - strlen(text), text);
		trial_close(&t);
	}
}

/* A name with two addresses, of which AI_ADDRCONFIG would leave both out on a machine that has no address yet. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

	if (strcmp(node, "two.invalid") != 0 ||
	    (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0))
		return real(node, service, hints, out);
	if (hints != NULL && (hints->ai_flags & AI_ADDRCONFIG) != 0)
		return EAI_AGAIN;
	assert_int_equal(real("127.0.0.1", service, hints, out), 0);
	return real("127.0.0.2", service, hints, &(*out)->ai_next);
}

/* A descriptor, or -1: somebody else has that port. */
static int
listen_at(const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), bound;

	inet_pton(AF_INET, address, &a.sin_addr);
	bound = bind(fd, (struct sockaddr *)&a, sizeof(a));
	if (bound != 0 && errno == EADDRINUSE) {
		close(fd);
		return -1;
	}
	assert_int_equal(bound, 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* The first of its addresses takes connections and closes them; the second accepts, and closes the first one. */
static void
each_address_of_a_name_is_tried(void **state)
{
	struct trial t = {0};
	struct node second = {.answer = ACCEPTS, .closes = true};
	int fd;

	(void)state;
	trial_open(&t);
	while ((fd = listen_at("127.0.0.2", t.nodes[0].port)) < 0) {
		node_stop(&t.nodes[0]);
		node_start(&t.nodes[0], t.rig.loop);
	}
	second.loop = t.rig.loop;
	loop_fd_start(
	    t.rig.loop, &second.watch, fd, LOOP_READ, on_connection, &second, NULL);
	t.opts.host = "two.invalid";
	t.opts.port = t.nodes[0].port;
	t.opts.others_n = 0;
	trial_start(&t, true, "t");
	rig_run(&t.rig, 10000);
	assert_string_equal(t.rig.ended.text, "");
	assert_int_equal(t.rig.ups, 1);
	assert_string_equal(consumer_address(t.consumer), "127.0.0.2");
	assert_int_equal(t.nodes[0].accepted, 1);
	t.nodes[0].answer = ACCEPTS;
	t.rig.stop_at_ups = 2;
	rig_run(&t.rig, 10000);
	assert_int_equal(t.rig.ups, 2);
	assert_string_equal(consumer_address(t.consumer), "127.0.0.1");
	assert_non_null(strstr(t.rig.down.text, "' at 127.0.0.2: it closed"));
	node_stop(&second);
	trial_close(&t);
}

/* It got as far as none other. */
static void
what_there_is_no_way_to_is_not_told(void **state)
{
	struct trial t = {0};

	(void)state;
	trial_open(&t);
	node_stop(&t.nodes[0]);
	t.others[0].host = "255.255.255.255"; /* unreachable at once */
	t.opts.others_n = 1;
	trial_start(&t, true, "t");
	rig_run(&t.rig, 10000);
	assert_int_equal(t.rig.ends, 1);
	print_message("# %s\n", t.rig.ended.text);
	assert_non_null(strstr(t.rig.ended.text, "connection refused"));
	node_start(&t.nodes[0], t.rig.loop);
	trial_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_failure_goes_on_to_the_next),
	    cmocka_unit_test(a_round_ends_for_good_when_each_refused_so),
	    cmocka_unit_test(the_next_round_begins_behind_the_bad_one),
	    cmocka_unit_test(closings_are_read_right),
	    cmocka_unit_test(each_new_reason_is_told_once),
	    cmocka_unit_test(members_of_a_group_begin_anywhere),
	    cmocka_unit_test(each_address_of_a_name_is_tried),
	    cmocka_unit_test(what_there_is_no_way_to_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
