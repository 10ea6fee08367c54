/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/packet_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mqtt/packet.h"
#include "unit.h"

/* What log_debug wrote since begin_log. */
static struct {
	FILE *file;
	int saved;
	char text[8192];
} shown;

static void
begin_log(void)
{
	shown.file = tmpfile();
	assert_non_null(shown.file);
	shown.saved = dup(STDERR_FILENO);
	fflush(stderr);
	dup2(fileno(shown.file), STDERR_FILENO);
}

static const char *
end_log(void)
{
	size_t n;

	dup2(shown.saved, STDERR_FILENO);
	close(shown.saved);
	rewind(shown.file);
	n = fread(shown.text, 1, sizeof(shown.text) - 1, shown.file);
	shown.text[n] = '\0';
	fclose(shown.file);
	return shown.text;
}

#define BYTES(literal) literal, sizeof(literal) - 1

/* A connection's packets, as a broker of MQTT 5 sends them. */
static const char stream[] = "\x90\x04\x00\x01\x00\x87"
			     "\x3b\x10\x00\x03"
			     "a/b"
			     "\x00\x07\x02\x01\x01"
			     "secret"
			     "\x31\x06\x00\x03"
			     "a/b"
			     "\x00"
			     "\x62\x02\x00\x09"
			     "\xd0\x00"
			     "\x34\x01\x00"
			     "\xe0\x01\x8e";
static const char stream_lines[] =
    "test: mqtt < SUBACK client='c' id=1 reason=135 (not allowed)\n"
    "test: mqtt < PUBLISH client='c' id=7 qos=1 retain dup topic='a/b' payload=6\n"
    "test: mqtt < PUBLISH client='c' qos=0 retain topic='a/b' payload=0\n"
    "test: mqtt < PUBREL client='c' id=9 reason=0\n"
    "test: mqtt < PINGRESP client='c'\n"
    "test: mqtt < PUBLISH client='c' malformed bytes=3\n"
    "test: mqtt < DISCONNECT client='c' reason=142 (another client has connected with "
    "this client id)\n";

static void
pieces_of_any_size_give_the_same_lines(void **state)
{
	size_t piece, at;

	(void)state;
	for (piece = 1; piece < sizeof(stream); piece++) {
		struct packet_log *l = packet_log_new("c", "h:1883", 5);

		begin_log();
		for (at = 0; at < sizeof(stream) - 1; at += piece) {
			const size_t left = sizeof(stream) - 1 - at;

			packet_log_bytes(
			    l, PACKET_IN, stream + at, left < piece ? left : piece);
		}
		assert_string_equal(end_log(), stream_lines);
		packet_log_free(l);
	}
}

static void
a_connection_begins_with_connect_and_no_secret(void **state)
{
	struct packet_connect c = {.version = 4,
	    .clean = true,
	    .keepalive = 300,
	    .client_id = "c",
	    .username = "secret-1",
	    .password = "secret-2"};
	struct packet_log *l = packet_log_new("c", "h:1883", 4);
	struct buf out = {0};

	(void)state;
	packet_put_connect(&out, &c);
	begin_log();
	packet_log_bytes(l, PACKET_OUT, out.p, 9);
	packet_log_bytes(l, PACKET_OUT, out.p + 9, out.n - 9);
	packet_log_bytes(l, PACKET_IN, BYTES("\x20\x02\x01\x00"));
	assert_string_equal(end_log(),
	    "test: mqtt > CONNECT client='c' broker='h:1883' version=3.1.1 keepalive=300 "
	    "clean username password\n"
	    "test: mqtt < CONNACK client='c' session-present=1 reason=0\n");
	packet_log_free(l);
	buf_release(&out);
}

