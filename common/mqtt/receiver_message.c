/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ascii.h"
#include "base/mem.h"
#include "mqtt/receiver_int.h"

bool
receiver_deliver(struct receiver *r)
{
	struct msg *m = r->next;
	bool again = m->qos == 2 && m->dup && ack_queue_is_received(&r->acks, m->mid);

	if (!again) {
		r->next++;
		r->seq++;
		r->left--;
	}
	if (m->qos > 0 &&
	    !receiver_owe(r, m->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, m->mid))
		return false;
	if (again) {
		m->props = (struct msg_props){0}; /* the next one's place */
		receiver_settle(r);
	}
	return true;
}

/* Wildcards and control characters, C1 too, and what is no UTF-8. */
static __attribute__((noinline)) bool
is_poison(struct span topic)
{
	size_t i;

	for (i = 0; i + 1 < topic.n; i++) {
		if (topic.p[i] == '\xC2' && (unsigned char)topic.p[i + 1] < 0xA0)
			return true;
	}
	return topic_check_name(topic, NULL) != 0;
}

static void
grow_pairs(struct receiver *r, size_t room)
{
	if (room <= r->pairs_room)
		return;
	r->pairs = xreallocarray(r->pairs, room, sizeof(*r->pairs));
	r->pairs_room = room;
}

static bool
read_properties(struct receiver *r, struct span props, struct msg *m, uint16_t *alias)
{
	size_t n = packet_user_count(props) * 2;
	enum packet_fault fault;

	if (r->pairs_n + n > r->pairs_room) {
		if (r->next > r->v)
			return receiver_hand_out_first(r);
		r->pairs_n = 0;
		grow_pairs(r, n > PAIRS ? n : PAIRS);
	}
	fault = packet_properties(
	    props, &m->props, n > 0 ? r->pairs + r->pairs_n : NULL, alias);
	return fault == PACKET_OK || receiver_fail(r, fault);
}

static bool
use_alias(struct receiver *r, struct msg *m, uint16_t alias)
{
	struct span known = topic_alias_topic(&r->aliases, alias);

	if (m->topic.n == 0) {
		m->topic = known;
		return known.p != NULL || receiver_fail(r, PACKET_BAD_ALIAS);
	}
	if (known.p != NULL && span_eq(known, m->topic))
		return true;
	if (r->next > r->v)
		return receiver_hand_out_first(r);
	return topic_alias_set(&r->aliases, alias, m->topic) ||
	    receiver_fail(r, PACKET_BAD_ALIAS);
}

static __attribute__((noinline)) bool
add_properties(struct receiver *r, struct span props, struct msg *m)
{
	uint16_t alias = 0;

	r->with_props = true;
	if (!read_properties(r, props, m, &alias) ||
	    (alias != 0 && !use_alias(r, m, alias))) {
		m->props = (struct msg_props){0}; /* the next one's place */
		return false;
	}
	r->pairs_n += m->props.users * 2;
	return true;
}

bool
receiver_complete(struct receiver *r, struct msg *m, struct span props)
{
	m->received_us = r->now;
	m->reject = NULL;
	if (props.n > 0 && !add_properties(r, props, m))
		return false;
	if (m->topic.n == 0)
		return receiver_fail(r, PACKET_NO_TOPIC);
	m->plain = ascii_plain_topic((const unsigned char *)m->topic.p, m->topic.n);
	if (!m->plain && is_poison(m->topic))
		m->reject = "topic";
	return true;
}

/* Runs for every message: flatten inlines all that it calls. */
__attribute__((flatten)) bool
receiver_publish(struct receiver *r, const struct packet *f, struct span body)
{
	struct msg *m = r->next;
	struct span props;
	enum packet_fault fault = packet_publish(m, &props, f, body, r->version);

	if (fault != PACKET_OK)
		return receiver_fail(r, fault);
	m->padded = true;
	return receiver_complete(r, m, props) && receiver_deliver(r);
}
