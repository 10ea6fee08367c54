/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/receiver.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "mqtt/receiver_int.h"

bool
receiver_fail(struct receiver *r, enum packet_fault fault)
{
	r->state.fault = fault;
	return false;
}

void
receiver_hand_out(struct receiver *r)
{
	size_t n = (size_t)(r->next - r->v);

	if (n == 0)
		return;
	r->next = r->v;
	r->lent = true;
	r->handed_out = r->seq;
	r->events.batch(r->arg, r->v, n, r->seq);
}

bool
receiver_hand_out_first(struct receiver *r)
{
	receiver_hand_out(r);
	r->again = !r->lent;
	return false;
}

void
receiver_settle(struct receiver *r)
{
	ack_queue_settle(&r->acks, r->acked, &r->output);
}

/* PUBCOMP must not overtake the PUBREC of a message that is not acked yet. */
static bool
on_pubrel(struct receiver *r, const struct packet *f, struct span body)
{
	uint16_t mid;
	enum packet_fault fault = packet_pubrel(&mid, f, body);

	if (fault != PACKET_OK)
		return receiver_fail(r, fault);
	ack_queue_forget_received(&r->acks, mid);
	if (!receiver_owe(r, PACKET_PUBCOMP, mid))
		return false;
	receiver_settle(r);
	return true;
}

static bool
on_suback(struct receiver *r, const struct packet *f, struct span body)
{
	struct span reasons;
	uint16_t mid;
	enum packet_fault fault = packet_suback(&mid, &reasons, f, body, r->version);

	if (fault != PACKET_OK)
		return receiver_fail(r, fault);
	r->events.answered(r->arg, mid, (uint8_t)reasons.p[0]);
	return true;
}

/* Whatever it says: that there was no such subscription is as good. */
static bool
on_unsuback(struct receiver *r, const struct packet *f, struct span body)
{
	if (f->flags != 0)
		return receiver_fail(r, PACKET_BAD_FLAGS);
	return body.n >= 2 || receiver_fail(r, PACKET_TOO_SHORT);
}

static bool
on_pingresp(struct receiver *r, const struct packet *f, struct span body)
{
	if (f->flags != 0)
		return receiver_fail(r, PACKET_BAD_FLAGS);
	return body.n == 0 || receiver_fail(r, PACKET_TOO_LONG);
}

static bool
on_disconnect(struct receiver *r, const struct packet *f, struct span body)
{
	enum packet_fault fault = packet_disconnect(&r->state.reason, f, body);

	if (r->version != 5)
		return receiver_fail(r, PACKET_BAD_TYPE);
	if (fault != PACKET_OK)
		return receiver_fail(r, fault);
	r->state.left = true;
	return false;
}