/* A topic of the greatest length, and a payload that is not kept. */
static void
what_is_long_is_cut(void **state)
{
	static char payload[1 << 20];
	struct packet_log *l = packet_log_new(
	    "an identifier of more than sixty-four bytes, as some clients have them",
	    "h:1883", 4);
	struct buf out = {0};
	struct span topic;
	char name[65535];
	char *end;
	size_t at;

	(void)state;
	for (at = 0; at + 3 <= sizeof(name); at += 3)
		memcpy(name + at, "\xe2\x82\xac", 3);
	topic = (struct span){name, sizeof(name)};
	end = packet_write_publish(
	    buf_reserve(&out, PACKET_PUBLISH_MORE + sizeof(name) + sizeof(payload)),
	    topic, (struct span){payload, sizeof(payload)}, false, 4);
	out.n = (size_t)(end - out.p);
	packet_put_ping(&out);
	begin_log();
	packet_log_bytes(l, PACKET_OUT, out.p, out.n);
	end_log();
	assert_non_null(
	    strstr(shown.text, "sixty-four bytes, as some clients hav[...]' qos=0"));
	assert_non_null(strstr(shown.text, "\xe2\x82\xac[...]' payload=1048576\n"));
	assert_non_null(strstr(shown.text, "\ntest: mqtt > PINGREQ"));
	assert_true(strlen(shown.text) < 500);
	packet_log_free(l);
	buf_release(&out);
}

/* More than four bytes of length: nobody knows where the next packet begins. */
static void
a_lost_stream_says_nothing_more(void **state)
{
	struct packet_log *l = packet_log_new("c", "h:1883", 5);

	(void)state;
	begin_log();
	packet_log_bytes(l, PACKET_IN, BYTES("\x30\xff\xff\xff\xff\xff\xd0\x00"));
	packet_log_bytes(l, PACKET_OUT, BYTES("\xc0\x00"));
	assert_string_equal(end_log(), "test: mqtt > PINGREQ client='c'\n");
	packet_log_free(l);
}

