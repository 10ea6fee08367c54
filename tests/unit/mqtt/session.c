/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/session.h"

#include "broker.h"
#include "rig.h"

static void
begin(struct rig *s, const char *host, int port)
{
	const struct session_opts opts = rig_to(host, port);

	rig_begin(s, &opts);
}

static void
messages_come_back(void **state)
{
	const struct broker *b = *state;
	struct rig s = {.stop_at_messages = 3};
	int qos, id;

	begin(&s, b->sock, 0);
	assert_int_equal(session_subscribe(s.session, "a/+", 2, false, NULL), 0);
	rig_run(&s, 5000);
	assert_int_equal(s.granted, 2);
	for (qos = 0; qos < 3; qos++) {
		const struct session_pub p = {
		    .topic = "a/b", .payload = SPAN("hello"), .qos = qos};

		assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	}
	rig_run(&s, 5000);
	assert_int_equal(s.messages, 3);
	assert_string_equal(s.last, "a/b=hello/2");
	rig_stop(&s);
	assert_int_equal(s.published, 3);
}

static void
offline_publications_are_sent_once(void **state)
{
	struct broker *b = *state;
	struct rig s = {0}, t = {.stop_at_messages = 30};
	const struct session_pub p = {.topic = "off", .payload = SPAN("x"), .qos = 1};
	const struct session_pub zero = {.topic = "off", .payload = SPAN("x")};
	struct err err = {0};
	int i, id;

	begin(&s, b->sock, 0);
	assert_int_equal(session_publish(s.session, &zero, &id, &err), -1);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	begin(&t, b->sock, 0);
	assert_int_equal(session_subscribe(t.session, "off", 1, false, NULL), 0);
	rig_run(&t, 5000);
	for (i = 0; i < 30; i++)
		assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	assert_int_equal(session_unacknowledged(s.session), 30);
	rig_stop(&s);
	assert_int_equal(s.published, 30);
	rig_run(&t, 5000);
	t.stop_at_messages = 0;
	rig_run(&t, 300);
	assert_int_equal(t.messages, 30);
	rig_stop(&t);
}

static void
nobody_there(void **state)
{
	struct rig s = {0};

	(void)state;
	begin(&s, "127.0.0.1", 1);
	rig_run(&s, 5000);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.ended.code, ERR_UNREACHABLE);
	assert_string_equal(
	    s.ended.text, "cannot reach broker '127.0.0.1:1': connection refused");
	rig_finish(&s);
}

static void
no_such_socket(void **state)
{
	struct rig s = {0};

	(void)state;
	begin(&s, "/nonexistent/sock", 0);
	rig_run(&s, 5000);
	assert_string_equal(s.ended.text,
	    "cannot reach broker '/nonexistent/sock': no such file or directory");
	rig_finish(&s);
}

static void
no_such_host(void **state)
{
	struct rig s = {0};

	(void)state;
	begin(&s, "no-such-host.invalid", 1883);
	rig_run(&s, 5000);
	assert_int_equal(s.ended.code, ERR_UNREACHABLE);
	assert_non_null(
	    strstr(s.ended.text, "cannot reach broker 'no-such-host.invalid:1883': "));
	rig_finish(&s);
}

static void
freed_while_looking_up(void **state)
{
	struct rig s = {0};

	(void)state;
	begin(&s, "no-such-host.invalid", 1883);
	rig_finish(&s);
}

static void
broker_restarts(void **state)
{
	struct broker *b = *state;
	struct rig s = {.stop_at_messages = 1};
	const struct session_pub p = {.topic = "again", .payload = SPAN("1"), .qos = 1};
	int id;

	begin(&s, b->sock, 0);
	assert_int_equal(session_subscribe(s.session, "again", 1, false, NULL), 0);
	rig_run(&s, 5000);
	broker_stop(b);
	rig_run(&s, 300);
	assert_true(s.downs >= 1); /* more, when it could not be reached since */
	assert_true(s.downs > 1 || strstr(s.down.text, "lost broker '") != NULL);
	assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	broker_start(b);
	rig_run(&s, 20000);
	if (s.messages == 0)
		rig_run(&s, 5000);
	assert_int_equal(s.ups, 2);
	assert_int_equal(s.messages, 1);
	rig_stop(&s);
}

/* With nothing to be sent it does not wait for a broker. */
static void
ends_at_once_without_anything(void **state)
{
	struct broker *b = *state;
	struct rig s = {.stop_at_ups = 1};

	begin(&s, b->sock, 0);
	rig_run(&s, 5000);
	broker_stop(b);
	rig_run(&s, 300);
	session_stop(s.session, 100000);
	rig_run(&s, 10000);
	assert_int_equal(s.ends, 1);
	assert_string_equal(s.ended.text, "");
	rig_finish(&s);
	broker_start(b);
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
	    cmocka_unit_test(ends_at_once_without_anything),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
