/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/session.h"

#include "broker.h"

/* One session and what it told. */
struct seen {
	struct loop *loop;
	struct session *session;
	struct loop_timer limit;
	int ups, downs, ends, messages, published, granted;
	int stop_at_messages;
	size_t want_published;
	char last[256];
	struct err down, ended, subscribed;
};

static void
on_up(void *arg, bool present)
{
	struct seen *s = arg;

	(void)present;
	s->ups++;
}

static void
on_down(void *arg, const struct err *why)
{
	struct seen *s = arg;

	s->downs++;
	s->down = *why;
}

static void
on_ended(void *arg, const struct err *why)
{
	struct seen *s = arg;

	s->ends++;
	s->ended = *why;
	loop_stop(s->loop);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct seen *s = arg;

	snprintf(s->last, sizeof(s->last), "%.*s=%.*s/%d", (int)m->topic.n, m->topic.p,
	    (int)m->payload.n, m->payload.p, m->qos);
	if (++s->messages == s->stop_at_messages)
		loop_stop(s->loop);
}

static void
on_published(void *arg, int id, int reason)
{
	struct seen *s = arg;

	assert_true(id > 0);
	assert_int_equal(reason, 0);
	s->published++;
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct seen *s = arg;

	(void)filter;
	s->granted = qos;
	s->subscribed = *why;
	loop_stop(s->loop);
}

static const struct session_events events = {
    .up = on_up,
    .down = on_down,
    .ended = on_ended,
    .message = on_message,
    .published = on_published,
    .subscribed = on_subscribed,
};

static void
too_long(void *arg)
{
	struct seen *s = arg;

	print_message("# time is up: ups %d downs %d ends %d messages %d\n", s->ups,
	    s->downs, s->ends, s->messages);
	loop_stop(s->loop);
}

static void
run(struct seen *s, int64_t ms)
{
	loop_timer_set(s->loop, &s->limit, ms, too_long, s);
	assert_int_equal(loop_run(s->loop, NULL), 0);
	loop_timer_stop(&s->limit);
}

static void
begin(struct seen *s, const char *host, int port, bool hold)
{
	const struct session_opts opts = {.host = host,
	    .port = port,
	    .keepalive = 5,
	    .clean = true,
	    .connect_timeout = 3000,
	    .hold_acks = hold};
	struct err err = {0};

	s->loop = loop_new(&err);
	s->session = session_new(s->loop, &opts, &events, s, &err);
	assert_string_equal(err.text, "");
	session_start(s->session);
}

static void
finish(struct seen *s)
{
	session_free(s->session);
	loop_free(s->loop);
}

static void
stop_cleanly(struct seen *s)
{
	session_stop(s->session, 3000);
	run(s, 5000);
	assert_int_equal(s->ends, 1);
	assert_string_equal(s->ended.text, "");
	finish(s);
}

static void
messages_come_back(void **state)
{
	const struct broker *b = *state;
	struct seen s = {.stop_at_messages = 3};
	int qos, id;

	begin(&s, b->sock, 0, false);
	assert_int_equal(session_subscribe(s.session, "a/+", 2, false, NULL), 0);
	run(&s, 5000);
	assert_int_equal(s.granted, 2);
	for (qos = 0; qos < 3; qos++) {
		const struct session_pub p = {
		    .topic = "a/b", .payload = SPAN("hello"), .qos = qos};

		assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	}
	run(&s, 5000);
	assert_int_equal(s.messages, 3);
	assert_string_equal(s.last, "a/b=hello/2");
	stop_cleanly(&s);
	assert_int_equal(s.published, 3);
}

static void
offline_publications_are_sent_once(void **state)
{
	struct broker *b = *state;
	struct seen s = {0}, t = {.stop_at_messages = 30};
	const struct session_pub p = {.topic = "off", .payload = SPAN("x"), .qos = 1};
	const struct session_pub zero = {.topic = "off", .payload = SPAN("x")};
	struct err err = {0};
	int i, id;

	begin(&s, b->sock, 0, false);
	assert_int_equal(session_publish(s.session, &zero, &id, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	begin(&t, b->sock, 0, false);
	assert_int_equal(session_subscribe(t.session, "off", 1, false, NULL), 0);
	run(&t, 5000);
	for (i = 0; i < 30; i++)
		assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	assert_int_equal(session_unacknowledged(s.session), 30);
	stop_cleanly(&s);
	assert_int_equal(s.published, 30);
	run(&t, 5000);
	t.stop_at_messages = 0;
	run(&t, 300);
	assert_int_equal(t.messages, 30);
	stop_cleanly(&t);
}

static void
nobody_there(void **state)
{
	struct seen s = {0};

	(void)state;
	begin(&s, "127.0.0.1", 1, false);
	run(&s, 5000);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.ended.code, ERR_UNREACHABLE);
	assert_string_equal(
	    s.ended.text, "cannot reach broker '127.0.0.1:1': connection refused");
	finish(&s);
}

static void
no_such_socket(void **state)
{
	struct seen s = {0};

	(void)state;
	begin(&s, "/nonexistent/sock", 0, false);
	run(&s, 5000);
	assert_string_equal(s.ended.text,
	    "cannot reach broker '/nonexistent/sock': no such file or directory");
	finish(&s);
}

static void
no_such_host(void **state)
{
	struct seen s = {0};

	(void)state;
	begin(&s, "no-such-host.invalid", 1883, false);
	run(&s, 5000);
	assert_int_equal(s.ended.code, ERR_UNREACHABLE);
	assert_non_null(
	    strstr(s.ended.text, "cannot reach broker 'no-such-host.invalid:1883': "));
	finish(&s);
}

static void
freed_while_looking_up(void **state)
{
	struct seen s = {0};

	(void)state;
	begin(&s, "no-such-host.invalid", 1883, false);
	finish(&s);
}

static void
broker_restarts(void **state)
{
	struct broker *b = *state;
	struct seen s = {.stop_at_messages = 1};
	const struct session_pub p = {.topic = "again", .payload = SPAN("1"), .qos = 1};
	int id;

	begin(&s, b->sock, 0, false);
	assert_int_equal(session_subscribe(s.session, "again", 1, false, NULL), 0);
	run(&s, 5000);
	broker_stop(b);
	run(&s, 300);
	assert_int_equal(s.downs, 1);
	assert_non_null(strstr(s.down.text, "lost broker '"));
	assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	broker_start(b);
	run(&s, 20000);
	if (s.messages == 0)
		run(&s, 5000);
	assert_int_equal(s.ups, 2);
	assert_int_equal(s.downs, 1);
	assert_int_equal(s.messages, 1);
	stop_cleanly(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_come_back),
	    cmocka_unit_test(offline_publications_are_sent_once),
	    cmocka_unit_test(nobody_there),
	    cmocka_unit_test(no_such_socket),
	    cmocka_unit_test(no_such_host),
	    cmocka_unit_test(freed_while_looking_up),
	    cmocka_unit_test(broker_restarts),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
