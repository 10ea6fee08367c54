/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/receiver_int.h"

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Takes apart the beginning of a packet that is too large. Properties that are too large themselves
 * count as payload. */
static bool
read_large(
    struct receiver *in, const struct packet *f, struct span *body, struct span *props)
{
	size_t most = least(f->body, READ_BUFFER - PACKET_HEAD_MAX);
	enum packet_fault fault;

	*body = (struct span){
	    in->buffer + in->at + f->head, least(f->body, HEAD_MOST + SAMPLE)};
	if (!receiver_is_there(in, f, body->n))
		return false;
	fault = packet_publish(&in->large_msg, props, f, *body, in->version);
	if (fault == PACKET_TOO_SHORT && body->n < most) {
		body->n = most;
		if (!receiver_is_there(in, f, most))
			return false;
		fault = packet_publish(&in->large_msg, props, f, *body, in->version);
	}
	if (fault == PACKET_TOO_SHORT && most < f->body)
		fault = packet_publish(&in->large_msg, props, f, *body, 4);
	return fault == PACKET_OK || receiver_fail(in, fault);
}

static void
keep_large(struct receiver *in, size_t size)
{
	struct msg *m = &in->large_msg;
	size_t sample = least(m->payload.n, SAMPLE), topic = m->topic.n;

	buf_clear(&in->large_bytes);
	buf_span(&in->large_bytes, m->topic);
	buf_put(&in->large_bytes, m->payload.p, sample);
	m->topic = (struct span){in->large_bytes.p, topic};
	m->payload = (struct span){in->large_bytes.p + topic, sample};
	m->size = size;
	m->props = (struct msg_props){0};
	if (m->reject == NULL)
		m->reject = "size";
}

/* What is kept of it points to bytes of its own: those of the one before are no longer needed. */
bool
receiver_begin_skip(struct receiver *in, const struct packet *f)
{
	struct span body, props;
	struct msg *m = &in->large_msg;

	if (f->type != PACKET_PUBLISH)
		return receiver_fail(in, PACKET_TOO_LARGE);
	if (in->next > in->v)
		return receiver_hand_out_first(in);
	if (!read_large(in, f, &body, &props) || !receiver_complete(in, m, props))
		return false;
	in->pairs_n = 0;
	keep_large(in, f->body - (size_t)(m->payload.p - body.p));
	in->skip = (uint64_t)f->head + f->body;
	return true;
}

bool
receiver_skip(struct receiver *in)
{
	size_t n = in->end - in->at;

	if (n > in->skip)
		n = (size_t)in->skip;
	in->at += n;
	in->skip -= n;
	in->need = 0;
	if (in->skip > 0)
		return false;
	*in->next = in->large_msg;
	return receiver_deliver(in);
}
