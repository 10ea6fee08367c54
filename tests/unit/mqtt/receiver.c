/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/receiver.h"

#include <ctype.h>
#include <stdlib.h>

#include "unit.h"

#include "base/mem.h"

/* A consumer that writes down what it gets: "topic=payload " for each message, with !word for a reject,
 * * for a dup, and | behind each batch. */
struct eater {
	struct receiver *in;
	struct buf got;
	struct buf answers;
	uint64_t token;
	bool takes;   /* at once */
	bool durable; /* at once */
	struct msg last;
	size_t batches, messages;
};

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct eater *e = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		buf_span(&e->got, m[i].topic);
		buf_putc(&e->got, '=');
		buf_span(&e->got, m[i].payload);
		if (m[i].reject != NULL)
			buf_printf(&e->got, "!%s:%zu", m[i].reject, m[i].size);
		buf_puts(&e->got, m[i].dup ? "* " : " ");
	}
	buf_putc(&e->got, '|');
	e->last = m[n - 1];
	e->token = token;
	e->batches++;
	e->messages += n;
	if (e->durable)
		receiver_ack(e->in, token);
	else if (e->takes)
		receiver_release(e->in, token);
}

static void
on_answered(void *arg, uint16_t mid, uint8_t reason)
{
	struct eater *e = arg;

	buf_printf(&e->answers, "%d:%d ", mid, reason);
}

static const struct receiver_events events = {on_batch, on_answered};

/* CONNECT, which nobody looks at, and a CONNACK. */
static void
connect_to(struct receiver *in, int version, bool session_present)
{
	const struct packet_connect c = {.version = version, .client_id = "a"};
	const char connack[] = {0x20, version == 5 ? 3 : 2, session_present, 0, 0};
	size_t at = 0, n;
	char *to;

	receiver_connect(in, &c);
	receiver_sent(in, receiver_output(in).n);
	while (receiver_state(in).shaking) {
		to = receiver_room(in, &n);
		assert_true(n > 0 && at + n <= sizeof(connack));
		memcpy(to, connack + at, n);
		receiver_got(in, n, 1);
		at += n;
	}
}

static void
begin_with(struct eater *e, int version, uint32_t max_packet)
{
	const struct receiver_opts opts = {max_packet};

	e->in = receiver_new(&opts, &events, e);
	connect_to(e->in, version, false);
}

static void
begin(struct eater *e, int version)
{
	begin_with(e, version, 1 << 20);
}

static void
end(struct eater *e)
{
	receiver_free(e->in);
	buf_release(&e->got);
	buf_release(&e->answers);
}

/* Bytes as people read them: hexadecimal pairs, 'text', and N*pair for many. */
static void
put_bytes(struct buf *out, const char *text)
{
	char *end;

	while (*text != '\0') {
		if (*text == ' ') {
			text++;
		} else if (*text == '\'') {
			const char *quote = strchr(++text, '\'');

			buf_put(out, text, (size_t)(quote - text));
			text = quote + 1;
		} else {
			char pair[3] = {text[0], text[1], '\0'};

			assert_true(isxdigit((unsigned char)text[0]));
			buf_putc(out, (char)strtoul(pair, &end, 16));
			text += 2;
		}
	}
}

/* Gives it what it has room for; returns how many bytes it took. */
static size_t
feed_bytes(struct eater *e, const char *p, size_t n, size_t chunk)
{
	size_t at = 0, room;

	while (at < n) {
		char *to = receiver_room(e->in, &room);

		if (room == 0)
			break;
		room = room > chunk ? chunk : room;
		room = room > n - at ? n - at : room;
		memcpy(to, p + at, room);
		at += room;
		receiver_got(e->in, room, 1000000);
	}
	return at;
}

static size_t
feed(struct eater *e, const char *text)
{
	struct buf b = {0};
	size_t n;

	put_bytes(&b, text);
	n = feed_bytes(e, b.p, b.n, SIZE_MAX);
	buf_release(&b);
	return n;
}

static void
assert_got(struct eater *e, const char *wanted)
{
	assert_string_equal(buf_str(&e->got), wanted);
	buf_clear(&e->got);
}

/* What it wrote since the last time, as hexadecimal pairs; it leaves. */
static void
assert_sent(struct eater *e, const char *wanted)
{
	struct span out = receiver_output(e->in);
	struct buf hex = {0};
	size_t i;

	for (i = 0; i < out.n; i++)
		buf_printf(&hex, i % 4 == 0 && i > 0 ? " %02x" : "%02x",
		    (unsigned char)out.p[i]);
	assert_string_equal(buf_str(&hex), wanted);
	receiver_sent(e->in, out.n);
	buf_release(&hex);
}

