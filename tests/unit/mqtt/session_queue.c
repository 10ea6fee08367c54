/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QoS 0 past libmosquitto, seen by a broker on the same loop that reads when it is told to. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "mqtt/packet.h"
#include "mqtt/session_int.h"
#include "rig.h"

struct world {
	struct rig rig;
	struct span connack;
	int listener, fd, connects;
	struct loop_fd listening, reading;
	struct buf in;
};

static void
on_bytes(void *arg, unsigned what)
{
	struct world *w = arg;
	ssize_t n = recv(w->fd, buf_reserve(&w->in, 65536), 65536, MSG_DONTWAIT);

	(void)what;
	if (n > 0)
		w->in.n += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		loop_fd_stop(&w->reading);
}

/* CONNECT is short: it comes whole. Afterwards nothing is read. */
static void
on_connect(void *arg, unsigned what)
{
	struct world *w = arg;
	char first[512];

	(void)what;
	assert_true(recv(w->fd, first, sizeof(first), 0) > 0);
	assert_int_equal(first[0], 0x10);
	assert_int_equal(send(w->fd, w->connack.p, w->connack.n, 0), w->connack.n);
	w->connects++;
	loop_fd_stop(&w->reading);
}

static void
on_client(void *arg, unsigned what)
{
	struct world *w = arg;

	(void)what;
	w->fd = accept(w->listener, NULL, NULL);
	loop_fd_start(w->rig.loop, &w->reading, w->fd, LOOP_READ, on_connect, w, NULL);
}

