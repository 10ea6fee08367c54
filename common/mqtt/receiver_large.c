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
    struct receiver *r, const struct packet *f, struct span *body, struct span *props)
{
	size_t most = least(f->body, READ_BUFFER - PACKET_HEAD_MAX);
	enum packet_fault fault;

	*body = (struct span){
	    r->buffer + r->at + f->head, least(f->body, HEAD_MOST + SAMPLE)};
	if (!receiver_is_there(r, f, body->n))
		return false;
	fault = packet_publish(&r->large_msg, props, f, *body, r->version);
	if (fault == PACKET_TOO_SHORT && body->n < most) {
		body->n = most;
		if (!receiver_is_there(r, f, most))
			return false;
		fault = packet_publish(&r->large_msg, props, f, *body, r->version);
	}
	if (fault == PACKET_TOO_SHORT && most < f->body)
		fault = packet_publish(&r->large_msg, props, f, *body, 4);
	return fault == PACKET_OK || receiver_fail(r, fault);
}

static void
keep_large(struct receiver *r, size_t size)
{
	struct msg *m = &r->large_msg;
	size_t sample = least(m->payload.n, SAMPLE), topic = m->topic.n;

	buf_clear(&r->large_bytes);
	buf_span(&r->large_bytes, m->topic);
	buf_put(&r->large_bytes, m->payload.p, sample);
	m->topic = (struct span){r->large_bytes.p, topic};
	m->payload = (struct span){r->large_bytes.p + topic, sample};
	m->size = size;
	m->props = (struct msg_props){0};
	if (m->reject == NULL)
		m->reject = "size";
}

/* What is kept of it points to bytes of its own: those of the one before are no longer needed. */
bool
receiver_begin_skip(struct receiver *r, const struct packet *f)
{
	struct span body, props;
	struct msg *m = &r->large_msg;

	if (f->type != PACKET_PUBLISH)
		return receiver_fail(r, PACKET_TOO_LARGE);
	if (r->next > r->v)
		return receiver_hand_out_first(r);
	if (!read_large(r, f, &body, &props) || !receiver_complete(r, m, props))
		return false;
	r->pairs_n = 0;
	keep_large(r, f->body - (size_t)(m->payload.p - body.p));
	r->skip = (uint64_t)f->head + f->body;
	return true;
}

bool
receiver_skip(struct receiver *r)
{
	size_t n = r->end - r->at;

	if (n > r->skip)
		n = (size_t)r->skip;
	r->at += n;
	r->skip -= n;
	r->need = 0;
	if (r->skip > 0)
		return false;
	*r->next = r->large_msg;
	return receiver_deliver(r);
}