static enum packet_fault
fault_of(const struct eater *e)
{
	return receiver_state(e->in).fault;
}

#define Q0 "30 06 0003 'a/b' 'x' "
#define Q1 "32 08 0003 'a/b' 0001 'y' "
#define Q2 "34 08 0003 'a/b' 0002 'z' "
#define Q2_DUP "3c 08 0003 'a/b' 0002 'z' "

static void
all_qos_are_acknowledged_in_order_when_durable(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 4);
	feed(&e, Q0 Q2 Q1);
	assert_got(&e, "a/b=x a/b=z a/b=y |");
	assert_sent(&e, "");
	receiver_ack(e.in, e.token);
	assert_sent(&e, "50020002 40020001");
	feed(&e, "62 02 0002");
	assert_sent(&e, "70020002");
	assert_true(receiver_is_acked(e.in));
	end(&e);
}

static void
any_split_of_the_bytes_gives_the_same(void **state)
{
	struct buf b = {0};
	size_t chunk;

	(void)state;
	put_bytes(&b,
	    Q0 Q1 "90 03 0001 00" Q2 "d0 00"
		  "62 02 0002" Q1);
	for (chunk = 1; chunk <= b.n; chunk++) {
		struct eater e = {.durable = true};

		begin(&e, 4);
		assert_int_equal(feed_bytes(&e, b.p, b.n, chunk), b.n);
		assert_int_equal(e.messages, 4);
		assert_string_equal(buf_str(&e.answers), "1:0 ");
		assert_sent(&e, "40020001 50020002 70020002 40020001");
		end(&e);
	}
	buf_release(&b);
}

static void
nothing_is_read_while_spans_are_in_use(void **state)
{
	struct eater e = {0};
	uint64_t first;

	(void)state;
	begin(&e, 4);
	feed(&e, Q1);
	first = e.token;
	assert_int_equal(feed(&e, Q1), 0);
	receiver_release(e.in, first);
	assert_true(feed(&e, "32 08 0003 'a/b' 0005 'w'") > 0);
	assert_got(&e, "a/b=y |a/b=w |");
	assert_sent(&e, "");
	assert_false(receiver_is_acked(e.in));
	receiver_ack(e.in, first);
	assert_sent(&e, "40020001");
	receiver_ack(e.in, e.token);
	assert_sent(&e, "40020005");
	assert_true(receiver_is_acked(e.in));
	end(&e);
}

static void
a_token_covers_the_batches_before_it(void **state)
{
	struct eater e = {.takes = true};

	(void)state;
	begin(&e, 4);
	feed(&e, Q1);
	feed(&e, "32 08 0003 'a/b' 0005 'w'");
	feed(&e, Q0);
	receiver_ack(e.in, e.token);
	assert_sent(&e, "40020001 40020005");
	receiver_ack(e.in, e.token + 10); /* nobody was given that one */
	feed(&e, Q1);
	assert_sent(&e, "");
	end(&e);
}

static void
qos_2_comes_again_until_it_was_acknowledged(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 4);
	feed(&e, Q2);
	connect_to(e.in, 4, true); /* not durable yet */
	receiver_release(e.in, e.token);
	feed(&e, Q2_DUP);
	assert_got(&e, "a/b=z |a/b=z* |");
	receiver_ack(e.in, e.token);
	assert_sent(&e, "50020002");
	connect_to(e.in, 4, true); /* as if PUBREC was lost */
	feed(&e, Q2_DUP);
	assert_got(&e, "");
	assert_sent(&e, "50020002");
	feed(&e, "62 02 0002");
	assert_sent(&e, "70020002");
	feed(&e, Q2_DUP); /* the identifier is free again: another message */
	assert_got(&e, "a/b=z* |");
	end(&e);
}

static void
a_forgotten_session_forgets_what_was_received(void **state)
{
	struct eater e = {.durable = true};

	(void)state;
	begin(&e, 4);
	feed(&e, Q2);
	connect_to(e.in, 4, false);
	feed(&e, Q2_DUP);
	assert_got(&e, "a/b=z |a/b=z* |");
	end(&e);
}

static void
assert_unacknowledged(const struct eater *e, size_t n)
{
	assert_int_equal(receiver_unacknowledged(e->in), n);
}

