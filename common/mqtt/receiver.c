/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/receiver.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "mqtt/receiver_int.h"

bool
receiver_fail(struct receiver *in, enum packet_fault fault)
{
	in->state.fault = fault;
	return false;
}

void
receiver_hand_out(struct receiver *in)
{
	size_t n = (size_t)(in->next - in->v);

	if (n == 0)
		return;
	in->next = in->v;
	in->held = true;
	in->handed = in->seq;
	in->events.batch(in->arg, in->v, n, in->seq);
}

bool
receiver_hand_out_first(struct receiver *in)
{
	receiver_hand_out(in);
	in->again = !in->held;
	return false;
}

void
receiver_settle(struct receiver *in)
{
	ack_queue_settle(&in->acks, in->durable, &in->output);
}

/* PUBCOMP must not overtake the PUBREC of a message that is not durable yet. */
static bool
on_pubrel(struct receiver *in, const struct packet *f, struct span body)
{
	uint16_t mid;
	enum packet_fault fault = packet_pubrel(&mid, f, body);

	if (fault != PACKET_OK)
		return receiver_fail(in, fault);
	ack_queue_forget_received(&in->acks, mid);
	if (!receiver_owe(in, PACKET_PUBCOMP, mid))
		return false;
	receiver_settle(in);
	return true;
}

static bool
on_suback(struct receiver *in, const struct packet *f, struct span body)
{
	struct span reasons;
	uint16_t mid;
	enum packet_fault fault = packet_suback(&mid, &reasons, f, body, in->version);

	if (fault != PACKET_OK)
		return receiver_fail(in, fault);
	in->events.answered(in->arg, mid, (uint8_t)reasons.p[0]);
	return true;
}

/* Whatever it says: that there was no such subscription is as good. */
static bool
on_unsuback(struct receiver *in, const struct packet *f, struct span body)
{
	if (f->flags != 0)
		return receiver_fail(in, PACKET_BAD_FLAGS);
	return body.n >= 2 || receiver_fail(in, PACKET_TOO_SHORT);
}

static bool
on_pingresp(struct receiver *in, const struct packet *f, struct span body)
{
	if (f->flags != 0)
		return receiver_fail(in, PACKET_BAD_FLAGS);
	return body.n == 0 || receiver_fail(in, PACKET_TOO_LONG);
}

static bool
on_disconnect(struct receiver *in, const struct packet *f, struct span body)
{
	enum packet_fault fault = packet_disconnect(&in->state.reason, f, body);

	if (in->version != 5)
		return receiver_fail(in, PACKET_BAD_TYPE);
	if (fault != PACKET_OK)
		return receiver_fail(in, fault);
	in->state.left = true;
	return false;
}

static bool
on_unasked(struct receiver *in, const struct packet *f, struct span body)
{
	(void)f;
	(void)body;
	return receiver_fail(in, PACKET_UNASKED);
}

static bool (*const handlers[16])(
    struct receiver *, const struct packet *, struct span) = {
    [PACKET_CONNACK] = on_unasked,
    [PACKET_PUBLISH] = receiver_publish,
    [PACKET_PUBACK] = on_unasked,
    [PACKET_PUBREC] = on_unasked,
    [PACKET_PUBREL] = on_pubrel,
    [PACKET_PUBCOMP] = on_unasked,
    [PACKET_SUBACK] = on_suback,
    [PACKET_UNSUBACK] = on_unsuback,
    [PACKET_PINGRESP] = on_pingresp,
    [PACKET_DISCONNECT] = on_disconnect,
    [PACKET_AUTH] = on_unasked,
};

/* One packet. False when there is none to be done now. */
static bool
step(struct receiver *in)
{
	const char *p = in->buffer + in->at;
	struct packet f = {0};
	int whole;

	if (in->skip > 0)
		return receiver_skip(in);
	whole = packet_read(&f, p, in->end - in->at);
	if (whole <= 0)
		return whole < 0 ? receiver_fail(in, PACKET_BAD_LENGTH) : false;
	if (handlers[f.type] == NULL)
		return receiver_fail(in, PACKET_BAD_TYPE);
	if ((uint64_t)f.head + f.body > in->opts.max_packet)
		return receiver_begin_skip(in, &f);
	if (!receiver_is_there(in, &f, f.body) ||
	    !handlers[f.type](in, &f, (struct span){p + f.head, f.body}))
		return false;
	in->at += f.head + f.body;
	in->need = 0;
	return true;
}

