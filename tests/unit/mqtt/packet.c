/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/packet.h"

#include <stdlib.h>

#include "unit.h"

#include "base/mem.h"

/* One CONNACK in hexadecimal; of the exact size, for who watches the memory. */
struct bytes {
	char *p;
	size_t n;
};

static struct bytes
bytes_of(const char *hex)
{
	struct bytes k = {xmalloc(strlen(hex) / 2 + 1), 0};
	char pair[3] = "";

	for (; *hex != '\0'; hex += *hex == ' ' ? 1 : 2) {
		if (*hex == ' ')
			continue;
		memcpy(pair, hex, 2);
		k.p[k.n++] = (char)strtoul(pair, NULL, 16);
	}
	k.p = xrealloc(k.p, k.n);
	return k;
}

static void
a_connack_is_sound_or_has_a_fault(void **state)
{
	static const struct {
		int version;
		const char *hex;
		enum packet_fault fault;
	} cases[] = {
	    {5, "20 05 00 00 02 7f00", PACKET_BAD_PROPERTY},
	    {4, "20 05 00 00 02 7f00", PACKET_OK},
	    {5, "20 05 00 00 02 0100", PACKET_BAD_PROPERTY},
	    {5, "20 06 00 00 03 a60000", PACKET_BAD_PROPERTY},
	    {5, "20 02 00 00", PACKET_OK},
	    {5, "20 02 00 01", PACKET_OK},
	    {5, "20 03 00 87 00", PACKET_OK},
	    {5, "20 83 00 00 00 00", PACKET_OK},
	    {5, "20 00", PACKET_TOO_SHORT},
	    {5, "20 01 00", PACKET_TOO_SHORT},
	    {4, "20 01 00", PACKET_TOO_SHORT},
	    {5, "20 03 00 00 01", PACKET_TOO_SHORT},
	    {5, "20 04 00 00 00 00", PACKET_TOO_LONG},
	    {5, "20 06 00 00 ff ff ff ff", PACKET_TOO_SHORT},
	    {5, "20 06 00 00 03 210000", PACKET_PROPERTY_VALUE},
	    {5, "20 05 00 00 02 2402", PACKET_PROPERTY_VALUE},
	    {5, "20 08 00 00 05 2700000000", PACKET_PROPERTY_VALUE},
	    {5, "20 09 00 00 06 220001 220001", PACKET_PROPERTY_TWICE},
	    {5, "20 04 00 00 01 22", PACKET_TOO_SHORT},
	    {5, "20 06 00 00 03 1f0001", PACKET_TOO_SHORT},
	    {5, "20 08 00 00 05 26000161 00", PACKET_TOO_SHORT},
	    {5, "20 11 00 00 0e 260001610000 2600016100026162", PACKET_OK},
	    {5,
		"20 3f 00 00 3c 1100000001 12000161 13003c 1500016116000161 1a000161"
		"1c0001611f000161 210014220000 24012501 26000161000162 2700100000"
		"28012901 2a00",
		PACKET_OK},
	};
	enum packet_fault fault;
	struct packet_connack said;
	bool whole;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes k = bytes_of(cases[i].hex);

		for (n = 0; n < k.n; n++) {
			assert_int_equal(
			    packet_connack(&said, &whole, k.p, n, cases[i].version),
			    PACKET_OK);
			assert_false(whole);
		}
		fault = packet_connack(&said, &whole, k.p, k.n, cases[i].version);
		if (fault != cases[i].fault)
			print_message("%s: wanted '%s', got '%s'\n", cases[i].hex,
			    packet_fault_text(cases[i].fault), packet_fault_text(fault));
		assert_int_equal(fault, cases[i].fault);
		assert_true(whole);
		free(k.p);
	}
}

/* What needs no more bytes to be wrong. */
static void
another_beginning_is_a_fault_at_once(void **state)
{
	static const struct {
		const char *hex;
		enum packet_fault fault;
	} cases[] = {{"30", PACKET_NO_CONNACK}, {"e0", PACKET_NO_CONNACK},
	    {"10", PACKET_NO_CONNACK}, {"21", PACKET_BAD_FLAGS},
	    {"20 ff ff ff ff", PACKET_BAD_LENGTH}, {"20 81 80 04", PACKET_TOO_LARGE},
	    {"20 ff ff ff 7f", PACKET_TOO_LARGE}, {"20 80 80 04", PACKET_OK}};
	struct packet_connack said;
	bool whole;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes k = bytes_of(cases[i].hex);

		assert_int_equal(
		    packet_connack(&said, &whole, k.p, k.n, 5), cases[i].fault);
		assert_false(whole);
		assert_int_equal(
		    packet_connack(&said, &whole, k.p, k.n, 4), cases[i].fault);
		free(k.p);
	}
}

/* Every identifier that a CONNACK cannot have is a fault, whatever its value would be. */
static void
no_other_property_passes(void **state)
{
	static const char known[] = "\x11\x12\x13\x15\x16\x1a\x1c\x1f\x21\x22\x24\x25\x26"
				    "\x27\x28\x29\x2a";
	int id;

	(void)state;
	for (id = 0; id < 256; id++) {
		const char p[] = {0x20, 4, 0, 0, 1, (char)id};
		struct packet_connack said;
		bool whole, is_known = id != 0 && strchr(known, id) != NULL;

		assert_int_equal(packet_connack(&said, &whole, p, sizeof(p), 5),
		    is_known ? PACKET_TOO_SHORT : PACKET_BAD_PROPERTY);
	}
}