static bool
on_unasked(struct receiver *r, const struct packet *f, struct span body)
{
	(void)f;
	(void)body;
	return receiver_fail(r, PACKET_UNASKED);
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
step(struct receiver *r)
{
	const char *p = r->buffer + r->at;
	struct packet f = {0};
	int whole;

	if (r->skip > 0)
		return receiver_skip(r);
	whole = packet_read(&f, p, r->end - r->at);
	if (whole <= 0)
		return whole < 0 ? receiver_fail(r, PACKET_BAD_LENGTH) : false;
	if (handlers[f.type] == NULL)
		return receiver_fail(r, PACKET_BAD_TYPE);
	if ((uint64_t)f.head + f.body > r->opts.max_packet)
		return receiver_begin_skip(r, &f);
	if (!receiver_is_there(r, &f, f.body) ||
	    !handlers[f.type](r, &f, (struct span){p + f.head, f.body}))
		return false;
	r->at += f.head + f.body;
	r->need = 0;
	return true;
}

/* Whether the connection is one that packets come from. */
static bool
is_open(const struct receiver *r)
{
	return !r->state.shaking && !r->state.refused && !r->state.left &&
	    r->state.fault == PACKET_OK;
}

static bool
may_go_on(const struct receiver *r)
{
	return !r->lent && !r->stopped && r->left > 0 && is_open(r);
}

/* Packets, one after the other, as long as nothing but the next one matters. True: no more of them before
 * those that are there are handed out, which may raise the limit. */
static bool
steps(struct receiver *r)
{
	while (r->next < r->v + BATCH && r->left > 0 && !r->stopped) {
		if (!step(r))
			return false;
	}
	return true;
}

void
receiver_go_on(struct receiver *r)
{
	while (may_go_on(r)) {
		r->again = false;
		if (steps(r))
			receiver_hand_out(r);
		else if (!r->again)
			break;
	}
	receiver_hand_out(r);
}

/* A CONNACK that came whole, or is broken already. It has bytes of its own: a batch may be out, whose spans
 * point into the others. */
static void
got_connack(struct receiver *r, size_t n)
{
	struct buf *b = &r->connack_bytes;
	bool whole = false;

	b->n += n;
	r->state.begun = true;
	r->state.fault = packet_connack(&r->connack, &whole, b->p, b->n, r->version);
	if (r->state.fault != PACKET_OK || !whole)
		return;
	r->state.shaking = false;
	r->state.refused = r->connack.is_v3 || r->connack.reason != 0;
	if (!r->state.refused)
		ack_queue_reset(&r->acks, r->connack.session_present);
}

void
receiver_got(struct receiver *r, size_t n, int64_t now_us)
{
	if (r->state.shaking) {
		got_connack(r, n);
		return;
	}
	r->end += n;
	memset(r->buffer + r->end, 0, ASCII_PLAIN_PADDING);
	r->now = now_us;
	receiver_go_on(r);
}

char *
receiver_room(struct receiver *r, size_t *n)
{
	*n = 0;
	if (r->state.shaking && r->state.fault == PACKET_OK) {
		*n = packet_missing(r->connack_bytes.p, r->connack_bytes.n);
		return buf_reserve(&r->connack_bytes, *n);
	}
	if (!may_go_on(r) || r->output.n - r->sent > OUTPUT_MOST)
		return NULL;
	if (r->at > 0)
		memmove(r->buffer, r->buffer + r->at, r->end - r->at);
	r->end -= r->at;
	r->at = 0;
	if (r->need > r->room) {
		r->buffer = xrealloc(r->buffer, r->need + ASCII_PLAIN_PADDING);
		r->room = r->need;
	}
	*n = r->room - r->end;
	return r->buffer + r->end;
}

struct receiver *
receiver_new(
    const struct receiver_opts *opts, const struct receiver_events *events, void *arg)
{
	struct receiver *r = xcalloc(1, sizeof(*r));

	r->opts = *opts;
	r->events = *events;
	r->arg = arg;
	r->next = r->v;
	r->left = SIZE_MAX;
	r->room = READ_BUFFER;
	r->buffer = xmalloc(r->room + ASCII_PLAIN_PADDING);
	return r;
}

void
receiver_free(struct receiver *r)
{
	if (r == NULL)
		return;
	ack_queue_free(&r->acks);
	topic_alias_release(&r->aliases);
	buf_release(&r->output);
	buf_release(&r->large_bytes);
	buf_release(&r->connack_bytes);
	free(r->buffer);
	free(r->pairs);
	free(r);
}

/* Spans of a batch that is out stay as they are: the bytes are only moved when it is released. */
void
receiver_connect(struct receiver *r, const struct packet_connect *connect)
{
	r->version = connect->version;
	r->state = (struct receiver_state){.shaking = true};
	r->connack = (struct packet_connack){0};
	buf_clear(&r->connack_bytes);
	r->at = r->end;
	r->need = 0;
	r->skip = 0;
	buf_clear(&r->output);
	r->sent = 0;
	ack_queue_reset(&r->acks, true);
	topic_alias_reset(&r->aliases);
	packet_put_connect(&r->output, connect);
}

const struct packet_connack *
receiver_connack(const struct receiver *r)
{
	return &r->connack;
}

struct receiver_state
receiver_state(const struct receiver *r)
{
	return r->state;
}

struct span
receiver_output(const struct receiver *r)
{
	struct span all = buf_as_span(&r->output);

	return (struct span){all.p + r->sent, all.n - r->sent};
}

void
receiver_sent(struct receiver *r, size_t n)
{
	r->sent += n;
	if (r->sent == r->output.n) {
		buf_clear(&r->output);
		r->sent = 0;
	} else if (r->sent > OUTPUT_MOST) {
		buf_shift(&r->output, r->sent);
		r->sent = 0;
	}
}

struct buf *
receiver_packets(struct receiver *r)
{
	return &r->output;
}

void
receiver_release(struct receiver *r, uint64_t token)
{
	size_t i;

	if (token < r->handed_out)
		return;
	r->lent = false;
	r->pairs_n = 0;
	for (i = 0; r->with_props && i < BATCH; i++)
		r->v[i].props = (struct msg_props){0};
	r->with_props = false;
}

void
receiver_ack(struct receiver *r, uint64_t token)
{
	if (token > r->acked && token <= r->handed_out)
		r->acked = token;
	receiver_release(r, token);
	receiver_settle(r);
}

void
receiver_limit(struct receiver *r, size_t n)
{
	r->left = n;
}

void
receiver_stop(struct receiver *r)
{
	r->stopped = true;
}

size_t
receiver_unacknowledged(const struct receiver *r)
{
	return ack_queue_waited_for(&r->acks);
}

bool
receiver_is_acked(const struct receiver *r)
{
	return r->acked >= r->handed_out;
}