static bool
may_go_on(const struct receiver *in)
{
	return !in->held && !in->stopped && in->left > 0 &&
	    in->state.fault == PACKET_OK && !in->state.left;
}

/* Packets, one after the other, as long as nothing but the next one matters. True: no more of them before
 * those that are there are handed out, which may raise the limit. */
static bool
steps(struct receiver *in)
{
	while (in->next < in->v + BATCH && in->left > 0 && !in->stopped) {
		if (!step(in))
			return false;
	}
	return true;
}

void
receiver_go_on(struct receiver *in)
{
	while (may_go_on(in)) {
		in->again = false;
		if (steps(in))
			receiver_hand_out(in);
		else if (!in->again)
			break;
	}
	receiver_hand_out(in);
}

void
receiver_got(struct receiver *in, size_t n, int64_t now_us)
{
	in->end += n;
	memset(in->buffer + in->end, 0, ASCII_PLAIN_PADDING);
	in->now = now_us;
	receiver_go_on(in);
}

char *
receiver_room(struct receiver *in, size_t *n)
{
	*n = 0;
	if (!may_go_on(in) || in->output.n - in->sent > OUTPUT_MOST)
		return NULL;
	if (in->at > 0)
		memmove(in->buffer, in->buffer + in->at, in->end - in->at);
	in->end -= in->at;
	in->at = 0;
	if (in->need > in->room) {
		in->buffer = xrealloc(in->buffer, in->need + ASCII_PLAIN_PADDING);
		in->room = in->need;
	}
	*n = in->room - in->end;
	return in->buffer + in->end;
}

struct receiver *
receiver_new(
    const struct receiver_opts *opts, const struct receiver_events *events, void *arg)
{
	struct receiver *in = xcalloc(1, sizeof(*in));

	in->opts = *opts;
	in->events = *events;
	in->arg = arg;
	in->next = in->v;
	in->left = SIZE_MAX;
	in->room = READ_BUFFER;
	in->buffer = xmalloc(in->room + ASCII_PLAIN_PADDING);
	return in;
}

void
receiver_free(struct receiver *in)
{
	if (in == NULL)
		return;
	ack_queue_free(&in->acks);
	topic_alias_release(&in->aliases);
	buf_release(&in->output);
	buf_release(&in->large_bytes);
	free(in->buffer);
	free(in->pairs);
	free(in);
}

/* Spans of a batch that is out stay as they are: the bytes are only moved when it is taken. */
void
receiver_connect(struct receiver *in, int version, bool session_present)
{
	in->version = version;
	in->state = (struct receiver_state){0};
	in->at = in->end;
	in->need = 0;
	in->skip = 0;
	buf_clear(&in->output);
	in->sent = 0;
	ack_queue_reset(&in->acks, session_present);
	topic_alias_reset(&in->aliases);
}

struct receiver_state
receiver_state(const struct receiver *in)
{
	return in->state;
}

struct span
receiver_output(const struct receiver *in)
{
	struct span all = buf_as_span(&in->output);

	return (struct span){all.p + in->sent, all.n - in->sent};
}

void
receiver_sent(struct receiver *in, size_t n)
{
	in->sent += n;
	if (in->sent == in->output.n) {
		buf_clear(&in->output);
		in->sent = 0;
	} else if (in->sent > OUTPUT_MOST) {
		buf_shift(&in->output, in->sent);
		in->sent = 0;
	}
}

struct buf *
receiver_packets(struct receiver *in)
{
	return &in->output;
}

void
receiver_release(struct receiver *in, uint64_t token)
{
	size_t i;

	if (token < in->handed)
		return;
	in->held = false;
	in->pairs_n = 0;
	for (i = 0; in->with_props && i < BATCH; i++)
		in->v[i].props = (struct msg_props){0};
	in->with_props = false;
}

void
receiver_ack(struct receiver *in, uint64_t token)
{
	if (token > in->durable && token <= in->handed)
		in->durable = token;
	receiver_release(in, token);
	receiver_settle(in);
}

void
receiver_limit(struct receiver *in, size_t n)
{
	in->left = n;
}

void
receiver_stop(struct receiver *in)
{
	in->stopped = true;
}

size_t
receiver_unacknowledged(const struct receiver *in)
{
	return ack_queue_waited_for(&in->acks);
}

bool
receiver_is_acked(const struct receiver *in)
{
	return in->durable >= in->handed;
}
