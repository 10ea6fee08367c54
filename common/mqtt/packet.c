/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/packet.h"

#include "base/emit.h"
#include "base/text.h"
#include "mqtt/reason.h"

static const struct {
	uint8_t reason;
	const char *text;
} faults[PACKET_FAULTS] = {
    [PACKET_OK] = {REASON_SUCCESS, N_("nothing")},
    [PACKET_BAD_LENGTH] = {REASON_MALFORMED_PACKET,
	N_("a packet length of more than four bytes")},
    [PACKET_BAD_TYPE] = {REASON_PROTOCOL_ERROR,
	N_("a type of packet that only clients send")},
    [PACKET_BAD_FLAGS] = {REASON_MALFORMED_PACKET,
	N_("flags that this type of packet does not have")},
    [PACKET_BAD_QOS] = {REASON_MALFORMED_PACKET, N_("QoS 3")},
    [PACKET_TOO_SHORT] = {REASON_MALFORMED_PACKET,
	N_("a packet that ends inside of a field")},
    [PACKET_TOO_LONG] = {REASON_MALFORMED_PACKET,
	N_("bytes behind the last field of a packet")},
    [PACKET_TOO_LARGE] = {REASON_PACKET_TOO_LARGE,
	N_("a packet far too large for its type")},
    [PACKET_NO_ID] = {REASON_PROTOCOL_ERROR, N_("the packet identifier 0")},
    [PACKET_NO_TOPIC] = {REASON_PROTOCOL_ERROR, N_("a message without a topic")},
    [PACKET_BAD_ALIAS] = {REASON_TOPIC_ALIAS_INVALID,
	N_("a topic alias that is unknown or out of range")},
    [PACKET_BAD_PROPERTY] = {REASON_MALFORMED_PACKET,
	N_("a property that this packet cannot have")},
    [PACKET_PROPERTY_TWICE] = {REASON_PROTOCOL_ERROR, N_("a property twice")},
    [PACKET_PROPERTY_VALUE] = {REASON_PROTOCOL_ERROR,
	N_("a property with a value that is not allowed")},
    [PACKET_OVER_WINDOW] = {REASON_RECEIVE_MAXIMUM_EXCEEDED,
	N_("more messages at a time than there are packet identifiers")},
    [PACKET_UNASKED] = {REASON_PROTOCOL_ERROR, N_("an answer to what was never asked")},
    [PACKET_NO_CONNACK] = {REASON_PROTOCOL_ERROR,
	N_("another packet in place of CONNACK")},
};

uint8_t
packet_fault_reason(enum packet_fault fault)
{
	return faults[fault].reason;
}

const char *
packet_fault_text(enum packet_fault fault)
{
	return faults[fault].text;
}

/* Takes fields off the front of a span; once one is missing, all that follow are absent. */
static struct span
take(struct span *s, size_t n)
{
	struct span field = {s->p, n};

	if (s->p == NULL || s->n < n) {
		*s = (struct span){0};
		return *s;
	}
	s->p += n;
	s->n -= n;
	return field;
}

static unsigned
take_u8(struct span *s)
{
	struct span f = take(s, 1);

	return f.p != NULL ? (unsigned char)f.p[0] : 0;
}

static uint16_t
take_u16(struct span *s)
{
	struct span f = take(s, 2);

	return f.p != NULL ? packet_u16(f.p) : 0;
}

static struct span
take_string(struct span *s)
{
	uint16_t n = take_u16(s);

	return take(s, n);
}

/* A variable byte integer (1.5.5): 1 whole, 0 cut off, -1 longer than four bytes. */
static int
read_length(const char *p, size_t n, uint32_t *value, uint8_t *bytes)
{
	uint32_t v = 0;
	uint8_t i;

	for (i = 0; i < 4 && i < n; i++) {
		v |= (uint32_t)(p[i] & 0x7F) << 7 * i;
		if ((p[i] & 0x80) == 0) {
			*value = v;
			*bytes = (uint8_t)(i + 1);
			return 1;
		}
	}
	return i == 4 ? -1 : 0;
}

