/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sessions count on that libmosquitto does not promise (session_mosq.c names it), with the one that this is
 * run with: LD_LIBRARY_PATH=DIRECTORY has it be another. One descriptor a session is connecting.c's, publications
 * past its queue are session_queue.c's. */
#include <errno.h>
#include <mosquitto.h>
#include <signal.h>
#include <sys/un.h>

#include "mqtt/packet.h"
#include "rig.h"

enum { MANY = 100 };

/* A broker of one connection at a time, on the session's loop. */
struct fake {
	struct rig rig;
	struct loop_fd listening, client;
	int fd, port;
	bool open; /* client is */
	const struct span *
	    connacks; /* of its connections, one each; of no bytes: the last was for the others, too */
	struct span behind; /* sent right behind CONNACK */
	int connections, pubacks, pings;
	int stop_at_pubacks, stop_at_pings;
	struct buf in, connect; /* unread bytes; the last CONNECT */
};

static void
say(struct fake *f, struct span bytes)
{
	assert_int_equal(send(f->client.fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
}

static void
greet(struct fake *f, struct span packet)
{
	struct buf out = {0};

	buf_clear(&f->connect);
	buf_span(&f->connect, packet);
	buf_span(&out, f->connacks[0]);
	buf_span(&out, f->behind);
	if (f->connacks[1].n > 0)
		f->connacks++;
	say(f, buf_as_span(&out));
	buf_release(&out);
}

static void
take_packet(struct fake *f, unsigned type, struct span packet)
{
	if (type == PACKET_CONNECT)
		greet(f, packet);
	if (type == PACKET_PUBACK && ++f->pubacks == f->stop_at_pubacks)
		loop_stop(f->rig.loop);
	if (type == PACKET_PINGREQ) {
		say(f, (struct span){"\xd0\x00", 2});
		if (++f->pings == f->stop_at_pings)
			loop_stop(f->rig.loop);
	}
}

static void
hang_up(struct fake *f)
{
	const int fd = f->client.fd;

	if (!f->open)
		return;
	f->open = false;
	loop_fd_stop(&f->client);
	close(fd);
	buf_clear(&f->in);
}

static void
on_bytes(void *arg, unsigned ready)
{
	struct fake *f = arg;
	struct packet p;
	char bytes[4096];
	const ssize_t n = recv(f->client.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)ready;
	if (n <= 0) {
		hang_up(f);
		return;
	}
	buf_put(&f->in, bytes, (size_t)n);
	while (packet_read(&p, f->in.p, f->in.n) == 1 && f->in.n >= p.head + p.body) {
		take_packet(f, p.type, (struct span){f->in.p, p.head + p.body});
		buf_shift(&f->in, p.head + p.body);
	}
}

static void
on_connection(void *arg, unsigned ready)
{
	struct fake *f = arg;
	const int fd = accept(f->fd, NULL, NULL);

	(void)ready;
	if (fd < 0)
		return;
	hang_up(f);
	f->connections++;
	f->open = true;
	loop_fd_start(f->rig.loop, &f->client, fd, LOOP_READ, on_bytes, f, NULL);
}

static struct session_opts
begin(struct fake *f, const struct span *connacks)
{
	f->connacks = connacks;
	f->rig.loop = loop_new(NULL);
	f->fd = rig_listen(&f->port, true);
	loop_fd_start(
	    f->rig.loop, &f->listening, f->fd, LOOP_READ, on_connection, f, NULL);
	return rig_to("127.0.0.1", f->port);
}

static void
finish(struct fake *f)
{
	session_free(f->rig.session);
	hang_up(f);
	loop_fd_stop(&f->listening);
	close(f->fd);
	loop_free(f->rig.loop);
	buf_release(&f->in);
	buf_release(&f->connect);
}

/* Of the last CONNECT, with a head of two bytes: version and properties (3.1.2). */
static int
version_asked(const struct fake *f)
{
	return f->connect.p[8];
}

static bool
asked(const struct fake *f, struct span property)
{
	const struct span all = {f->connect.p + 13, (unsigned char)f->connect.p[12]};

	return memmem(all.p, all.n, property.p, property.n) != NULL;
}

static const struct span accepted[] = {SPAN("\x20\x03\x00\x00\x00"), {0}};

/* A call that fails leaves them behind: session_mosq.c:leave_properties. */
static void
connect_has_its_properties_each_time(void **state)
{
	struct fake f = {.rig.stop_at_ups = 1};
	struct session_opts o = begin(&f, accepted);
	int i;

	(void)state;
	o.clean = false;
	o.client_id = "kept";
	o.session_expiry = 3600;
	rig_begin(&f.rig, &o);
	for (i = 1; i <= 2; i++) {
		f.rig.stop_at_ups = i;
		rig_run(&f.rig, 10000);
		assert_int_equal(f.rig.ups, i);
		assert_int_equal(version_asked(&f), 5);
		assert_true(asked(&f, SPAN("\x11\x00\x00\x0e\x10")));
		assert_true(asked(&f, SPAN("\x27\x00\x10\x00\x00")));
		assert_true(asked(&f, SPAN("\x21\x03\xe8")));
		shutdown(f.client.fd, SHUT_RDWR);
	}
	finish(&f);
}

/* And one who goes on with 3.1.1 has none of them. */
static void
a_connack_of_3_1_1_is_a_refusal_of_5(void **state)
{
	static const struct span answers[][3] = {
	    {SPAN("\x20\x02\x00\x01"), SPAN("\x20\x02\x00\x00"), {0}},
	    {SPAN("\x20\x02\x00\x00"), SPAN("\x20\x02\x00\x00"), {0}},
	    {SPAN("\x20\x03\x00\x84\x00"), SPAN("\x20\x02\x00\x00"), {0}}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct fake f = {.rig.stop_at_ups = 1};
		struct session_opts o = begin(&f, answers[i]);

		o.clean = false;
		o.client_id = "kept";
		o.session_expiry = 3600;
		rig_begin(&f.rig, &o);
		rig_run(&f.rig, 10000);
		assert_int_equal(f.rig.ups, 1);
		assert_int_equal(f.connections, 2);
		assert_int_equal(version_asked(&f), 4);
		assert_int_equal(session_version(f.rig.session), 4);
		finish(&f);
	}
}

static void
put_messages(struct buf *out)
{
	int i;

	for (i = 1; i <= MANY; i++) {
		buf_put(out, "\x32\x07\x00\x01m\x00", 6);
		buf_putc(out, (char)i);
		buf_put(out, "\x00x", 2);
	}
}

/* 2.1 reads ahead: what it has read shows on no socket. */
static void
what_comes_with_connack_is_all_told(void **state)
{
	struct fake f = {.rig.stop_at_messages = MANY, .stop_at_pubacks = MANY};
	struct session_opts o = begin(&f, accepted);
	struct buf messages = {0};

	(void)state;
	put_messages(&messages);
	f.behind = buf_as_span(&messages);
	rig_begin(&f.rig, &o);
	rig_run(&f.rig, 10000);
	assert_int_equal(f.rig.messages, MANY);
	if (f.pubacks < MANY)
		rig_run(&f.rig, 10000);
	assert_int_equal(f.pubacks, MANY);
	buf_release(&messages);
	finish(&f);
}

/* mosquitto_threaded_set: nothing is written but by mosquitto_loop_write. */
static void
acknowledgements_wait_until_they_are_released(void **state)
{
	struct fake f = {.rig.stop_at_messages = MANY};
	struct session_opts o = begin(&f, accepted);
	struct buf messages = {0};

	(void)state;
	put_messages(&messages);
	f.behind = buf_as_span(&messages);
	o.hold_acks = true;
	rig_begin(&f.rig, &o);
	rig_run(&f.rig, 10000);
	assert_int_equal(f.rig.messages, MANY);
	rig_run(&f.rig, 300);
	assert_int_equal(f.pubacks, 0);
	session_release_acks(f.rig.session);
	f.stop_at_pubacks = MANY;
	rig_run(&f.rig, 10000);
	assert_int_equal(f.pubacks, MANY);
	buf_release(&messages);
	finish(&f);
}

static void
release_the_first(void *arg, const struct msg *m)
{
	struct fake *f = arg;

	rig_on_message(&f->rig, m);
	if (f->rig.messages == 1)
		session_release_acks(f->rig.session);
}

/* One read may bring many messages. */
static void
a_release_is_not_for_what_comes_later(void **state)
{
	static const struct session_events events = {
	    .up = rig_on_up, .message = release_the_first};
	struct fake f = {.rig.stop_at_messages = MANY};
	struct session_opts o = begin(&f, accepted);
	struct buf messages = {0};

	(void)state;
	put_messages(&messages);
	f.behind = buf_as_span(&messages);
	o.hold_acks = true;
	f.rig.session = session_new(f.rig.loop, &o, &events, &f, NULL);
	session_start(f.rig.session);
	rig_run(&f.rig, 10000);
	assert_int_equal(f.rig.messages, MANY);
	rig_run(&f.rig, 300);
	assert_true(f.pubacks <= 1);
	session_release_acks(f.rig.session);
	f.stop_at_pubacks = MANY;
	rig_run(&f.rig, 10000);
	assert_int_equal(f.pubacks, MANY);
	buf_release(&messages);
	finish(&f);
}

/* PINGREQ goes past it, with acknowledgements in its queue, too; PINGRESP it has not asked for. */
static void
pings_go_past_its_queue(void **state)
{
	static const struct span twice_a_second[] = {
	    SPAN("\x20\x06\x00\x00\x03\x13\x00\x01"), {0}};
	struct fake f = {
	    .behind = SPAN("\x32\x07\x00\x01m\x00\x01\x00x"), .stop_at_pings = 4};
	struct session_opts o = begin(&f, twice_a_second);

	(void)state;
	o.hold_acks = true;
	rig_begin(&f.rig, &o);
	rig_run(&f.rig, 20000);
	assert_int_equal(f.rig.messages, 1);
	assert_int_equal(f.pings, 4);
	assert_int_equal(f.pubacks, 0);
	assert_int_equal(f.rig.downs, 0);
	assert_int_equal(f.connections, 1);
	finish(&f);
}

/* Its queue of connections is full until somebody accepts. */
static void
a_full_unix_socket_is_tried_again(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct fake f = {
	    .connacks = accepted, .rig.loop = loop_new(NULL), .rig.stop_at_ups = 1};
	int waiting[64], n = 0, fd;
	struct session_opts o;

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/iot-full.%d", (int)getpid());
	f.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(f.fd, 1), 0);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		waiting[n++] = fd;
	} while (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && n < 64);
	assert_int_equal(errno, EAGAIN);
	o = rig_to(a.sun_path, 0);
	rig_begin(&f.rig, &o);
	rig_run(&f.rig, 200);
	assert_int_equal(f.rig.ends, 0);
	while (n-- > 0)
		close(waiting[n]);
	while ((fd = accept(f.fd, NULL, NULL)) >= 0)
		close(fd);
	loop_fd_start(f.rig.loop, &f.listening, f.fd, LOOP_READ, on_connection, &f, NULL);
	rig_run(&f.rig, 10000);
	assert_int_equal(f.rig.ups, 1);
	unlink(a.sun_path);
	finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(connect_has_its_properties_each_time),
	    cmocka_unit_test(a_connack_of_3_1_1_is_a_refusal_of_5),
	    cmocka_unit_test(what_comes_with_connack_is_all_told),
	    cmocka_unit_test(acknowledgements_wait_until_they_are_released),
	    cmocka_unit_test(a_release_is_not_for_what_comes_later),
	    cmocka_unit_test(pings_go_past_its_queue),
	    cmocka_unit_test(a_full_unix_socket_is_tried_again),
	};
	int major, minor, revision;

	signal(SIGPIPE, SIG_IGN);
	mosquitto_lib_version(&major, &minor, &revision);
	print_message("# libmosquitto %d.%d.%d\n", major, minor, revision);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