static void
begin(struct world *w, struct span connack, int version)
{
	const int small = 4096;
	struct session_opts o = rig_to("127.0.0.1", 0);

	*w = (struct world){.rig = {.loop = loop_new(NULL), .stop_at_ups = 1},
	    .connack = connack,
	    .fd = -1};
	w->listener = rig_listen(&o.port, true);
	setsockopt(w->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	loop_fd_start(
	    w->rig.loop, &w->listening, w->listener, LOOP_READ, on_client, w, NULL);
	o.keepalive = 60;
	o.version = version;
	rig_begin(&w->rig, &o);
	rig_run(&w->rig, 5000);
	assert_int_equal(w->rig.ups, 1);
}

static void
read_on(struct world *w)
{
	loop_fd_start(w->rig.loop, &w->reading, w->fd, LOOP_READ, on_bytes, w, NULL);
}

static void
finish(struct world *w)
{
	assert_int_equal(w->rig.disorder, 0);
	assert_string_equal(w->rig.ended.text, "");
	loop_fd_stop(&w->listening);
	loop_fd_stop(&w->reading);
	close(w->listener);
	close(w->fd);
	buf_release(&w->in);
	rig_finish(&w->rig);
}

static void
publish(struct world *w, struct span payload, int qos, bool retain)
{
	const struct session_pub p = {
	    .topic = "a/b", .payload = payload, .qos = qos, .retain = retain};
	int id;

	assert_int_equal(session_publish(w->rig.session, &p, &id, NULL), 0);
}

/* What has arrived without the loop. */
static void
take_now(struct world *w)
{
	on_bytes(w, LOOP_READ);
}

/* Takes the first packet out, which must be a PUBLISH; false: there is none. */
static bool
next_publish(struct world *w, int version, struct msg *m, struct span *props)
{
	static char packet[8192];
	struct packet f;

	if (packet_read(&f, w->in.p, w->in.n) != 1 || w->in.n < f.head + f.body)
		return false;
	assert_true(f.body <= sizeof(packet));
	assert_int_equal(f.type, PACKET_PUBLISH);
	memcpy(packet, w->in.p + f.head, f.body);
	buf_shift(&w->in, f.head + f.body);
	*m = (struct msg){0};
	assert_int_equal(
	    packet_publish(m, props, &f, (struct span){packet, f.body}, version),
	    PACKET_OK);
	return true;
}

static void
expect(struct world *w, int version, const char *payload, int qos, bool retain)
{
	struct msg m;
	struct span props;

	assert_true(next_publish(w, version, &m, &props));
	assert_true(span_is(m.topic, "a/b"));
	assert_true(span_is(m.payload, payload));
	assert_int_equal(m.qos, qos);
	assert_int_equal(m.retain, retain);
	assert_int_equal(props.n, 0);
}

static const char plain_5[] = "\x20\x03\0\0\0", plain_4[] = "\x20\x02\0\0";

static void
it_is_on_the_wire_at_once_and_told_later(void **state)
{
	const struct span acks[] = {{plain_4, 4}, {plain_5, 5}};
	struct world w;
	int version;

	(void)state;
	for (version = 4; version <= 5; version++) {
		begin(&w, acks[version - 4], version);
		publish(&w, SPAN("one"), 0, false);
		publish(&w, SPAN(""), 0, true);
		take_now(&w);
		expect(&w, version, "one", 0, false);
		expect(&w, version, "", 0, true);
		assert_int_equal(w.rig.published, 0);
		rig_run(&w.rig, 20);
		assert_int_equal(w.rig.published, 2);
		finish(&w);
	}
}

static void
a_long_one_has_a_length_of_two_bytes(void **state)
{
	char text[301];
	struct world w;

	(void)state;
	memset(text, 'x', 300);
	text[300] = '\0';
	begin(&w, (struct span){plain_5, 5}, 5);
	publish(&w, span_of(text), 0, false);
	take_now(&w);
	expect(&w, 5, text, 0, false);
	finish(&w);
}

static void
the_order_is_that_of_the_calls(void **state)
{
	struct world w;

	(void)state;
	begin(&w, (struct span){plain_5, 5}, 5);
	publish(&w, SPAN("1"), 0, false);
	publish(&w, SPAN("2"), 1, false);
	publish(&w, SPAN("3"), 0, false);
	read_on(&w);
	rig_run(&w.rig, 50);
	expect(&w, 5, "1", 0, false);
	expect(&w, 5, "2", 1, false);
	expect(&w, 5, "3", 0, false);
	assert_int_equal(w.rig.published, 2);
	assert_int_equal(session_unacknowledged(w.rig.session), 1);
	finish(&w);
}

/* Numbered messages until one is only half on its way, and a few behind it. */
static int
overfill(struct world *w)
{
	enum { MOST = 20000, BEHIND = 5 };
	char text[3001];
	int n, left = BEHIND;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (n = 0; n < MOST && left > 0; n++) {
		int digits = sprintf(text, "%d", n);

		text[digits] = 'x';
		publish(w, span_of(text), 0, false);
		left -= session_queue_has_rest(w->rig.session);
	}
	assert_true(session_queue_has_rest(w->rig.session));
	return n;
}

static void
what_the_socket_does_not_take_goes_first_later(void **state)
{
	struct world w;
	struct msg m;
	struct span props;
	int n, i;

	(void)state;
	begin(&w, (struct span){plain_5, 5}, 5);
	n = overfill(&w);
	rig_run(&w.rig, 20);
	assert_int_equal(w.rig.published, 0);
	read_on(&w);
	session_stop(w.rig.session, 10000);
	rig_run(&w.rig, 10000);
	assert_int_equal(w.rig.ends, 1);
	assert_int_equal(w.rig.published, n);
	for (i = 0; i < n; i++) {
		assert_true(next_publish(&w, 5, &m, &props));
		assert_int_equal(m.payload.n, 3000);
		assert_int_equal(strtol(m.payload.p, NULL, 10), i);
	}
	print_message("# %d messages\n", n);
	finish(&w);
}

/* The next connection begins with CONNECT, which on_client looks at. */
static void
half_of_one_is_lost_with_its_connection(void **state)
{
	struct world w;
	int n;

	(void)state;
	begin(&w, (struct span){plain_5, 5}, 5);
	n = overfill(&w);
	close(w.fd);
	w.fd = -1;
	w.rig.stop_at_ups = 2;
	rig_run(&w.rig, 20000);
	assert_int_equal(w.rig.ups, 2);
	assert_int_equal(w.connects, 2);
	assert_int_equal(w.rig.published + w.rig.lost, n);
	assert_true(w.rig.lost >= 6);
	publish(&w, SPAN("again"), 0, false);
	take_now(&w);
	expect(&w, 5, "again", 0, false);
	finish(&w);
}

/* CONNACK has a Maximum Packet Size of 64: libmosquitto refuses what is larger. */
static void
what_the_broker_does_not_take_is_refused(void **state)
{
	static const char connack[] = "\x20\x08\0\0\x05\x27\0\0\0\x40";
	struct world w;

	(void)state;
	begin(&w, (struct span){connack, 10}, 5);
	publish(&w, SPAN("0123456789012345678901234567890123456789012345678901234567890"),
	    0, false);
	rig_run(&w.rig, 20);
	assert_int_equal(w.rig.lost, 1);
	publish(&w, SPAN("fits"), 0, false);
	take_now(&w);
	expect(&w, 5, "fits", 0, false);
	assert_int_equal(w.in.n, 0);
	finish(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_on_the_wire_at_once_and_told_later),
	    cmocka_unit_test(a_long_one_has_a_length_of_two_bytes),
	    cmocka_unit_test(the_order_is_that_of_the_calls),
	    cmocka_unit_test(what_the_socket_does_not_take_goes_first_later),
	    cmocka_unit_test(half_of_one_is_lost_with_its_connection),
	    cmocka_unit_test(what_the_broker_does_not_take_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