static uint32_t
take_length(struct span *s)
{
	uint32_t value = 0;
	uint8_t bytes = 0;

	if (s->p == NULL || read_length(s->p, s->n, &value, &bytes) != 1) {
		*s = (struct span){0};
		return 0;
	}
	take(s, bytes);
	return value;
}

static struct span
take_properties(struct span *s)
{
	uint32_t n = take_length(s);

	return take(s, n);
}

int
packet_read_long(struct packet *f, const char *p, size_t n)
{
	uint8_t bytes = 0;
	int whole = read_length(p + 1, n - 1, &f->body, &bytes);

	f->head = (uint8_t)(bytes + 1);
	return whole;
}

size_t
packet_missing(const char *p, size_t n)
{
	struct packet f = {0};
	int known;

	if (n < 2)
		return 2 - n;
	known = packet_read(&f, p, n);
	if (known <= 0)
		return known == 0 ? 1 : 0;
	return n - f.head < f.body ? f.body - (n - f.head) : 0;
}

struct span
packet_front_properties(struct span body)
{
	return take_properties(&body);
}

enum { PROP_USER = 0x26, PROP_MAX = 0x2A };

enum prop_type {
	PROP_NONE,
	PROP_U8,
	PROP_U16,
	PROP_U32,
	PROP_LENGTH,
	PROP_STRING,
	PROP_PAIR
};

struct prop_rule {
	enum prop_type type;
	bool many;
	uint32_t min, max;
	size_t offset; /* where it goes: of a span, or of a struct msg_number */
};

/* The properties that a PUBLISH can have (3.3.2.3); binary data has the form of a string. */
static const struct prop_rule publish_props[PROP_MAX + 1] = {
    [0x01] = {PROP_U8, .max = 1, .offset = offsetof(struct msg_props, payload_format)},
    [0x02] = {PROP_U32, .max = UINT32_MAX, .offset = offsetof(struct msg_props, expiry)},
    [0x03] = {PROP_STRING, .offset = offsetof(struct msg_props, content_type)},
    [0x08] = {PROP_STRING, .offset = offsetof(struct msg_props, response_topic)},
    [0x09] = {PROP_STRING, .offset = offsetof(struct msg_props, correlation)},
    [0x0B] = {PROP_LENGTH, .many = true, .min = 1, .max = UINT32_MAX,
	.offset = offsetof(struct msg_props, subscription)},
    [0x23] = {PROP_U16, .max = UINT16_MAX,
	.offset = offsetof(struct msg_props, topic_alias)},
};

static uint32_t
take_number(struct span *s, enum prop_type type)
{
	uint32_t high;

	switch (type) {
	case PROP_U8: return take_u8(s);
	case PROP_U16: return take_u16(s);
	case PROP_U32: high = take_u16(s); return high << 16 | take_u16(s);
	default: return take_length(s);
	}
}

size_t
packet_user_count(struct span props)
{
	size_t n = 0;

	while (props.n > 0) {
		unsigned id = take_u8(&props);

		if (id == PROP_USER) {
			n++;
			take_string(&props);
			take_string(&props);
		} else if (id > PROP_MAX || publish_props[id].type == PROP_NONE) {
			return n;
		} else if (publish_props[id].type == PROP_STRING) {
			take_string(&props);
		} else {
			take_number(&props, publish_props[id].type);
		}
	}
	return n;
}

/* Takes the value of a property, holds it against its rule and puts it into `out`; but a pair is only taken. */
static enum packet_fault
take_property(struct span *props, const struct prop_rule *rule, void *out)
{
	struct msg_number number = {.given = true};
	struct span text;

	if (rule->type == PROP_PAIR) {
		take_string(props);
		take_string(props);
	} else if (rule->type == PROP_STRING) {
		text = take_string(props);
		memcpy((char *)out + rule->offset, &text, sizeof(text));
	} else {
		number.v = take_number(props, rule->type);
		if (props->p != NULL && (number.v < rule->min || number.v > rule->max))
			return PACKET_PROPERTY_VALUE;
		memcpy((char *)out + rule->offset, &number, sizeof(number));
	}
	return props->p == NULL ? PACKET_TOO_SHORT : PACKET_OK;
}

