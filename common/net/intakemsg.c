/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "net/intakepart.h"

bool
intake_deliver(struct intake *in, const struct frame_publish *p)
{
	bool again = p->qos == 2 && p->dup && acks_is_received(&in->acks, p->mid);

	if (!again) {
		in->n++;
		in->seq++;
		in->left--;
	}
	if (p->qos > 0 &&
	    !intake_owe(in, p->qos == 1 ? FRAME_PUBACK : FRAME_PUBREC, p->mid))
		return false;
	if (again)
		intake_settle(in);
	return true;
}

/* Wildcards and control characters, C1 too, and what is no UTF-8. */
static bool
is_poison(struct span topic)
{
	static const bool rare[256] = {
	    [0 ... 0x1F] = true, ['#'] = true, ['+'] = true, [0x7F ... 0xFF] = true};
	size_t i = 0;

	while (i < topic.n && !rare[(unsigned char)topic.p[i]])
		i++;
	if (i == topic.n)
		return false;
	for (; i + 1 < topic.n; i++) {
		if (topic.p[i] == '\xC2' && (unsigned char)topic.p[i + 1] < 0xA0)
			return true;
	}
	return topic_check_name(topic, NULL) != 0;
}

static bool
read_properties(
    struct intake *in, const struct frame_publish *p, struct msg *m, uint16_t *alias)
{
	size_t n = frame_user_count(p->props) * 2;
	enum frame_fault fault;

	if (in->pairs_n + n > in->pairs_room) {
		if (in->n > 0)
			return intake_hand_out_first(in);
		in->pairs_n = 0;
		in->pairs_room += n;
		in->pairs = xreallocarray(in->pairs, in->pairs_room, sizeof(*in->pairs));
	}
	fault = frame_properties(
	    p->props, &m->props, n > 0 ? in->pairs + in->pairs_n : NULL, alias);
	return fault == FRAME_OK || intake_fail(in, fault);
}

static bool
find_topic(
    struct intake *in, const struct frame_publish *p, struct msg *m, uint16_t alias)
{
	struct span known = alias_topic(&in->aliases, alias);

	m->topic = p->topic;
	if (alias != 0 && p->topic.n == 0) {
		m->topic = known;
		return known.p != NULL || intake_fail(in, FRAME_BAD_ALIAS);
	}
	if (alias != 0 && (known.p == NULL || !span_eq(known, p->topic))) {
		if (in->n > 0)
			return intake_hand_out_first(in);
		if (!alias_set(&in->aliases, alias, p->topic))
			return intake_fail(in, FRAME_BAD_ALIAS);
	}
	return p->topic.n > 0 || intake_fail(in, FRAME_NO_TOPIC);
}

bool
intake_read_message(struct intake *in, const struct frame_publish *p, struct msg *m)
{
	uint16_t alias = 0;

	m->payload = p->payload;
	m->size = p->payload.n;
	m->received_us = in->now;
	m->mid = p->mid;
	m->qos = p->qos;
	m->retain = p->retain;
	m->dup = p->dup;
	m->props = (struct msg_props){0};
	if (p->props.n > 0 && !read_properties(in, p, m, &alias))
		return false;
	if (!find_topic(in, p, m, alias))
		return false;
	m->reject = is_poison(m->topic) ? "topic" : NULL;
	in->pairs_n += m->props.users * 2;
	return true;
}

bool
intake_publish(struct intake *in, const struct frame *f, struct span body)
{
	struct frame_publish p;
	enum frame_fault fault = frame_publish(&p, f, body, in->version);

	if (fault != FRAME_OK)
		return intake_fail(in, fault);
	return intake_read_message(in, &p, &in->v[in->n]) && intake_deliver(in, &p);
}
