/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packet readers alone, on bytes of exactly the length that they are told of. */
#include <stdlib.h>

#include "base/mem.h"
#include "mqtt/packet.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static void
within(struct span part, struct span whole)
{
	require(part.p == NULL || part.n == 0 ||
	    (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void
read_properties(struct span props, struct span body)
{
	size_t users = packet_user_count(props), i;
	struct span *pairs = xcalloc(users * 2 + 1, sizeof(*pairs));
	struct msg_props out;
	uint16_t alias;

	require(users <= props.n / 5 + 1);
	if (packet_properties(props, &out, pairs, &alias) == PACKET_OK) {
		require(out.users == users);
		within(out.content_type, body);
		within(out.response_topic, body);
		within(out.correlation, body);
		for (i = 0; i < users * 2; i++)
			within(out.user[i], body);
	}
	free(pairs);
}

/* How many bytes the value of a CONNACK's property has, behind its identifier; 0: there is no such one. A table
 * of its own: libmosquitto aborts the program where packet.c's is wrong. */
static size_t
value_bytes(const uint8_t *p, size_t n)
{
	size_t first;

	switch (p[0]) {
	case 0x24:
	case 0x25:
	case 0x28:
	case 0x29:
	case 0x2A: return 1;
	case 0x13:
	case 0x21:
	case 0x22: return 2;
	case 0x11:
	case 0x27: return 4;
	case 0x12:
	case 0x15:
	case 0x16:
	case 0x1A:
	case 0x1C:
	case 0x1F:
	case 0x26:
		require(n >= 3);
		first = 2 + ((size_t)p[1] << 8 | p[2]);
		if (p[0] != 0x26)
			return first;
		require(n >= first + 3);
		return first + 2 + ((size_t)p[1 + first] << 8 | p[2 + first]);
	default: return 0;
	}
}

/* Which begins with the byte that says how long the list is. */
static void
all_properties_are_known(const uint8_t *p, size_t n)
{
	size_t head = 1, value;

	while ((p[head - 1] & 0x80) != 0)
		head++;
	for (p += head, n -= head; n > 0; p += 1 + value, n -= 1 + value) {
		value = value_bytes(p, n);
		require(value > 0 && value < n);
	}
}

static void
read_connack(const uint8_t *data, size_t size)
{
	struct packet f = {0};
	struct packet_connack said;
	const struct span all = {(const char *)data, size};
	bool whole, half;

	if (packet_connack(&said, &whole, (const char *)data, size, 4) == PACKET_OK &&
	    whole)
		require(packet_read(&f, (const char *)data, size) == 1 && f.body >= 2);
	if (packet_connack(&said, &whole, (const char *)data, size, 5) != PACKET_OK ||
	    !whole)
		return;
	require(packet_read(&f, (const char *)data, size) == 1);
	require(f.type == PACKET_CONNACK && f.flags == 0 && f.body >= 2 &&
	    f.body <= size - f.head);
	require(packet_connack(&said, &half, (const char *)data, f.head + f.body - 1,
		    5) == PACKET_OK);
	require(!half);
	if (f.body > 2)
		all_properties_are_known(data + f.head + 2, f.body - 2);
	within(said.assigned_id, all);
	within(said.reason_text, all);
	within(said.response_information, all);
	within(said.server_reference, all);
	within(said.auth_method, all);
	within(said.auth_data, all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet f = {0};
	struct msg m;
	struct span body, props, reasons;
	uint16_t mid;
	uint8_t reason;
	int version;

	read_connack(data, size);
	if (packet_read(&f, (const char *)data, size) != 1 || f.body > size - f.head)
		return 0;
	body = (struct span){(const char *)data + f.head, f.body};
	for (version = 4; version <= 5; version++) {
		if (packet_publish(&m, &props, &f, body, version) == PACKET_OK) {
			within(m.topic, body);
			within(m.payload, body);
			within(props, body);
			read_properties(props, body);
		}
		if (packet_suback(&mid, &reasons, &f, body, version) == PACKET_OK)
			within(reasons, body);
	}
	packet_pubrel(&mid, &f, body);
	packet_disconnect(&reason, &f, body);
	return 0;
}