enum packet_fault
packet_properties(
    struct span props, struct msg_props *out, struct span *pairs, uint16_t *alias)
{
	uint64_t seen = 0;
	enum packet_fault fault = PACKET_OK;

	*out = (struct msg_props){.user = pairs};
	*alias = 0;
	while (props.n > 0 && fault == PACKET_OK) {
		unsigned id = take_u8(&props);

		if (id == PROP_USER) {
			pairs[out->users * 2] = take_string(&props);
			pairs[out->users++ * 2 + 1] = take_string(&props);
		} else if (id > PROP_MAX || publish_props[id].type == PROP_NONE) {
			return PACKET_BAD_PROPERTY;
		} else if ((seen >> id & 1) != 0 && !publish_props[id].many) {
			return PACKET_PROPERTY_TWICE;
		} else {
			seen |= (uint64_t)1 << id;
			fault = take_property(&props, &publish_props[id], out);
		}
		if (props.p == NULL && fault == PACKET_OK)
			fault = PACKET_TOO_SHORT;
	}
	*alias = (uint16_t)out->topic_alias.v;
	return fault == PACKET_OK && out->topic_alias.given && *alias == 0
	    ? PACKET_BAD_ALIAS
	    : fault;
}

/* The properties that a CONNACK can have (3.2.2.3). */
#define IN_CONNACK(field) .offset = offsetof(struct packet_connack, field)
static const struct prop_rule connack_props[PROP_MAX + 1] = {
    [0x11] = {PROP_U32, .max = UINT32_MAX, IN_CONNACK(session_expiry)},
    [0x12] = {PROP_STRING, IN_CONNACK(assigned_id)},
    [0x13] = {PROP_U16, .max = UINT16_MAX, IN_CONNACK(keepalive)},
    [0x15] = {PROP_STRING, IN_CONNACK(auth_method)},
    [0x16] = {PROP_STRING, IN_CONNACK(auth_data)},
    [0x1A] = {PROP_STRING, IN_CONNACK(response_information)},
    [0x1C] = {PROP_STRING, IN_CONNACK(server_reference)},
    [0x1F] = {PROP_STRING, IN_CONNACK(reason_text)},
    [0x21] = {PROP_U16, .min = 1, .max = UINT16_MAX, IN_CONNACK(receive_maximum)},
    [0x22] = {PROP_U16, .max = UINT16_MAX, IN_CONNACK(topic_aliases)},
    [0x24] = {PROP_U8, .max = 1, IN_CONNACK(qos_most)},
    [0x25] = {PROP_U8, .max = 1, IN_CONNACK(retain)},
    [PROP_USER] = {PROP_PAIR, .many = true},
    [0x27] = {PROP_U32, .min = 1, .max = UINT32_MAX, IN_CONNACK(packet_most)},
    [0x28] = {PROP_U8, .max = 1, IN_CONNACK(wildcards)},
    [0x29] = {PROP_U8, .max = 1, IN_CONNACK(subscription_ids)},
    [0x2A] = {PROP_U8, .max = 1, IN_CONNACK(shared)},
};
#undef IN_CONNACK

static enum packet_fault
read_connack(struct packet_connack *out, struct span body, int version)
{
	uint64_t seen = 0;
	enum packet_fault fault = PACKET_OK;
	struct span props;

	*out = (struct packet_connack){0};
	if (body.n < 2)
		return PACKET_TOO_SHORT;
	out->session_present = (take_u8(&body) & 1) != 0;
	out->reason = (uint8_t)take_u8(&body);
	out->is_v3 = body.n == 0 && version == 5;
	if (body.n == 0 || version != 5)
		return PACKET_OK;
	props = take_properties(&body);
	if (props.p == NULL)
		return PACKET_TOO_SHORT;
	while (props.n > 0 && fault == PACKET_OK) {
		unsigned id = take_u8(&props);

		if (id > PROP_MAX || connack_props[id].type == PROP_NONE)
			return PACKET_BAD_PROPERTY;
		if ((seen >> id & 1) != 0 && !connack_props[id].many)
			return PACKET_PROPERTY_TWICE;
		seen |= (uint64_t)1 << id;
		fault = take_property(&props, &connack_props[id], out);
	}
	return fault == PACKET_OK && body.n > 0 ? PACKET_TOO_LONG : fault;
}