/* As the broker counts: QoS 2 until PUBCOMP, nothing of the connection before. */
static void
what_the_broker_waits_for_is_counted(void **state)
{
	struct eater e = {.takes = true};

	(void)state;
	begin(&e, 4);
	feed(&e, Q0 Q1 Q2);
	assert_unacknowledged(&e, 2);
	receiver_ack(e.in, e.token);
	assert_unacknowledged(&e, 1);
	feed(&e, Q1);
	feed(&e, "62 02 0002"); /* PUBCOMP waits for the one before */
	assert_unacknowledged(&e, 2);
	receiver_ack(e.in, e.token);
	assert_unacknowledged(&e, 0);
	feed(&e, Q2);
	receiver_ack(e.in, e.token);
	connect_to(e.in, 4, true);
	assert_unacknowledged(&e, 0);
	feed(&e, Q2_DUP); /* its PUBREC was lost */
	assert_unacknowledged(&e, 1);
	feed(&e, "62 02 0002");
	assert_unacknowledged(&e, 0);
	feed(&e, "62 02 0007"); /* of an earlier process */
	assert_unacknowledged(&e, 0);
	end(&e);
}

static void
pubrel_of_an_earlier_process_is_answered(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 5);
	feed(&e, "62 02 0007");
	assert_sent(&e, "70020007");
	feed(&e, "62 04 0007 92 00"); /* with a reason: it does not know the identifier */
	assert_sent(&e, "70020007");
	feed(&e, "32 09 0003 'a/b' 0001 00 'y'");
	receiver_release(e.in, e.token);
	feed(&e, "62 03 0008 00"); /* overtakes nothing */
	assert_sent(&e, "");
	receiver_ack(e.in, e.token);
	assert_sent(&e, "40020001 70020008");
	end(&e);
}

static void
a_lost_connection_loses_its_acknowledgements(void **state)
{
	struct eater e = {.takes = true};
	uint64_t old;

	(void)state;
	begin(&e, 4);
	feed(&e, Q1);
	old = e.token;
	connect_to(e.in, 4, true);
	feed(&e, "32 08 0003 'a/b' 0001 'n'"); /* the same identifier, another message */
	receiver_ack(e.in, old);
	assert_sent(&e, "");
	receiver_ack(e.in, e.token);
	assert_sent(&e, "40020001");
	end(&e);
}

static void
half_a_packet_dies_with_its_connection(void **state)
{
	struct eater e = {.durable = true};

	(void)state;
	begin(&e, 4);
	feed(&e, "32 08 0003 'a/'");
	connect_to(e.in, 4, true);
	feed(&e, Q1);
	assert_got(&e, "a/b=y |");
	assert_int_equal(fault_of(&e), PACKET_OK);
	end(&e);
}

static void
spans_outlive_the_connection(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 4);
	feed(&e, Q1);
	connect_to(e.in, 4, true);
	assert_int_equal(feed(&e, Q0), 0);
	assert_memory_equal(e.last.payload.p, "y", 1);
	receiver_ack(e.in, e.token);
	assert_sent(&e, "");
	feed(&e, Q0);
	assert_got(&e, "a/b=y |a/b=x |");
	end(&e);
}

static void
properties_are_passed_on(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 5);
	feed(&e,
	    "32 34 0003 'a/b' 0001 2b 01 01 02 00000010 03 0004 'text' 08 0003 'r/t' "
	    "09 0002 00ff 0b 81 01 26 0001 'k' 0001 'v' 26 0001 'k' 0002 'vv' 'y'");
	assert_int_equal(fault_of(&e), PACKET_OK);
	assert_true(span_is(e.last.props.content_type, "text"));
	assert_true(span_is(e.last.props.response_topic, "r/t"));
	assert_int_equal(e.last.props.correlation.n, 2);
	assert_int_equal(e.last.props.users, 2);
	assert_true(span_is(e.last.props.user[2], "k"));
	assert_true(span_is(e.last.props.user[3], "vv"));
	assert_got(&e, "a/b=y |");
	end(&e);
}

static void
properties_do_not_stay(void **state)
{
	static const char with[] = "34 10 0003 'a/b' 0002 07 26 0001 'k' 0001 'v' 'z' ";
	static const char again[] = "3c 10 0003 'a/b' 0002 07 26 0001 'k' 0001 'v' 'z' ";
	static const char without[] = "30 07 0003 'a/b' 00 'x' ";
	struct eater e = {.durable = true};

	(void)state;
	begin(&e, 5);
	feed(&e, with);
	assert_int_equal(e.last.props.users, 1);
	feed(&e, without);
	assert_int_equal(e.last.props.users, 0);
	feed(&e, again); /* received already: not handed out */
	feed(&e, without);
	assert_int_equal(e.messages, 3);
	assert_int_equal(e.last.props.users, 0);
	assert_null(e.last.props.user);
	end(&e);
}

