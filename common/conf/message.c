/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message and reject lines: the payload's own bytes inside an envelope of fixed key order. */
#include "conf/messageparts.h"

#include "base/json.h"
#include "base/text.h"

#define PUT(out, literal) buf_put((out), (literal), sizeof(literal) - 1)

const char *const message_reject_words[] = {
    "json", "utf8", "topic", "shape", "range", "id", "size", NULL};

void
message_put_text(struct buf *out, struct span s)
{
	struct buf clean = {0};
	uint32_t cp;
	size_t i = 0, n;

	if (text_is_utf8(s.p, s.n)) {
		json_put_string(out, s);
		return;
	}
	while (i < s.n) {
		n = text_utf8((const unsigned char *)s.p + i, s.n - i, &cp);
		if (n != 0)
			buf_put(&clean, s.p + i, n);
		else
			PUT(&clean, "\xEF\xBF\xBD");
		i += n != 0 ? n : 1;
	}
	json_put_string(out, buf_as_span(&clean));
	buf_release(&clean);
}

static void
put_base64(struct buf *out, struct span s)
{
	buf_putc(out, '"');
	buf_base64(out, s);
	buf_putc(out, '"');
}

void
message_read_payload(struct message_payload *p, struct span payload)
{
	*p = (struct message_payload){.value = payload};
	if (json_check_compact(payload, &p->value, &p->blanks)) {
		p->kind = MESSAGE_JSON;
		if (!json_member(p->value, "device_id", &p->claim) ||
		    json_kind(p->claim) != JSON_KIND_STRING)
			p->claim = (struct span){0};
	} else {
		p->value = payload;
		p->kind = text_is_utf8(payload.p, payload.n) &&
			memchr(payload.p, '\0', payload.n) == NULL
		    ? MESSAGE_TEXT
		    : MESSAGE_BINARY;
	}
}

void
message_put_payload(struct buf *out, const struct message_payload *p)
{
	switch (p->kind) {
	case MESSAGE_JSON:
		PUT(out, ",\"payload\":");
		if (p->blanks == 0)
			buf_span(out, p->value);
		else
			json_put_compact(out, p->value);
		break;
	case MESSAGE_TEXT:
		PUT(out, ",\"payload_text\":");
		json_put_string(out, p->value);
		break;
	case MESSAGE_BINARY:
		PUT(out, ",\"payload_b64\":");
		put_base64(out, p->value);
		break;
	}
}

bool
message_capture(const struct msg *m, const struct topics *topics, struct topic_vars *vars)
{
	const struct topic *const all[] = {topics->data, topics->status, topics->commands,
	    topics->responses, topics->alerts};
	size_t i;

	for (i = 0; i < topics->mores; i++) {
		if (topic_match(topics->more[i], m->topic, vars))
			return true;
	}
	for (i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i] != NULL && topic_match(all[i], m->topic, vars))
			return true;
	}
	*vars = (struct topic_vars){0};
	return false;
}

bool
message_id_mismatch(const struct message_payload *p, struct span device_id)
{
	struct buf b = {0};
	bool differs;

	if (device_id.p == NULL || p->claim.p == NULL)
		return false;
	json_unescape(&b, p->claim);
	differs = !span_eq(buf_as_span(&b), device_id);
	buf_release(&b);
	return differs;
}

void
message_put_delivery(struct buf *out, const struct msg *m)
{
	PUT(out, ",\"qos\":");
	buf_u64(out, m->qos);
	if (m->retain)
		PUT(out, ",\"retain\":true");
	else
		PUT(out, ",\"retain\":false");
	if (m->qos != 0) {
		PUT(out, ",\"mid\":");
		buf_u64(out, m->mid);
	}
	if (m->dup)
		PUT(out, ",\"dup\":true");
}

static void
put_property(struct buf *out, const char *name, struct span value, bool *first)
{
	buf_puts(out, *first ? "\"" : ",\"");
	buf_puts(out, name);
	PUT(out, "\":");
	message_put_text(out, value);
	*first = false;
}

/* User properties may repeat a name (MQTT 5, 3.3.2.3.7): an array of pairs keeps all and order. */
static void
put_user_properties(struct buf *out, const struct msg_props *p, bool first)
{
	size_t i;

	buf_puts(out, first ? "\"user\":[" : ",\"user\":[");
	for (i = 0; i < p->users; i++) {
		buf_puts(out, i != 0 ? ",[" : "[");
		message_put_text(out, p->user[2 * i]);
		buf_putc(out, ',');
		message_put_text(out, p->user[2 * i + 1]);
		buf_putc(out, ']');
	}
	buf_putc(out, ']');
}

static void
put_properties(struct buf *out, const struct msg_props *p)
{
	bool first = true;

	if (p->content_type.p == NULL && p->response_topic.p == NULL &&
	    p->correlation.p == NULL && p->users == 0)
		return;
	PUT(out, ",\"properties\":{");
	if (p->content_type.p != NULL)
		put_property(out, "content_type", p->content_type, &first);
	if (p->response_topic.p != NULL)
		put_property(out, "response_topic", p->response_topic, &first);
	if (p->correlation.p != NULL) {
		buf_puts(out, first ? "\"correlation_b64\":" : ",\"correlation_b64\":");
		put_base64(out, p->correlation);
		first = false;
	}
	if (p->users != 0)
		put_user_properties(out, p, first);
	buf_putc(out, '}');
}

static void
put_capture(struct buf *out, const char *key, struct span value)
{
	if (value.p == NULL)
		return;
	buf_puts(out, key);
	message_put_text(out, value);
}

static void
put_head(struct buf *out, const struct msg *m)
{
	PUT(out, "{\"received_at\":\"");
	buf_time(out, m->received_us);
	PUT(out, "\",\"topic\":");
	message_put_text(out, m->topic);
}

const char *
message_line(struct buf *out, const struct msg *m, const struct topics *topics)
{
	struct message_payload payload;
	struct topic_vars vars;
	bool mismatch;

	if (m->reject != NULL)
		return m->reject;
	message_capture(m, topics, &vars);
	message_read_payload(&payload, m->payload);
	mismatch = message_id_mismatch(&payload, vars.v[TOPIC_DEVICE_ID]);
	if (mismatch && topics->strict)
		return "id";
	put_head(out, m);
	put_capture(out, ",\"device_id\":", vars.v[TOPIC_DEVICE_ID]);
	put_capture(out, ",\"sensor_type\":", vars.v[TOPIC_SENSOR_TYPE]);
	message_put_delivery(out, m);
	if (mismatch)
		PUT(out, ",\"id_mismatch\":true");
	put_properties(out, &m->props);
	message_put_payload(out, &payload);
	PUT(out, "}\n");
	return NULL;
}

void
message_reject(struct buf *out, const struct msg *m, const char *error)
{
	struct message_payload payload;

	message_read_payload(&payload, m->payload);
	put_head(out, m);
	PUT(out, ",\"error\":\"");
	buf_puts(out, error);
	buf_putc(out, '"');
	message_put_payload(out, &payload);
	PUT(out, "}\n");
}
