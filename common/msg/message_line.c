/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message and reject lines: the payload's own bytes inside an envelope of fixed key order. */
#include "base/ascii.h"
#include "base/base64.h"
#include "base/emit.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/topic_set.h"
#include "msg/message_int.h"

const char *const message_reject_words[] = {
    "json", "utf8", "topic", "shape", "range", "id", "size", NULL};

static void
put_base64(struct buf *out, struct span s)
{
	buf_putc(out, '"');
	base64_put(out, s);
	buf_putc(out, '"');
}

static bool
unescaped_is_device_id(struct span name)
{
	struct buf b = {0};
	bool same;

	json_unescape(&b, name);
	same = span_is(buf_as_span(&b), "device_id");
	buf_release(&b);
	return same;
}

/* Whether a member's name, with its quotes, is device_id. */
static inline bool
is_device_id(struct span name, bool escapes)
{
	static const char plain[] = "\"device_id\"";

	if (name.n == sizeof(plain) - 1 && memcmp(name.p, plain, sizeof(plain) - 1) == 0)
		return true;
	return escapes && memchr(name.p, '\\', name.n) != NULL &&
	    unescaped_is_device_id(name);
}

/* The next member device_id of an object. */
static bool
next_claim(struct json_iter *it, struct span *claim)
{
	while (json_next(it)) {
		if (is_device_id(it->key, true)) {
			*claim = it->item;
			return true;
		}
	}
	return false;
}

static inline void
add_claim(struct message_payload *p, struct span claim)
{
	if (p->claims++ == 0)
		p->claim = claim;
}

static void
find_claims(struct message_payload *p, const struct json_scan *found)
{
	const struct json_pair *pair = found->pairs, *end = pair + found->members;
	struct json_iter it = {.value = found->value};
	struct span claim;

	if (found->members > found->room) {
		while (json_kind(it.value) == JSON_KIND_OBJECT && next_claim(&it, &claim))
			add_claim(p, claim);
		return;
	}
	for (; pair < end; pair++) {
		if (is_device_id(pair->name, found->escapes))
			add_claim(p, pair->value);
	}
}

/* A line has one level more; jq 1.6 ends at 257, and all that stands behind it with it. */
enum { DEPTH_MAX = 200 };

/* `to`: where JSON goes without white space, as json_scan_padded wants it; NULL: nowhere. */
static inline void
read_payload(struct message_payload *p, struct span payload, char *to)
{
	struct json_pair pairs[32];
	struct json_scan found;

	found.pairs = pairs;
	found.room = ARRAY_LEN(pairs);
	found.depth = DEPTH_MAX;
	p->claim = (struct span){0};
	p->claims = 0;
	if (to != NULL ? json_scan_padded(payload, &found, to)
		       : json_scan(payload, &found)) {
		p->kind = MESSAGE_JSON;
		p->value = found.value;
		p->blanks = found.blanks;
		p->escapes = found.escapes;
		find_claims(p, &found);
	} else {
		p->kind = utf8_is_valid(payload.p, payload.n) &&
			memchr(payload.p, '\0', payload.n) == NULL
		    ? MESSAGE_TEXT
		    : MESSAGE_BINARY;
		p->value = payload;
	}
}

void
message_read_payload(struct message_payload *p, struct span payload)
{
	read_payload(p, payload, NULL);
}

void
message_read_compact(struct message_payload *p, const struct msg *m, struct buf *compact)
{
	buf_clear(compact);
	if (m->padded)
		buf_reserve(compact, m->payload.n + ASCII_PLAIN_PADDING);
	read_payload(p, m->payload, m->padded ? compact->p : NULL);
	if (p->kind != MESSAGE_JSON || p->blanks == 0)
		return;
	if (m->padded)
		compact->n = p->value.n - p->blanks;
	else
		json_put_compact(compact, p->value);
	p->value = buf_as_span(compact);
	p->blanks = 0;
}

static void
end_at(struct buf *out, const char *end)
{
	out->n = (size_t)(end - out->p);
}

