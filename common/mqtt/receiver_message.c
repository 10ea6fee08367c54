/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ascii.h"
#include "base/mem.h"
#include "mqtt/receiver_int.h"

bool
receiver_deliver(struct receiver *in)
{
	struct msg *m = in->next;
	bool again = m->qos == 2 && m->dup && ack_queue_is_received(&in->acks, m->mid);

	if (!again) {
		in->next++;
		in->seq++;
		in->left--;
	}
	if (m->qos > 0 &&
	    !receiver_owe(in, m->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, m->mid))
		return false;
	if (again) {
		m->props = (struct msg_props){0}; /* the next one's place */
		receiver_settle(in);
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
grow_pairs(struct receiver *in, size_t room)
{
	if (room <= in->pairs_room)
		return;
	in->pairs = xreallocarray(in->pairs, room, sizeof(*in->pairs));
	in->pairs_room = room;
}

static bool
read_properties(struct receiver *in, struct span props, struct msg *m, uint16_t *alias)
{
	size_t n = packet_user_count(props) * 2;
	enum packet_fault fault;

	if (in->pairs_n + n > in->pairs_room) {
		if (in->next > in->v)
			return receiver_hand_out_first(in);
		in->pairs_n = 0;
		grow_pairs(in, n > PAIRS ? n : PAIRS);
	}
	fault = packet_properties(
	    props, &m->props, n > 0 ? in->pairs + in->pairs_n : NULL, alias);
	return fault == PACKET_OK || receiver_fail(in, fault);
}

static bool
use_alias(struct receiver *in, struct msg *m, uint16_t alias)
{
	struct span known = topic_alias_topic(&in->aliases, alias);

	if (m->topic.n == 0) {
		m->topic = known;
		return known.p != NULL || receiver_fail(in, PACKET_BAD_ALIAS);
	}
	if (known.p != NULL && span_eq(known, m->topic))
		return true;
	if (in->next > in->v)
		return receiver_hand_out_first(in);
	return topic_alias_set(&in->aliases, alias, m->topic) ||
	    receiver_fail(in, PACKET_BAD_ALIAS);
}

static __attribute__((noinline)) bool
add_properties(struct receiver *in, struct span props, struct msg *m)
{
	uint16_t alias = 0;

	in->with_props = true;
	if (!read_properties(in, props, m, &alias) ||
	    (alias != 0 && !use_alias(in, m, alias)))
		return false;
	in->pairs_n += m->props.users * 2;
	return true;
}

bool
receiver_complete(struct receiver *in, struct msg *m, struct span props)
{
	m->received_us = in->now;
	m->reject = NULL;
	if (props.n > 0 && !add_properties(in, props, m))
		return false;
	if (m->topic.n == 0)
		return receiver_fail(in, PACKET_NO_TOPIC);
	m->plain = ascii_plain_topic((const unsigned char *)m->topic.p, m->topic.n);
	if (!m->plain && is_poison(m->topic))
		m->reject = "topic";
	return true;
}

/* The one that runs for every message: its parts are worth no calls. */
__attribute__((flatten)) bool
receiver_publish(struct receiver *in, const struct packet *f, struct span body)
{
	struct msg *m = in->next;
	struct span props;
	enum packet_fault fault = packet_publish(m, &props, f, body, in->version);

	if (fault != PACKET_OK)
		return receiver_fail(in, fault);
	m->padded = true;
	return receiver_complete(in, m, props) && receiver_deliver(in);
}