/* The spans of one message's user properties stay good while more are read into the same batch. */
static void
many_user_properties_stay_apart(void **state)
{
	struct eater e = {.durable = true};
	struct buf b = {0};
	int i, j;

	(void)state;
	begin(&e, 5);
	for (i = 1; i <= 60; i++) {
		size_t props = (size_t)i * 7;

		buf_putc(&b, 0x30);
		buf_putc(&b, (char)((3 + 2 + props) | 0x80));
		buf_putc(&b, (char)((3 + 2 + props) >> 7));
		buf_put(&b, "\0\1t", 3);
		buf_putc(&b, (char)(props | 0x80));
		buf_putc(&b, (char)(props >> 7));
		for (j = 0; j < i; j++)
			buf_put(&b, "\x26\0\1k\0\1v", 7);
	}
	feed_bytes(&e, b.p, b.n, SIZE_MAX);
	assert_int_equal(fault_of(&e), PACKET_OK);
	assert_int_equal(e.messages, 60);
	assert_int_equal(e.last.props.users, 60);
	buf_release(&b);
	end(&e);
}

static void
aliases_stand_for_topics(void **state)
{
	struct eater e = {.takes = true};

	(void)state;
	begin(&e, 5);
	feed(&e,
	    "30 0a 0003 'a/b' 03 230001 '1' 30 07 0000 03 230001 '2' "
	    "30 0a 0003 'c/d' 03 230002 '3' 30 07 0000 03 230001 '4' "
	    "30 07 0000 03 230002 '5'");
	assert_got(&e, "a/b=1 a/b=2 |c/d=3 a/b=4 c/d=5 |");
	feed(&e,
	    "30 0a 0003 'e/f' 03 230001 '6' 30 07 0000 03 230001 '7' "
	    "30 0a 0003 'g/h' 03 230001 '8' 30 07 0000 03 230001 '9'");
	assert_got(&e, "e/f=6 e/f=7 |g/h=8 g/h=9 |");
	connect_to(e.in, 5, true);
	feed(&e, "30 07 0000 03 230001 'x'");
	assert_int_equal(fault_of(&e), PACKET_BAD_ALIAS);
	end(&e);
}

/* A new meaning of an alias waits until nobody looks at the old one. */
static void
an_alias_in_use_is_not_changed(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 5);
	feed(&e, "30 0a 0003 'a/b' 03 230001 '1' 30 0a 0003 'c/d' 03 230001 '2'");
	assert_got(&e, "a/b=1 |");
	assert_true(span_is(e.last.topic, "a/b"));
	receiver_release(e.in, e.token);
	receiver_go_on(e.in);
	assert_got(&e, "c/d=2 |");
	end(&e);
}

static void
a_large_packet_is_skipped(void **state)
{
	struct eater e = {.takes = true};
	struct buf b = {0}, wanted = {0};
	int chunk;

	(void)state;
	for (chunk = 1; chunk < 5000; chunk += 1237) {
		begin_with(&e, 4, 1000);
		put_bytes(&b, Q1 "32 8e 08 0003 'big' 0009");
		for (int i = 0; i < 1031; i++)
			buf_putc(&b, 'B');
		put_bytes(&b, Q0);
		assert_int_equal(feed_bytes(&e, b.p, b.n, (size_t)chunk), b.n);
		assert_int_equal(fault_of(&e), PACKET_OK);
		assert_int_equal(e.messages, 3);
		assert_non_null(strstr(buf_str(&e.got), "|big=BBB"));
		assert_non_null(strstr(buf_str(&e.got), "BBB!size:1031 "));
		assert_sent(&e, "");
		receiver_ack(e.in, e.token);
		assert_sent(&e, "40020001 40020009");
		buf_clear(&b);
		end(&e);
		e = (struct eater){.takes = true};
	}
	buf_release(&b);
	buf_release(&wanted);
}

/* 200 MiB in a buffer of 128 KiB. */
static void
a_huge_packet_needs_no_memory(void **state)
{
	struct eater e = {.durable = true};
	static char block[65536];
	size_t left = 200 << 20, room;
	struct buf b = {0};

	(void)state;
	begin(&e, 4);
	put_bytes(&b, "32 85 80 80 64 0001 'h' 0003"); /* 200 MiB and 5 bytes */
	feed_bytes(&e, b.p, b.n, SIZE_MAX);
	while (left > 0) {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		left -= feed_bytes(&e, block, n, SIZE_MAX);
		receiver_room(e.in, &room);
		assert_within(room, 1, 128 << 10);
	}
	feed(&e, Q0);
	assert_int_equal(e.messages, 2);
	assert_sent(&e, "40020003");
	buf_release(&b);
	end(&e);
}