/* Of exactly the size that they have, for who watches the memory. */
static void
no_bytes_do_harm(void **state)
{
	const int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
	uint32_t seed = 1, i, k;

	(void)state;
	dup2(nowhere, STDERR_FILENO);
	for (i = 0; i < 40000; i++) {
		const size_t n = 2 + i % 24;
		char *p = xmalloc(n);

		for (k = 0; k < n; k++) {
			seed = seed * 1664525 + 1013904223;
			p[k] = (char)(seed >> 24 & (k > 1 && i % 3 > 0 ? 7 : 255));
		}
		p[1] = (char)(n - 2);
		packet_log_sent("c", i % 2 == 0 ? 5 : 4, p, n);
		free(p);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(nowhere);
}

static void
packets_of_ours_are_shown(void **state)
{
	struct buf out = {0};
	struct packet_log *l = packet_log_new("c", "h:1883", 5);

	(void)state;
	packet_put_subscribe(&out, 3, "a/#", 0x11, 5);
	packet_put_unsubscribe(&out, 4, "b/+", 5);
	packet_put_disconnect(&out, 0x81, 5);
	begin_log();
	packet_log_bytes(l, PACKET_OUT, out.p, out.n);
	packet_log_sent("c", 5, BYTES("\x40\x02\x00\x05"));
	assert_string_equal(end_log(),
	    "test: mqtt > SUBSCRIBE client='c' id=3 qos=1 options=0x11 filter='a/#'\n"
	    "test: mqtt > UNSUBSCRIBE client='c' id=4 filter='b/+'\n"
	    "test: mqtt > DISCONNECT client='c' reason=129 (it found our packet "
	    "malformed)\n"
	    "test: mqtt > PUBACK client='c' id=5 reason=0\n");
	packet_log_free(l);
	buf_release(&out);
}

static void
what_libmosquitto_tells_of_is_shown(void **state)
{
	const struct msg m = {.topic = SPAN("a/b"),
			     .size = 57,
			     .mid = 3,
			     .qos = 1,
			     .retain = true},
			 zero = {.topic = SPAN("a"), .mid = 9};

	(void)state;
	begin_log();
	packet_log_message("c", PACKET_OUT, &m);
	packet_log_message("c", PACKET_IN, &zero);
	packet_log_answer("c", PACKET_PUBACK, 4, 135);
	packet_log_answer("c", PACKET_PUBCOMP, 5, 0);
	packet_log_answer("c", PACKET_DISCONNECT, 0, 139);
	packet_log_subscribe("c", 1, "a/#", 0x06);
	assert_string_equal(end_log(),
	    "test: mqtt > PUBLISH client='c' id=3 qos=1 retain topic='a/b' payload=57\n"
	    "test: mqtt < PUBLISH client='c' qos=0 topic='a' payload=0\n"
	    "test: mqtt < PUBACK client='c' id=4 reason=135 (not allowed to publish "
	    "there)\n"
	    "test: mqtt < PUBCOMP client='c' id=5 reason=0\n"
	    "test: mqtt < DISCONNECT client='c' reason=139 (it is shutting down)\n"
	    "test: mqtt > SUBSCRIBE client='c' id=1 qos=2 options=0x06 filter='a/#'\n");
}

static void
of_a_login_only_that_there_is_one(void **state)
{
	static const struct packet_log_login full = {.broker = "h:1883",
						 .version = 5,
						 .keepalive = 60,
						 .username = true,
						 .password = true,
						 .will = true},
					     none = {.broker = "/run/mq.sock",
						 .version = 4,
						 .keepalive = 5,
						 .clean = true};

	(void)state;
	begin_log();
	packet_log_connect("c", &full);
	packet_log_connect("c", &none);
	packet_log_connack("c", true, 0);
	packet_log_connack("c", false, 5);
	packet_log_suback("c", 2, 2, (const int[]){2, 128});
	assert_string_equal(end_log(),
	    "test: mqtt > CONNECT client='c' broker='h:1883' version=5 keepalive=60 "
	    "username password will\n"
	    "test: mqtt > CONNECT client='c' broker='/run/mq.sock' version=3.1.1 "
	    "keepalive=5 clean\n"
	    "test: mqtt < CONNACK client='c' session-present=1 reason=0\n"
	    "test: mqtt < CONNACK client='c' session-present=0 reason=5 (bad user name "
	    "or "
	    "password, or not allowed to connect)\n"
	    "test: mqtt < SUBACK client='c' id=2 reason=2 reason=128 (not allowed)\n");
}

static void
nothing_is_shown_before_it_is_asked_for(void **state)
{
	(void)state;
	log_init("test", LOG_INFO);
	begin_log();
	assert_null(packet_log_new("c", "h:1883", 5));
	packet_log_bytes(NULL, PACKET_IN, BYTES("\xd0\x00"));
	packet_log_sent("c", 5, BYTES("\xc0\x00"));
	packet_log_connack("c", true, 0);
	packet_log_suback("c", 1, 1, (const int[]){0});
	packet_log_subscribe("c", 1, "a", 0);
	packet_log_message("c", PACKET_IN, &(struct msg){.topic = SPAN("a")});
	packet_log_answer("c", PACKET_PUBACK, 1, 0);
	assert_string_equal(end_log(), "");
	log_init("test", LOG_DEBUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_of_any_size_give_the_same_lines),
	    cmocka_unit_test(a_connection_begins_with_connect_and_no_secret),
	    cmocka_unit_test(what_is_long_is_cut),
	    cmocka_unit_test(a_lost_stream_says_nothing_more),
	    cmocka_unit_test(no_bytes_do_harm),
	    cmocka_unit_test(packets_of_ours_are_shown),
	    cmocka_unit_test(what_libmosquitto_tells_of_is_shown),
	    cmocka_unit_test(of_a_login_only_that_there_is_one),
	    cmocka_unit_test(nothing_is_shown_before_it_is_asked_for),
	};

	log_init("test", LOG_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
