/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole state machine under a hostile broker and a consumer of moods. Input: one byte of options, then
 * steps: one byte that says what happens, and how many of the bytes behind it the broker sends. Laws: spans
 * can be read as long as they are held; no message is acknowledged that was not durable; nothing grows
 * without bound. */
#include <stdlib.h>

#include "base/mem.h"
#include "mqtt/receiver.h"

enum { MOST_MEMORY = 4096, MOST_OUTPUT = 300 << 10 };

struct world {
	struct receiver *in;
	uint8_t mood;
	uint64_t token, durable, seq;
	struct {
		uint64_t seq;
		uint16_t mid;
		bool owed;
	} out[MOST_MEMORY]; /* messages of QoS 1 and 2 */
	size_t n;
	const struct msg *held;
	size_t held_n;
};

static volatile unsigned sum;

static void
require(bool law)
{
	if (!law)
		abort();
}

static void
touch(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
}

static void
touch_all(const struct world *w)
{
	size_t i, j;

	for (i = 0; i < w->held_n; i++) {
		const struct msg *m = &w->held[i];

		require(m->topic.n > 0);
		touch(m->topic);
		touch(m->payload);
		touch(m->props.content_type);
		touch(m->props.response_topic);
		touch(m->props.correlation);
		for (j = 0; j < m->props.users * 2; j++)
			touch(m->props.user[j]);
	}
}

static void
take(struct world *w)
{
	touch_all(w);
	w->held_n = 0;
	receiver_release(w->in, w->token);
}

static void
make_durable(struct world *w)
{
	take(w);
	w->durable = w->token;
	receiver_ack(w->in, w->token);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct world *w = arg;
	size_t i;

	require(w->held_n == 0 && n > 0 && token == w->seq + n);
	for (i = 0; i < n; i++) {
		w->seq++;
		if (m[i].qos > 0 && w->n < MOST_MEMORY) {
			w->out[w->n].seq = w->seq;
			w->out[w->n].owed = true;
			w->out[w->n++].mid = m[i].mid;
		}
	}
	w->token = token;
	w->held = m;
	w->held_n = n;
	if ((w->mood & 3) == 1)
		take(w);
	else if ((w->mood & 3) == 2)
		make_durable(w);
}

static void
on_answered(void *arg, uint16_t mid, uint8_t reason)
{
	(void)arg;
	sum += mid + reason;
}

/* Each PUBACK is for a durable message that nobody acknowledged yet. (A PUBREC may also answer a
 * redelivery, and a PUBCOMP anything.) */
static void
check_output(struct world *w)
{
	struct span out = receiver_output(w->in);
	size_t at, i;

	require(out.n <= MOST_OUTPUT && out.n % 4 == 0);
	for (at = 0; at < out.n; at += 4) {
		uint16_t mid = (uint16_t)((unsigned char)out.p[at + 2] << 8 |
		    (unsigned char)out.p[at + 3]);

		if ((unsigned char)out.p[at] != PACKET_PUBACK << 4 || w->n == MOST_MEMORY)
			continue;
		for (i = 0; i < w->n; i++) {
			if (w->out[i].owed && w->out[i].mid == mid &&
			    w->out[i].seq <= w->durable)
				break;
		}
		require(i < w->n);
		w->out[i].owed = false;
	}
	receiver_sent(w->in, out.n);
}

static size_t
send_some(struct world *w, const uint8_t *p, size_t n)
{
	size_t room;
	char *to = receiver_room(w->in, &room);

	require(room <= 1 << 20);
	if (room == 0)
		return 0;
	n = n < room ? n : room;
	memcpy(to, p, n);
	receiver_got(w->in, n, 1);
	return n;
}

/* A CONNACK, unless the broker's own bytes are to be one. */
static void
connect_to(struct world *w, int version, bool present, bool wild)
{
	const struct packet_connect c = {.version = version, .client_id = "a"};
	const uint8_t connack[] = {0x20, version == 5 ? 3 : 2, present, 0, 0};
	size_t at = 0;

	w->n = 0;
	receiver_connect(w->in, &c);
	receiver_sent(w->in, receiver_output(w->in).n);
	while (!wild && receiver_state(w->in).shaking)
		at += send_some(w, connack + at, sizeof(connack) - at);
}

static void
look_at_connack(const struct world *w)
{
	const struct packet_connack *said = receiver_connack(w->in);

	touch(said->assigned_id);
	touch(said->reason_text);
	touch(said->response_information);
	touch(said->server_reference);
	touch(said->auth_method);
	touch(said->auth_data);
}

static void
reconnect(struct world *w, int version, bool present, bool wild)
{
	check_output(w);
	connect_to(w, version, present, wild);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct receiver_events events = {on_batch, on_answered};
	uint8_t options = size > 0 ? data[0] : 0;
	const struct receiver_opts opts = {.max_packet = options & 4 ? 40 : 1 << 20};
	int version = options & 1 ? 5 : 4;
	struct world *w = xcalloc(1, sizeof(*w));
	size_t at = 1;

	w->in = receiver_new(&opts, &events, w);
	connect_to(w, version, (options & 8) != 0, (options & 16) != 0);
	while (at < size) {
		uint8_t what = data[at++];
		size_t n = what >> 3;

		w->mood = what & 7;
		if (w->mood == 3)
			take(w);
		else if (w->mood == 4)
			make_durable(w);
		else if (w->mood == 5)
			check_output(w);
		else if (w->mood == 6)
			reconnect(w, version, (what & 8) != 0, (what & 16) != 0);
		else
			at += send_some(w, data + at, n < size - at ? n : size - at);
		receiver_go_on(w->in);
	}
	touch_all(w);
	look_at_connack(w);
	check_output(w);
	receiver_free(w->in);
	free(w);
	return 0;
}
