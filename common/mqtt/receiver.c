/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/receiver.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/ascii.h"
#include "mqtt/receiver_int.h"

bool
intake_fail(struct intake *in, enum frame_fault fault)
{
	in->state.fault = fault;
	return false;
}

void
intake_hand_out(struct intake *in)
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
intake_hand_out_first(struct intake *in)
{
	intake_hand_out(in);
	in->again = !in->held;
	return false;
}

void
intake_settle(struct intake *in)
{
	acks_settle(&in->acks, in->durable, &in->output);
}

/* PUBCOMP must not overtake the PUBREC of a message that is not durable yet. */
static bool
on_pubrel(struct intake *in, const struct frame *f, struct span body)
{
	uint16_t mid;
	enum frame_fault fault = frame_pubrel(&mid, f, body);

	if (fault != FRAME_OK)
		return intake_fail(in, fault);
	acks_forget_received(&in->acks, mid);
	if (!intake_owe(in, FRAME_PUBCOMP, mid))
		return false;
	intake_settle(in);
	return true;
}

static bool
on_suback(struct intake *in, const struct frame *f, struct span body)
{
	struct span reasons;
	uint16_t mid;
	enum frame_fault fault = frame_suback(&mid, &reasons, f, body, in->version);

	if (fault != FRAME_OK)
		return intake_fail(in, fault);
	in->events.answered(in->arg, mid, (uint8_t)reasons.p[0]);
	return true;
}

/* Whatever it says: that there was no such subscription is as good. */
static bool
on_unsuback(struct intake *in, const struct frame *f, struct span body)
{
	if (f->flags != 0)
		return intake_fail(in, FRAME_BAD_FLAGS);
	return body.n >= 2 || intake_fail(in, FRAME_TOO_SHORT);
}

static bool
on_pingresp(struct intake *in, const struct frame *f, struct span body)
{
	if (f->flags != 0)
		return intake_fail(in, FRAME_BAD_FLAGS);
	return body.n == 0 || intake_fail(in, FRAME_TOO_LONG);
}

static bool
on_disconnect(struct intake *in, const struct frame *f, struct span body)
{
	enum frame_fault fault = frame_disconnect(&in->state.reason, f, body);

	if (in->version != 5)
		return intake_fail(in, FRAME_BAD_TYPE);
	if (fault != FRAME_OK)
		return intake_fail(in, fault);
	in->state.left = true;
	return false;
}

static bool
on_unasked(struct intake *in, const struct frame *f, struct span body)
{
	(void)f;
	(void)body;
	return intake_fail(in, FRAME_UNASKED);
}

static bool (*const handlers[16])(struct intake *, const struct frame *, struct span) = {
    [FRAME_CONNACK] = on_unasked,
    [FRAME_PUBLISH] = intake_publish,
    [FRAME_PUBACK] = on_unasked,
    [FRAME_PUBREC] = on_unasked,
    [FRAME_PUBREL] = on_pubrel,
    [FRAME_PUBCOMP] = on_unasked,
    [FRAME_SUBACK] = on_suback,
    [FRAME_UNSUBACK] = on_unsuback,
    [FRAME_PINGRESP] = on_pingresp,
    [FRAME_DISCONNECT] = on_disconnect,
    [FRAME_AUTH] = on_unasked,
};

/* One packet. False when there is none to be done now. */
static bool
step(struct intake *in)
{
	const char *p = in->buffer + in->at;
	struct frame f = {0};
	int whole;

	if (in->skip > 0)
		return intake_skip(in);
	whole = frame_read(&f, p, in->end - in->at);
	if (whole <= 0)
		return whole < 0 ? intake_fail(in, FRAME_BAD_LENGTH) : false;
	if (handlers[f.type] == NULL)
		return intake_fail(in, FRAME_BAD_TYPE);
	if ((uint64_t)f.head + f.body > in->opts.max_packet)
		return intake_begin_skip(in, &f);
	if (!intake_is_there(in, &f, f.body) ||
	    !handlers[f.type](in, &f, (struct span){p + f.head, f.body}))
		return false;
	in->at += f.head + f.body;
	in->need = 0;
	return true;
}

static bool
may_go_on(const struct intake *in)
{
	return !in->held && !in->stopped && in->left > 0 && in->state.fault == FRAME_OK &&
	    !in->state.left;
}

/* Packets, one after the other, as long as nothing but the next one matters. True: no more of them before
 * those that are there are handed out, which may raise the limit. */
static bool
steps(struct intake *in)
{
	while (in->next < in->v + BATCH && in->left > 0 && !in->stopped) {
		if (!step(in))
			return false;
	}
	return true;
}

void
intake_go_on(struct intake *in)
{
	while (may_go_on(in)) {
		in->again = false;
		if (steps(in))
			intake_hand_out(in);
		else if (!in->again)
			break;
	}
	intake_hand_out(in);
}

void
intake_got(struct intake *in, size_t n, int64_t now_us)
{
	in->end += n;
	memset(in->buffer + in->end, 0, PLAIN_PADDING);
	in->now = now_us;
	intake_go_on(in);
}

char *
intake_room(struct intake *in, size_t *n)
{
	*n = 0;
	if (!may_go_on(in) || in->output.n - in->sent > OUTPUT_MOST)
		return NULL;
	if (in->at > 0)
		memmove(in->buffer, in->buffer + in->at, in->end - in->at);
	in->end -= in->at;
	in->at = 0;
	if (in->need > in->room) {
		in->buffer = xrealloc(in->buffer, in->need + PLAIN_PADDING);
		in->room = in->need;
	}
	*n = in->room - in->end;
	return in->buffer + in->end;
}

struct intake *
intake_new(const struct intake_opts *opts, const struct intake_events *events, void *arg)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->opts = *opts;
	in->events = *events;
	in->arg = arg;
	in->next = in->v;
	in->left = SIZE_MAX;
	in->room = READ_BUFFER;
	in->buffer = xmalloc(in->room + PLAIN_PADDING);
	return in;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	acks_free(&in->acks);
	alias_release(&in->aliases);
	buf_release(&in->output);
	buf_release(&in->large_bytes);
	free(in->buffer);
	free(in->pairs);
	free(in);
}

/* Spans of a batch that is out stay as they are: the bytes are only moved when it is taken. */
void
intake_connect(struct intake *in, int version, bool session_present)
{
	in->version = version;
	in->state = (struct intake_state){0};
	in->at = in->end;
	in->need = 0;
	in->skip = 0;
	buf_clear(&in->output);
	in->sent = 0;
	acks_reset(&in->acks, session_present);
	alias_reset(&in->aliases);
}

struct intake_state
intake_state(const struct intake *in)
{
	return in->state;
}

struct span
intake_output(const struct intake *in)
{
	struct span all = buf_as_span(&in->output);

	return (struct span){all.p + in->sent, all.n - in->sent};
}

void
intake_sent(struct intake *in, size_t n)
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
intake_packets(struct intake *in)
{
	return &in->output;
}

void
intake_taken(struct intake *in, uint64_t token)
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
intake_durable(struct intake *in, uint64_t token)
{
	if (token > in->durable && token <= in->handed)
		in->durable = token;
	intake_taken(in, token);
	intake_settle(in);
}

void
intake_limit(struct intake *in, size_t n)
{
	in->left = n;
}

void
intake_stop(struct intake *in)
{
	in->stopped = true;
}

size_t
intake_unacknowledged(const struct intake *in)
{
	return acks_waited_for(&in->acks);
}

bool
intake_is_durable(const struct intake *in)
{
	return in->durable >= in->handed;
}