enum packet_fault
packet_connack(
    struct packet_connack *out, bool *whole, const char *p, size_t n, int version)
{
	struct packet f = {0};
	int known;

	*whole = false;
	if (n > 0 && (unsigned char)p[0] >> 4 != PACKET_CONNACK)
		return PACKET_NO_CONNACK;
	if (n > 0 && (p[0] & 15) != 0)
		return PACKET_BAD_FLAGS;
	known = packet_read(&f, p, n);
	if (known < 0)
		return PACKET_BAD_LENGTH;
	if (known > 0 && f.body > PACKET_CONNACK_MOST)
		return PACKET_TOO_LARGE;
	if (known == 0 || n - f.head < f.body)
		return PACKET_OK;
	*whole = true;
	return read_connack(out, (struct span){p + f.head, f.body}, version);
}

/* The property list of a packet whose properties tell us nothing: only that it fits. */
static enum packet_fault
skip_properties(struct span *body)
{
	if (body->n > 0)
		take_properties(body);
	return body->p == NULL ? PACKET_TOO_SHORT : PACKET_OK;
}

enum packet_fault
packet_pubrel(uint16_t *mid, const struct packet *f, struct span body)
{
	if (f->flags != 2)
		return PACKET_BAD_FLAGS;
	*mid = take_u16(&body);
	if (body.p == NULL)
		return PACKET_TOO_SHORT;
	if (*mid == 0)
		return PACKET_NO_ID;
	if (body.n > 0)
		take_u8(&body);
	if (skip_properties(&body) != PACKET_OK)
		return PACKET_TOO_SHORT;
	return body.n > 0 ? PACKET_TOO_LONG : PACKET_OK;
}

enum packet_fault
packet_suback(uint16_t *mid, struct span *reasons, const struct packet *f,
    struct span body, int version)
{
	if (f->flags != 0)
		return PACKET_BAD_FLAGS;
	*mid = take_u16(&body);
	if (version == 5)
		take_properties(&body);
	if (body.p == NULL || body.n == 0)
		return PACKET_TOO_SHORT;
	*reasons = body;
	return PACKET_OK;
}

enum packet_fault
packet_disconnect(uint8_t *reason, const struct packet *f, struct span body)
{
	if (f->flags != 0)
		return PACKET_BAD_FLAGS;
	*reason = 0;
	if (body.n > 0)
		*reason = (uint8_t)take_u8(&body);
	if (skip_properties(&body) != PACKET_OK)
		return PACKET_TOO_SHORT;
	return body.n > 0 ? PACKET_TOO_LONG : PACKET_OK;
}

/* The packets that a client sends. */

static void
put_u16(struct buf *out, size_t v)
{
	buf_putc(out, (char)(v >> 8 & 0xFF));
	buf_putc(out, (char)(v & 0xFF));
}

static void
put_length(struct buf *out, size_t v)
{
	for (; v > 0x7F; v >>= 7)
		buf_putc(out, (char)(v | 0x80));
	buf_putc(out, (char)v);
}

static void
put_string(struct buf *out, struct span s)
{
	put_u16(out, s.n);
	buf_span(out, s);
}

static void
put_u16_property(struct buf *out, char id, uint16_t v)
{
	if (v == 0)
		return;
	buf_putc(out, id);
	put_u16(out, v);
}

static void
put_u32_property(struct buf *out, char id, uint32_t v)
{
	if (v == 0)
		return;
	buf_putc(out, id);
	put_u16(out, v >> 16);
	put_u16(out, v & 0xFFFF);
}