static void
end_line(struct buf *out, const struct message_payload *p)
{
	switch (p->kind) {
	case MESSAGE_JSON:
		PUT(out, ",\"payload\":");
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
	PUT(out, "}\n");
}

static __attribute__((noinline)) bool
capture_any(const struct msg *m, const struct topic_set *topics, struct topic_vars *vars)
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
message_capture(
    const struct msg *m, const struct topic_set *topics, struct topic_vars *vars)
{
	/* Readings come most often. */
	const struct topic *first = topics->mores > 0 ? topics->more[0] : topics->data;

	if (first != NULL && topic_match(first, m->topic, vars))
		return true;
	return capture_any(m, topics, vars);
}

/* Whether a claim, with its quotes and without escapes, is `id`. */
static bool
is_said(struct span claim, struct span id)
{
	return claim.n == id.n + 2 && *claim.p == '"' &&
	    span_same_bytes(claim.p + 1, id.p, id.n);
}

bool
message_id_mismatch(const struct message_payload *p, struct span device_id)
{
	struct json_iter it = {.value = p->value};
	struct span claim;
	bool differs = false;

	if (device_id.p == NULL || p->claims == 0)
		return false;
	if (p->claims == 1)
		return (p->escapes || !is_said(p->claim, device_id)) &&
		    device_reading_claim_differs(p->claim, device_id);
	while (!differs && next_claim(&it, &claim))
		differs = device_reading_claim_differs(claim, device_id);
	return differs;
}

const char *
message_refused(const struct msg *m, const struct topic_set *topics)
{
	struct message_payload payload;
	struct topic_vars vars;

	if (m->reject != NULL || !topics->strict)
		return m->reject;
	message_capture(m, topics, &vars);
	message_read_payload(&payload, m->payload);
	return message_id_mismatch(&payload, vars.v[TOPIC_DEVICE_ID]) ? "id" : NULL;
}

/* The broker's alias of a topic and the identifiers of subscriptions are the connection's, not the message's. */
static bool
has_properties(const struct msg_props *p)
{
	return p->content_type.p != NULL || p->response_topic.p != NULL ||
	    p->correlation.p != NULL || p->users != 0 || p->expiry.given ||
	    p->payload_format.given;
}

static void
put_key(struct buf *out, const char *name, bool *first)
{
	buf_puts(out, *first ? "\"" : ",\"");
	buf_puts(out, name);
	PUT(out, "\":");
	*first = false;
}

static void
put_number(struct buf *out, const char *name, struct msg_number n, bool *first)
{
	if (!n.given)
		return;
	put_key(out, name, first);
	buf_u64(out, n.v);
}

static void
put_property(struct buf *out, const char *name, struct span value, bool *first)
{
	if (value.p == NULL)
		return;
	put_key(out, name, first);
	json_put_text(out, value);
}

/* User properties may repeat a name (MQTT 5, 3.3.2.3.7): an array of pairs keeps all and order. */
static void
put_user_properties(struct buf *out, const struct msg_props *p)
{
	size_t i;

	buf_putc(out, '[');
	for (i = 0; i < p->users; i++) {
		buf_puts(out, i != 0 ? ",[" : "[");
		json_put_text(out, p->user[2 * i]);
		buf_putc(out, ',');
		json_put_text(out, p->user[2 * i + 1]);
		buf_putc(out, ']');
	}
	buf_putc(out, ']');
}

static void
put_properties(struct buf *out, const struct msg_props *p)
{
	bool first = true;

	if (!has_properties(p))
		return;
	PUT(out, ",\"properties\":{");
	put_number(out, "payload_format", p->payload_format, &first);
	put_number(out, "message_expiry", p->expiry, &first);
	put_property(out, "content_type", p->content_type, &first);
	put_property(out, "response_topic", p->response_topic, &first);
	if (p->correlation.p != NULL) {
		put_key(out, "correlation_b64", &first);
		put_base64(out, p->correlation);
	}
	if (p->users != 0) {
		put_key(out, "user", &first);
		put_user_properties(out, p);
	}
	buf_putc(out, '}');
}

static void
put_name(struct buf *out, const char *key, struct span value)
{
	if (value.p == NULL)
		return;
	buf_puts(out, key);
	json_put_text(out, value);
}

static __attribute__((noinline)) void
put_names(struct buf *out, const struct msg *m, const struct topic_vars *vars)
{
	put_name(out, ",\"topic\":", m->topic);
	put_name(out, ",\"device_id\":", vars->v[TOPIC_DEVICE_ID]);
	put_name(out, ",\"sensor_type\":", vars->v[TOPIC_SENSOR_TYPE]);
}

/* put_names for a plain topic: what is captured from it is plain as well. */
static char *
write_names(char *p, const struct msg *m, const struct topic_vars *vars)
{
	struct span id = vars->v[TOPIC_DEVICE_ID], type = vars->v[TOPIC_SENSOR_TYPE];

	p = emit_span(EMIT(p, ",\"topic\":\""), m->topic);
	if (id.p != NULL)
		p = emit_span(EMIT(p, "\",\"device_id\":\""), id);
	if (type.p != NULL)
		p = emit_span(EMIT(p, "\",\"sensor_type\":\""), type);
	return EMIT(p, "\"");
}

/* A payload without its white space. */
static char *
write_compact(char *p, const struct message_shape *shape, const struct span *values)
{
	const struct shape_text *t = shape->between, *last = t + shape->values_n;

	for (; t < last; t++) {
		p = emit_span(p, (struct span){shape->text + t->at, t->n});
		p = emit_span(p, *values++);
	}
	return emit_span(p, (struct span){shape->text + t->at, t->n});
}

/* Writes the payload of a message without properties whose shape is known, and ends the line. NULL when
 * it is another, or claims another device. */
static char *
write_known(char *p, const struct msg *m, struct span device_id)
{
	struct span values[SHAPE_VALUES];
	const struct message_shape *shape = message_find_shape(m, values);

	if (shape == NULL ||
	    (shape->claim >= 0 && device_id.p != NULL &&
		!is_said(values[shape->claim], device_id)))
		return NULL;
	p = EMIT(p, ",\"payload\":");
	p = shape->compact ? emit_span(p, m->payload) : write_compact(p, shape, values);
	return EMIT(p, "}\n");
}

/* Ends a line while it reads the payload: what is JSON stands there when it is read. */
static void
put_payload(struct buf *out, struct message_payload *payload, const struct msg *m)
{
	char *p = buf_reserve(out, LINE_ROOM + m->payload.n + ASCII_PLAIN_PADDING);

	p = EMIT(p, ",\"payload\":");
	read_payload(payload, m->payload, m->padded ? p : NULL);
	if (payload->kind == MESSAGE_JSON && m->padded)
		end_at(out, EMIT(p + payload->value.n - payload->blanks, "}\n"));
	else
		end_line(out, payload);
}

static void
insert(struct buf *out, size_t at, struct span s)
{
	char *p = buf_reserve(out, s.n) - out->n + at;

	memmove(p + s.n, p, out->n - at);
	memcpy(p, s.p, s.n);
	out->n += s.n;
}

/* The rest of a line behind its first members. */
static __attribute__((noinline)) const char *
put_rest(struct buf *out, const struct msg *m, struct span device_id, bool strict)
{
	struct message_payload payload;
	const size_t from = out->n;

	put_properties(out, &m->props);
	put_payload(out, &payload, m);
	if (payload.kind == MESSAGE_JSON && !payload.escapes)
		message_learn_shape(m->payload);
	if (!message_id_mismatch(&payload, device_id))
		return NULL;
	insert(out, from, SPAN(",\"id_mismatch\":true"));
	return strict ? "id" : NULL;
}

/* The one that runs for every message: its usual parts are worth no calls, its room is reserved
 * once. */
__attribute__((flatten)) const char *
message_line(struct buf *out, const struct msg *m, const struct topic_set *topics)
{
	const size_t from = out->n, room = LINE_ROOM + 3 * m->topic.n + m->payload.n;
	struct topic_vars vars;
	const char *error;
	char *p, *end = NULL;

	if (m->reject != NULL)
		return m->reject;
	message_capture(m, topics, &vars);
	p = message_write_head(buf_reserve(out, room), m->received_us);
	if (m->plain || ascii_plain_all((const unsigned char *)m->topic.p, m->topic.n)) {
		p = write_names(p, m, &vars);
	} else {
		end_at(out, p);
		put_names(out, m, &vars);
		p = buf_reserve(out, room);
	}
	p = message_write_delivery(p, m);
	if (!has_properties(&m->props))
		end = write_known(p, m, vars.v[TOPIC_DEVICE_ID]);
	end_at(out, end != NULL ? end : p);
	if (end != NULL)
		return NULL;
	error = put_rest(out, m, vars.v[TOPIC_DEVICE_ID], topics->strict);
	if (error != NULL)
		out->n = from;
	return error;
}

/* The first bytes of a payload are no JSON even where they look like it, and may end inside a
 * character. */
static void
read_beginning(struct message_payload *p, struct span begins)
{
	size_t n = begins.n;

	while (n != 0 && begins.n - n < 3 && !utf8_is_valid(begins.p, n))
		n--;
	p->kind = MESSAGE_BINARY;
	p->value = begins;
	if (utf8_is_valid(begins.p, n) && memchr(begins.p, '\0', n) == NULL) {
		p->kind = MESSAGE_TEXT;
		p->value.n = n;
	}
}

void
message_reject(struct buf *out, const struct msg *m, const char *error, struct span wrong)
{
	const bool cut = strcmp(error, "size") == 0;
	struct message_payload payload;

	if (cut)
		read_beginning(&payload, m->payload);
	else
		message_read_payload(&payload, m->payload);
	end_at(out, message_write_head(buf_reserve(out, LINE_ROOM), m->received_us));
	put_name(out, ",\"topic\":", m->topic);
	if (!utf8_is_valid(m->topic.p, m->topic.n)) {
		PUT(out, ",\"topic_b64\":");
		put_base64(out, m->topic);
	}
	PUT(out, ",\"error\":\"");
	buf_puts(out, error);
	buf_putc(out, '"');
	if (cut) {
		PUT(out, ",\"size\":");
		buf_u64(out, m->size);
	}
	if (wrong.n != 0) {
		PUT(out, ",\"sensors\":[");
		buf_span(out, wrong);
		buf_putc(out, ']');
	}
	end_line(out, &payload);
}
