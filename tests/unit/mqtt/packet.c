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
	bool whole;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes k = bytes_of(cases[i].hex);

		for (n = 0; n < k.n; n++) {
			assert_int_equal(
			    packet_connack(&whole, k.p, n, cases[i].version), PACKET_OK);
			assert_false(whole);
		}
		fault = packet_connack(&whole, k.p, k.n, cases[i].version);
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
	bool whole;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes k = bytes_of(cases[i].hex);

		assert_int_equal(packet_connack(&whole, k.p, k.n, 5), cases[i].fault);
		assert_false(whole);
		assert_int_equal(packet_connack(&whole, k.p, k.n, 4), cases[i].fault);
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
		bool whole, is_known = id != 0 && strchr(known, id) != NULL;

		assert_int_equal(packet_connack(&whole, p, sizeof(p), 5),
		    is_known ? PACKET_TOO_SHORT : PACKET_BAD_PROPERTY);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_connack_is_sound_or_has_a_fault),
	    cmocka_unit_test(another_beginning_is_a_fault_at_once),
	    cmocka_unit_test(no_other_property_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