/* With their length, which is one byte: they are four, of five bytes at most. */
static void
put_connect_properties(struct buf *out, const struct packet_connect *c)
{
	const size_t at = out->n;

	buf_putc(out, 0);
	put_u32_property(out, 0x11, c->session_expiry);
	put_u16_property(out, 0x22, c->topic_aliases);
	put_u32_property(out, 0x27, c->packet_most);
	put_u16_property(out, 0x21, c->receive_maximum);
	out->p[at] = (char)(out->n - at - 1);
}

static char
connect_flags(const struct packet_connect *c)
{
	unsigned will = 4U | (unsigned)c->will_qos << 3 | (c->will_retain ? 32U : 0);
	unsigned login = 128U | (c->password != NULL ? 64U : 0);

	return (char)((c->clean ? 2U : 0) | (c->will_topic != NULL ? will : 0) |
	    (c->username != NULL ? login : 0));
}

/* What stands behind the fixed header. */
static void
put_connect_body(struct buf *out, const struct packet_connect *c)
{
	put_string(out, SPAN("MQTT"));
	buf_putc(out, (char)c->version);
	buf_putc(out, connect_flags(c));
	put_u16(out, c->keepalive);
	if (c->version == 5)
		put_connect_properties(out, c);
	put_string(out, span_of(c->client_id));
	if (c->will_topic != NULL) {
		if (c->version == 5)
			buf_putc(out, 0);
		put_string(out, span_of(c->will_topic));
		put_string(out, c->will_payload);
	}
	if (c->username != NULL)
		put_string(out, span_of(c->username));
	if (c->username != NULL && c->password != NULL)
		put_string(out, span_of(c->password));
}

void
packet_put_connect(struct buf *out, const struct packet_connect *c)
{
	struct buf body = {0};

	put_connect_body(&body, c);
	buf_putc(out, (char)(PACKET_CONNECT << 4));
	put_length(out, body.n);
	buf_span(out, buf_as_span(&body));
	explicit_bzero(body.p, body.n);
	buf_release(&body);
}

char *
packet_write_publish(
    char *to, struct span topic, struct span payload, bool retain, int version)
{
	const size_t properties = version == 5 ? 1 : 0;
	size_t rest = 2 + topic.n + properties + payload.n;

	*to++ = (char)(PACKET_PUBLISH << 4 | (retain ? 1 : 0));
	for (; rest > 0x7F; rest >>= 7)
		*to++ = (char)(rest | 0x80);
	*to++ = (char)rest;
	*to++ = (char)(topic.n >> 8);
	*to++ = (char)(topic.n & 0xFF);
	to = emit_span(to, topic);
	if (version == 5)
		*to++ = 0;
	return emit_span(to, payload);
}

/* `more` bytes are still to come. */
static void
put_filter(struct buf *out, enum packet_type type, uint16_t mid, const char *filter,
    size_t more, int version)
{
	size_t n = strlen(filter);

	buf_putc(out, (char)(type << 4 | 2));
	put_length(out, (version == 5 ? 5U : 4U) + n + more);
	put_u16(out, mid);
	if (version == 5)
		buf_putc(out, 0);
	put_u16(out, n);
	buf_put(out, filter, n);
}

void
packet_put_subscribe(
    struct buf *out, uint16_t mid, const char *filter, uint8_t options, int version)
{
	put_filter(out, PACKET_SUBSCRIBE, mid, filter, 1, version);
	buf_putc(out, (char)options);
}

void
packet_put_unsubscribe(struct buf *out, uint16_t mid, const char *filter, int version)
{
	put_filter(out, PACKET_UNSUBSCRIBE, mid, filter, 0, version);
}

void
packet_put_ping(struct buf *out)
{
	buf_put(out, "\xC0\x00", 2);
}

void
packet_put_disconnect(struct buf *out, uint8_t reason, int version)
{
	if (version != 5 || reason == 0) {
		buf_put(out, "\xE0\x00", 2);
		return;
	}
	buf_put(out, "\xE0\x01", 2);
	buf_putc(out, (char)reason);
}