static void
a_connack_says_what_the_broker_can(void **state)
{
	struct bytes k =
	    bytes_of("20 3f 01 87 3c 1100000002 12000161 13003c 1500016216000163 1a000164"
		     "1c0001651f000166 210014220003 24012500 26000161000162 2700100000"
		     "28002900 2a00");
	struct packet_connack said;
	bool whole;

	(void)state;
	assert_int_equal(packet_connack(&said, &whole, k.p, k.n, 5), PACKET_OK);
	assert_true(said.session_present && !said.is_v3 && said.reason == 0x87);
	assert_true(said.session_expiry.given && said.session_expiry.v == 2);
	assert_true(said.keepalive.given && said.keepalive.v == 60);
	assert_true(said.receive_maximum.given && said.receive_maximum.v == 20);
	assert_true(said.topic_aliases.given && said.topic_aliases.v == 3);
	assert_true(said.qos_most.given && said.qos_most.v == 1);
	assert_true(said.packet_most.given && said.packet_most.v == 1 << 20);
	assert_true(said.retain.given && said.retain.v == 0);
	assert_true(said.wildcards.given && said.wildcards.v == 0);
	assert_true(said.subscription_ids.given && said.subscription_ids.v == 0);
	assert_true(said.shared.given && said.shared.v == 0);
	assert_true(span_eq(said.assigned_id, SPAN("a")));
	assert_true(span_eq(said.auth_method, SPAN("b")));
	assert_true(span_eq(said.auth_data, SPAN("c")));
	assert_true(span_eq(said.response_information, SPAN("d")));
	assert_true(span_eq(said.server_reference, SPAN("e")));
	assert_true(span_eq(said.reason_text, SPAN("f")));
	free(k.p);
}

/* A broker of MQTT 3.1.1 says no more to who speaks 5, which is no refusal of anything but that. */
static void
two_bytes_are_of_an_older_broker(void **state)
{
	static const char p[] = {0x20, 2, 0, 1};
	struct packet_connack said;
	bool whole;

	(void)state;
	assert_int_equal(packet_connack(&said, &whole, p, sizeof(p), 5), PACKET_OK);
	assert_true(said.is_v3 && said.reason == 1);
	assert_int_equal(packet_connack(&said, &whole, p, sizeof(p), 4), PACKET_OK);
	assert_true(!said.is_v3 && !said.shared.given);
}

static void
as_many_bytes_as_are_missing_make_it_whole(void **state)
{
	struct bytes k = bytes_of("20 83 01 00 00 80 00");

	(void)state;
	assert_int_equal(packet_missing("", 0), 2);
	assert_int_equal(packet_missing(k.p, 1), 1);
	assert_int_equal(packet_missing(k.p, 2), 1);
	assert_int_equal(packet_missing(k.p, 3), 131);
	assert_int_equal(packet_missing(k.p, 7), 127);
	assert_int_equal(packet_missing("\x20\x02\x00\x00", 4), 0);
	assert_int_equal(packet_missing("\x20\xff\xff\xff\xff", 5), 0);
	free(k.p);
}

static void
a_connect_has_every_field(void **state)
{
	static const struct {
		struct packet_connect c;
		const char *hex;
	} cases[] = {
	    {{.version = 4, .clean = true, .keepalive = 60, .client_id = "ab"},
		"10 0e 00044d515454 04 02 003c 00026162"},
	    {{.version = 5, .keepalive = 300, .client_id = "a"},
		"10 0e 00044d515454 05 00 012c 00 000161"},
	    {{.version = 5,
		 .client_id = "a",
		 .session_expiry = 0xFFFFFFFF,
		 .receive_maximum = 1000,
		 .packet_most = 1 << 20,
		 .topic_aliases = 16},
		"10 1e 00044d515454 05 00 0000 10 11ffffffff 220010 2700100000 2103e8 "
		"000161"},
	    {{.version = 5,
		 .clean = true,
		 .client_id = "a",
		 .username = "u",
		 .password = "pw",
		 .will_topic = "t",
		 .will_payload = SPAN("bye"),
		 .will_qos = 1,
		 .will_retain = true},
		"10 1e 00044d515454 05 ee 0000 00 000161 00 000174 0003627965 000175 "
		"00027077"},
	    {{.version = 4,
		 .client_id = "a",
		 .username = "u",
		 .will_topic = "t",
		 .session_expiry = 9,
		 .will_qos = 2},
		"10 15 00044d515454 04 94 0000 000161 000174 0000 000175"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes k = bytes_of(cases[i].hex);
		struct buf out = {0};

		packet_put_connect(&out, &cases[i].c);
		assert_int_equal(out.n, k.n);
		assert_memory_equal(out.p, k.p, k.n);
		buf_release(&out);
		free(k.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_connack_is_sound_or_has_a_fault),
	    cmocka_unit_test(another_beginning_is_a_fault_at_once),
	    cmocka_unit_test(no_other_property_passes),
	    cmocka_unit_test(a_connack_says_what_the_broker_can),
	    cmocka_unit_test(two_bytes_are_of_an_older_broker),
	    cmocka_unit_test(as_many_bytes_as_are_missing_make_it_whole),
	    cmocka_unit_test(a_connect_has_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