static void
poison_topics_are_rejects(void **state)
{
	static const struct {
		const char *topic, *word;
	} cases[] = {
	    {"'ok'", NULL},
	    {"'a/' c3b1 '/b'", NULL},
	    {"'$SYS/x'", NULL},
	    {"'a' 01", "topic"},
	    {"'a' 00 'b'", "topic"},
	    {"7f 'a'", "topic"},
	    {"'a' c285", "topic"},
	    {"'a/+/b'", "topic"},
	    {"'#'", "topic"},
	    {"ff 'a'", "topic"},
	    {"'a' c3", "topic"},
	    {"eda080", "topic"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eater e = {.durable = true};
		struct buf topic = {0}, packet = {0};

		begin(&e, 4);
		put_bytes(&topic, cases[i].topic);
		buf_putc(&packet, 0x32);
		buf_putc(&packet, (char)(4 + topic.n));
		buf_putc(&packet, 0);
		buf_putc(&packet, (char)topic.n);
		buf_span(&packet, buf_as_span(&topic));
		buf_put(&packet, "\0\1", 2);
		feed_bytes(&e, packet.p, packet.n, SIZE_MAX);
		assert_int_equal(fault_of(&e), PACKET_OK);
		assert_int_equal(e.messages, 1);
		if (cases[i].word == NULL)
			assert_null(e.last.reject);
		else
			assert_string_equal(e.last.reject, cases[i].word);
		assert_sent(&e, "40020001");
		buf_release(&topic);
		buf_release(&packet);
		end(&e);
	}
}

static void
every_malformed_packet_is_a_fault(void **state)
{
	static const struct {
		int version;
		const char *bytes;
		enum packet_fault fault;
	} cases[] = {
	    {5, "30 ff ff ff ff", PACKET_BAD_LENGTH},
	    {5, "36 08 0003 'a/b' 0001 00", PACKET_BAD_QOS},
	    {4, "38 06 0003 'a/b' 'x'", PACKET_BAD_FLAGS},
	    {4, "30 04 0003 'a/'", PACKET_TOO_SHORT},
	    {4, "30 01 00", PACKET_TOO_SHORT},
	    {4, "30 00", PACKET_TOO_SHORT},
	    {4, "32 06 0003 'a/b' 00", PACKET_TOO_SHORT},
	    {5, "30 05 0003 'a/b'", PACKET_TOO_SHORT},
	    {5, "30 06 0003 'a/b' 05", PACKET_TOO_SHORT},
	    {5, "30 0a 0003 'a/b' ffffffff 01", PACKET_TOO_SHORT},
	    {4, "32 08 0003 'a/b' 0000 'y'", PACKET_NO_ID},
	    {4, "30 03 0000 'x'", PACKET_NO_TOPIC},
	    {5, "30 04 0000 00 'x'", PACKET_NO_TOPIC},
	    {5, "30 06 0000 03 230001", PACKET_BAD_ALIAS},
	    {5, "30 09 0003 'a/b' 03 230000", PACKET_BAD_ALIAS},
	    {5, "30 09 0003 'a/b' 03 230011", PACKET_BAD_ALIAS},
	    {5, "30 08 0003 'a/b' 02 0102", PACKET_PROPERTY_VALUE},
	    {5, "30 0a 0003 'a/b' 04 0101 0100", PACKET_PROPERTY_TWICE},
	    {5, "30 08 0003 'a/b' 02 0b00", PACKET_PROPERTY_VALUE},
	    {5, "30 08 0003 'a/b' 02 1200", PACKET_BAD_PROPERTY},
	    {5, "30 08 0003 'a/b' 02 ff00", PACKET_BAD_PROPERTY},
	    {5, "30 07 0003 'a/b' 01 02", PACKET_TOO_SHORT},
	    {5, "30 0a 0003 'a/b' 04 03 0009 'a'", PACKET_TOO_SHORT},
	    {5, "30 0b 0003 'a/b' 05 26 0001 'k' 00", PACKET_TOO_SHORT},
	    {4, "60 02 0001", PACKET_BAD_FLAGS},
	    {4, "62 02 0000", PACKET_NO_ID},
	    {4, "62 01 00", PACKET_TOO_SHORT},
	    {5, "62 05 0001 00 00 00", PACKET_TOO_LONG},
	    {4, "91 03 0001 00", PACKET_BAD_FLAGS},
	    {4, "90 02 0001", PACKET_TOO_SHORT},
	    {5, "90 03 0001 00", PACKET_TOO_SHORT},
	    {4, "d0 01 00", PACKET_TOO_LONG},
	    {4, "d1 00", PACKET_BAD_FLAGS},
	    {4, "e0 00", PACKET_BAD_TYPE},
	    {5, "e1 00", PACKET_BAD_FLAGS},
	    {5, "e0 04 00 00 00 00", PACKET_TOO_LONG},
	    {4, "00 00", PACKET_BAD_TYPE},
	    {4, "10 00", PACKET_BAD_TYPE},
	    {4, "82 00", PACKET_BAD_TYPE},
	    {4, "c0 00", PACKET_BAD_TYPE},
	    {4, "20 02 00 00", PACKET_UNASKED},
	    {4, "40 02 0001", PACKET_UNASKED},
	    {5, "f0 00", PACKET_UNASKED},
	    {5, "d0 ff ff ff 7f", PACKET_TOO_LARGE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eater e = {0};
		size_t room;

		begin(&e, cases[i].version);
		feed(&e, cases[i].bytes);
		if (fault_of(&e) != cases[i].fault)
			print_message("%s: wanted '%s', got '%s'\n", cases[i].bytes,
			    packet_fault_text(cases[i].fault),
			    packet_fault_text(fault_of(&e)));
		assert_int_equal(fault_of(&e), cases[i].fault);
		assert_within(packet_fault_reason(fault_of(&e)), 0x80, 0xA2);
		receiver_room(e.in, &room);
		assert_int_equal(room, 0);
		assert_int_equal(e.messages, 0);
		end(&e);
	}
}

static void
messages_before_a_fault_are_handed_out(void **state)
{
	struct eater e = {0};

	(void)state;
	begin(&e, 4);
	feed(&e, Q0 Q1 "36 00");
	assert_got(&e, "a/b=x a/b=y |");
	assert_int_equal(fault_of(&e), PACKET_BAD_QOS);
	end(&e);
}

static void
the_brokers_farewell_has_its_reason(void **state)
{
	static const struct {
		const char *bytes;
		int reason;
	} cases[] = {{"e0 00", 0}, {"e0 01 8e", 0x8e}, {"e0 02 8b 00", 0x8b},
	    {"e0 06 8e 04 1f 0001 'x'", 0x8e}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eater e = {0};

		begin(&e, 5);
		feed(&e, cases[i].bytes);
		assert_true(receiver_state(e.in).left);
		assert_int_equal(receiver_state(e.in).reason, cases[i].reason);
		end(&e);
	}
}

/* There are no more packet identifiers. (mosquitto 2.0.11 sends a few more than Receive Maximum allows.) */
static void
more_messages_than_identifiers_are_a_fault(void **state)
{
	struct eater e = {.takes = true};
	int i;

	(void)state;
	begin(&e, 5);
	for (i = 0; i < UINT16_MAX; i++)
		feed(&e, "32 09 0003 'a/b' 0001 00 'y'");
	assert_int_equal(fault_of(&e), PACKET_OK);
	feed(&e, "32 09 0003 'a/b' 0001 00 'y'");
	assert_int_equal(fault_of(&e), PACKET_OVER_WINDOW);
	receiver_ack(e.in, e.token);
	assert_int_equal(receiver_output(e.in).n, 4 * UINT16_MAX);
	end(&e);
}

static void
a_limit_leaves_the_rest_alone(void **state)
{
	struct eater e = {.durable = true};
	size_t room;

	(void)state;
	begin(&e, 4);
	receiver_limit(e.in, 2);
	feed(&e, Q0 Q1 "32 08 0003 'a/b' 0005 'w'");
	assert_got(&e, "a/b=x a/b=y |");
	assert_sent(&e, "40020001");
	receiver_room(e.in, &room);
	assert_int_equal(room, 0);
	receiver_limit(e.in, 1);
	receiver_go_on(e.in);
	assert_got(&e, "a/b=w |");
	assert_sent(&e, "40020005");
	receiver_limit(e.in, 10);
	receiver_stop(e.in);
	assert_int_equal(feed(&e, Q0), 0);
	end(&e);
}

/* A broker that asks for answers and reads none gets no memory for it. */
static void
unread_answers_stop_the_reading(void **state)
{
	struct eater e = {0};
	size_t taken = 0, n;

	(void)state;
	begin(&e, 4);
	while ((n = feed(&e, "62 02 0001 62 02 0002 62 02 0003 62 02 0004")) > 0)
		taken += n;
	assert_within(taken, 200000, 600000);
	receiver_sent(e.in, receiver_output(e.in).n);
	assert_true(feed(&e, "62 02 0001") > 0);
	end(&e);
}

/* One that raises its limit in the batch: what it has left out does not count. */
static void
on_batch_wanting_more(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct eater *e = arg;

	on_batch(arg, m, n, token);
	if (e->messages < 4)
		receiver_limit(e->in, 4 - e->messages);
}

static void
a_limit_raised_in_a_batch_goes_on_at_once(void **state)
{
	static const struct receiver_events wanting = {
	    on_batch_wanting_more, on_answered};
	const struct receiver_opts opts = {1 << 20};
	struct eater e = {.durable = true};

	(void)state;
	e.in = receiver_new(&opts, &wanting, &e);
	connect_to(e.in, 4, false);
	receiver_limit(e.in, 2);
	feed(&e, Q0 Q1 Q0 Q1 Q0);
	assert_got(&e, "a/b=x a/b=y |a/b=x a/b=y |");
	end(&e);
}

/* One write for a batch, not for each message, with user properties too. */
static void
user_properties_do_not_split_batches(void **state)
{
	struct eater e = {.durable = true};
	struct buf b = {0};
	int i;

	(void)state;
	begin(&e, 5);
	for (i = 0; i < 256; i++)
		put_bytes(&b, "30 10 0003 'a/b' 09 26 0001 'k' 0003 'abc' 'x'");
	feed_bytes(&e, b.p, b.n, SIZE_MAX);
	assert_int_equal(fault_of(&e), PACKET_OK);
	assert_int_equal(e.messages, 256);
	assert_int_equal(e.batches, 1);
	buf_release(&b);
	end(&e);
}

/* A broker that always leaves some answers unread is no reason to keep those that it has read. */
static void
read_answers_need_no_memory(void **state)
{
	struct eater e = {0};
	struct span out = {0};
	size_t sent = 0;

	(void)state;
	begin(&e, 4);
	while (sent < 8 << 20) {
		feed(&e, "62 02 0001 62 02 0002 62 02 0003 62 02 0004");
		out = receiver_output(e.in);
		if (out.n > 1000) {
			receiver_sent(e.in, out.n - 4);
			sent += out.n - 4;
		}
	}
	assert_within(receiver_packets(e.in)->room, 0, 2 << 20);
	end(&e);
}

/* Begins a connection and feeds it what the broker says first, each byte alone. */
static void
shake(struct eater *e, int version, const char *text)
{
	const struct packet_connect c = {.version = version, .client_id = "a"};
	struct buf bytes = {0};
	size_t i, n;

	e->in = receiver_new(&(struct receiver_opts){1 << 20}, &events, e);
	receiver_connect(e->in, &c);
	assert_true(receiver_state(e->in).shaking && !receiver_state(e->in).begun);
	put_bytes(&bytes, text);
	for (i = 0; i < bytes.n; i++) {
		char *to = receiver_room(e->in, &n);

		if (n == 0)
			break;
		*to = bytes.p[i];
		receiver_got(e->in, 1, 1);
	}
	buf_release(&bytes);
}

static void
the_handshake_goes_first(void **state)
{
	struct eater e = {.durable = true};
	struct span out;

	(void)state;
	shake(&e, 5, "20 06 01 00 03 21 00 05 30 05 0001 'a' 00 'x'");
	out = receiver_output(e.in);
	assert_int_equal(out.n, 16);
	assert_memory_equal(out.p, "\x10\x0e\x00\x04MQTT\x05", 9);
	assert_false(receiver_state(e.in).shaking || receiver_state(e.in).refused);
	assert_true(receiver_connack(e.in)->session_present);
	assert_int_equal(receiver_connack(e.in)->receive_maximum.v, 5);
	assert_string_equal(buf_str(&e.got), "a=x |");
	end(&e);
}

static void
a_handshake_that_fails_says_why(void **state)
{
	static const struct {
		int version;
		const char *bytes;
		enum packet_fault fault;
		bool begun, refused;
		int reason;
	} cases[] = {
	    {5, "", PACKET_OK, false, false, 0},
	    {5, "20 05 00 00", PACKET_OK, true, false, 0},
	    {5, "20 03 00 87 00 30 00", PACKET_OK, true, true, 0x87},
	    {5, "20 02 00 00 30 00", PACKET_OK, true, true, 0},
	    {4, "20 02 00 05 30 00", PACKET_OK, true, true, 5},
	    {5, "e0 00", PACKET_NO_CONNACK, true, false, 0},
	    {5, "f0 00", PACKET_NO_CONNACK, true, false, 0},
	    {5, "20 05 00 00 02 7f 00", PACKET_BAD_PROPERTY, true, false, 0},
	    {5, "20 ff ff 7f", PACKET_TOO_LARGE, true, false, 0},
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eater e = {.takes = true};
		struct receiver_state s;

		shake(&e, cases[i].version, cases[i].bytes);
		s = receiver_state(e.in);
		assert_int_equal(s.fault, cases[i].fault);
		assert_int_equal(s.begun, cases[i].begun);
		assert_int_equal(s.refused, cases[i].refused);
		if (s.refused)
			assert_int_equal(receiver_connack(e.in)->reason, cases[i].reason);
		if (s.refused || s.fault != PACKET_OK)
			assert_null(receiver_room(e.in, &n));
		assert_int_equal(e.messages, 0);
		end(&e);
	}
}

/* Whose spans stay as they are meanwhile, and whose acknowledgement is not written: that was another
 * connection's. */
static void
a_batch_that_is_out_does_not_stop_a_handshake(void **state)
{
	struct eater e = {0};
	struct span topic, payload;

	(void)state;
	begin(&e, 4);
	feed(&e, "32 06 0001 'a' 0007 'x'");
	assert_int_equal(e.messages, 1);
	topic = e.last.topic;
	payload = e.last.payload;
	connect_to(e.in, 4, true);
	assert_true(span_eq(topic, SPAN("a")) && span_eq(payload, SPAN("x")));
	receiver_ack(e.in, e.token);
	assert_int_equal(receiver_output(e.in).n, 0);
	end(&e);
}

static void
a_broken_property_stays_with_its_packet(void **state)
{
	struct eater e = {.takes = true};

	(void)state;
	begin(&e, 5);
	feed(&e, "30 0b 0001 'a' 07 26 0001 'b' 0009 'x'");
	assert_int_equal(receiver_state(e.in).fault, PACKET_TOO_SHORT);
	connect_to(e.in, 5, true);
	feed(&e, "30 05 0001 'a' 00 'x'");
	assert_string_equal(buf_str(&e.got), "a=x |");
	assert_int_equal(e.last.props.users, 0);
	end(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_handshake_goes_first),
	    cmocka_unit_test(a_broken_property_stays_with_its_packet),
	    cmocka_unit_test(a_handshake_that_fails_says_why),
	    cmocka_unit_test(a_batch_that_is_out_does_not_stop_a_handshake),
	    cmocka_unit_test(all_qos_are_acknowledged_in_order_when_durable),
	    cmocka_unit_test(any_split_of_the_bytes_gives_the_same),
	    cmocka_unit_test(nothing_is_read_while_spans_are_in_use),
	    cmocka_unit_test(a_token_covers_the_batches_before_it),
	    cmocka_unit_test(qos_2_comes_again_until_it_was_acknowledged),
	    cmocka_unit_test(a_forgotten_session_forgets_what_was_received),
	    cmocka_unit_test(what_the_broker_waits_for_is_counted),
	    cmocka_unit_test(pubrel_of_an_earlier_process_is_answered),
	    cmocka_unit_test(a_lost_connection_loses_its_acknowledgements),
	    cmocka_unit_test(half_a_packet_dies_with_its_connection),
	    cmocka_unit_test(spans_outlive_the_connection),
	    cmocka_unit_test(properties_are_passed_on),
	    cmocka_unit_test(properties_do_not_stay),
	    cmocka_unit_test(many_user_properties_stay_apart),
	    cmocka_unit_test(aliases_stand_for_topics),
	    cmocka_unit_test(an_alias_in_use_is_not_changed),
	    cmocka_unit_test(a_large_packet_is_skipped),
	    cmocka_unit_test(a_huge_packet_needs_no_memory),
	    cmocka_unit_test(poison_topics_are_rejects),
	    cmocka_unit_test(every_malformed_packet_is_a_fault),
	    cmocka_unit_test(messages_before_a_fault_are_handed_out),
	    cmocka_unit_test(the_brokers_farewell_has_its_reason),
	    cmocka_unit_test(more_messages_than_identifiers_are_a_fault),
	    cmocka_unit_test(a_limit_leaves_the_rest_alone),
	    cmocka_unit_test(a_limit_raised_in_a_batch_goes_on_at_once),
	    cmocka_unit_test(user_properties_do_not_split_batches),
	    cmocka_unit_test(unread_answers_stop_the_reading),
	    cmocka_unit_test(read_answers_need_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
