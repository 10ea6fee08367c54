/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message and reject lines: the payload's own bytes inside an envelope of fixed key order. */
#include "conf/message.h"

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
message_put_payload(struct buf *out, struct span payload)
{
	struct span value;
	size_t blanks;

	if (json_check_compact(payload, &value, &blanks)) {
		PUT(out, ",\"payload\":");
		if (blanks == 0)
			buf_span(out, value);
		else
			json_put_compact(out, value);
	} else if (text_is_utf8(payload.p, payload.n) &&
	    memchr(payload.p, '\0', payload.n) == NULL) {
		PUT(out, ",\"payload_text\":");
		json_put_string(out, payload);
	} else {
		PUT(out, ",\"payload_b64\":");
		put_base64(out, payload);
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
message_id_mismatch(struct span payload, struct span device_id)
{
	struct span value, claim;
	struct buf b = {0};
	bool differs;

	if (device_id.p == NULL || payload.n == 0 || !json_check(payload, &value, NULL) ||
	    !json_member(value, "device_id", &claim) ||
	    json_kind(claim) != JSON_KIND_STRING)
		return false;
	json_unescape(&b, claim);
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

void
message_line(struct buf *out, const struct msg *m, const struct topics *topics)
{
	struct topic_vars vars;

	put_head(out, m);
	message_capture(m, topics, &vars);
	put_capture(out, ",\"device_id\":", vars.v[TOPIC_DEVICE_ID]);
	put_capture(out, ",\"sensor_type\":", vars.v[TOPIC_SENSOR_TYPE]);
	message_put_delivery(out, m);
	if (message_id_mismatch(m->payload, vars.v[TOPIC_DEVICE_ID]))
		PUT(out, ",\"id_mismatch\":true");
	put_properties(out, &m->props);
	message_put_payload(out, m->payload);
	PUT(out, "}\n");
}

void
message_reject(struct buf *out, const struct msg *m, const char *error)
{
	put_head(out, m);
	PUT(out, ",\"error\":\"");
	buf_puts(out, error);
	buf_putc(out, '"');
	message_put_payload(out, m->payload);
	PUT(out, "}\n");
}
