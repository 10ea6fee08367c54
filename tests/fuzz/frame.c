/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packet readers alone, on bytes of exactly the length that they are told of. */
#include <stdlib.h>

#include "base/mem.h"
#include "net/frame.h"

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
	size_t users = frame_user_count(props), i;
	struct span *pairs = xcalloc(users * 2 + 1, sizeof(*pairs));
	struct msg_props out;
	uint16_t alias;

	require(users <= props.n / 5 + 1);
	if (frame_properties(props, &out, pairs, &alias) == FRAME_OK) {
		require(out.users == users);
		within(out.content_type, body);
		within(out.response_topic, body);
		within(out.correlation, body);
		for (i = 0; i < users * 2; i++)
			within(out.user[i], body);
	}
	free(pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f = {0};
	struct msg m;
	struct span body, props, reasons;
	uint16_t mid;
	uint8_t reason;
	int version;

	if (frame_read(&f, (const char *)data, size) != 1 || f.body > size - f.head)
		return 0;
	body = (struct span){(const char *)data + f.head, f.body};
	for (version = 4; version <= 5; version++) {
		if (frame_publish(&m, &props, &f, body, version) == FRAME_OK) {
			within(m.topic, body);
			within(m.payload, body);
			within(props, body);
			read_properties(props, body);
		}
		if (frame_suback(&mid, &reasons, &f, body, version) == FRAME_OK)
			within(reasons, body);
	}
	frame_pubrel(&mid, &f, body);
	frame_disconnect(&reason, &f, body);
	return 0;
}
