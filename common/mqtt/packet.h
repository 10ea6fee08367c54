/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "msg/message.h"

/*
 * MQTT control packets as bytes, 3.1.1 and 5: those that a broker sends to a subscriber are taken
 * apart in place, those that a client sends are made. No allocation, no input or output; sections
 * are those of the MQTT 5 specification.
 */
enum packet_type {
	PACKET_CONNECT = 1,
	PACKET_CONNACK = 2,
	PACKET_PUBLISH = 3,
	PACKET_PUBACK = 4,
	PACKET_PUBREC = 5,
	PACKET_PUBREL = 6,
	PACKET_PUBCOMP = 7,
	PACKET_SUBSCRIBE = 8,
	PACKET_SUBACK = 9,
	PACKET_UNSUBSCRIBE = 10,
	PACKET_UNSUBACK = 11,
	PACKET_PINGREQ = 12,
	PACKET_PINGRESP = 13,
	PACKET_DISCONNECT = 14,
	PACKET_AUTH = 15,
};

/* What can be wrong with a packet. */
enum packet_fault {
	PACKET_OK,
	PACKET_BAD_LENGTH,
	PACKET_BAD_TYPE,
	PACKET_BAD_FLAGS,
	PACKET_BAD_QOS,
	PACKET_TOO_SHORT,
	PACKET_TOO_LONG,
	PACKET_TOO_LARGE,
	PACKET_NO_ID,
	PACKET_NO_TOPIC,
	PACKET_BAD_ALIAS,
	PACKET_BAD_PROPERTY,
	PACKET_PROPERTY_TWICE,
	PACKET_PROPERTY_VALUE,
	PACKET_OVER_WINDOW,
	PACKET_UNASKED,
	PACKET_NO_CONNACK,
	PACKET_FAULTS
};

/* The reason code that MQTT 5's DISCONNECT gives for it (3.14.2.1). */
uint8_t packet_fault_reason(enum packet_fault fault);
/* What the broker did, for people; untranslated (N_). */
const char *packet_fault_text(enum packet_fault fault);

/* A fixed header (2.1): `head` bytes of it, then `body` bytes. */
struct packet {
	uint8_t type, flags;
	uint8_t head;
	uint32_t body;
};

enum { PACKET_HEAD_MAX = 5 };

/* A length of two bytes and more. */
int packet_read_long(struct packet *f, const char *p, size_t n);

/* Reads a fixed header. 1: it is there; 0: more bytes are needed; -1: its length is malformed. */
static inline int
packet_read(struct packet *f, const char *p, size_t n)
{
	if (n < 2)
		return 0;
	f->type = (uint8_t)((unsigned char)p[0] >> 4);
	f->flags = (uint8_t)(p[0] & 15);
	if ((p[1] & 0x80) != 0)
		return packet_read_long(f, p, n);
	f->body = (unsigned char)p[1];
	f->head = 2;
	return 1;
}

/* How many bytes are missing until a packet is whole, of which `n` are there: at least so many, as far as they
 * tell; 0: none, or its length is malformed. Who reads no more than that reads nothing behind it. */
size_t packet_missing(const char *p, size_t n);

static inline uint16_t
packet_u16(const char *p)
{
	return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* The property list at the front; p == NULL: it is not whole. */
struct span packet_front_properties(struct span body);

/* A PUBLISH (3.3): fills all of `m` but received_us, reject, plain and props, which are
 * packet_properties' part; spans into the packet. Needs the body's beginning: PACKET_TOO_SHORT says that
 * a field is not whole in it. One without properties, the usual one, has one byte for their length. */
static inline enum packet_fault
packet_publish(struct msg *m, struct span *props, const struct packet *f, struct span body,
    int version)
{
	const unsigned qos = f->flags >> 1 & 3U;
	size_t topic, fixed;

	if ((f->flags & 6) == 6)
		return PACKET_BAD_QOS;
	if ((f->flags & 14) == 8)
		return PACKET_BAD_FLAGS; /* DUP at QoS 0 */
	if (body.n < 2)
		return PACKET_TOO_SHORT;
	topic = packet_u16(body.p);
	fixed = topic + (qos > 0 ? 4 : 2);
	if (body.n < fixed)
		return PACKET_TOO_SHORT;
	m->topic = (struct span){body.p + 2, topic};
	m->mid = qos > 0 ? packet_u16(body.p + 2 + topic) : 0;
	m->qos = (uint8_t)qos;
	m->retain = (f->flags & 1) != 0;
	m->dup = (f->flags & 8) != 0;
	*props = (struct span){body.p + fixed, 0};
	if (version == 5 && body.n > fixed && body.p[fixed] == 0)
		props->p++;
	else if (version == 5)
		*props =
		    packet_front_properties((struct span){body.p + fixed, body.n - fixed});
	if (props->p == NULL)
		return PACKET_TOO_SHORT;
	m->payload.p = props->p + props->n;
	m->payload.n = m->size = (size_t)(body.p + body.n - m->payload.p);
	return qos > 0 && m->mid == 0 ? PACKET_NO_ID : PACKET_OK;
}

/* The properties of a PUBLISH. `pairs` has room for `room` spans and gets names and values of user
 * properties; *alias is 0 when there is none. First ask packet_user_count how much room it needs. */
size_t packet_user_count(struct span props);
enum packet_fault packet_properties(
    struct span props, struct msg_props *out, struct span *pairs, uint16_t *alias);

/* What a CONNACK says (3.2). */
struct packet_connack {
	bool session_present; /* 3.2.2.1.1 */
	uint8_t reason;       /* 3.2.2.2; of MQTT 3.1.1: its return code (mqtt/reason.h) */
	/* Two bytes in answer to who speaks 5: the broker speaks 3.1.1 alone, whatever `reason` is. */
	bool is_v3;
	/* MQTT 5's properties, all but user properties; spans into the packet. */
	struct msg_number session_expiry;   /* 3.2.2.3.2, seconds: the broker's in place of ours */
	struct msg_number receive_maximum;  /* 3.2.2.3.3, of the broker */
	struct msg_number qos_most;         /* 3.2.2.3.4: 0 or 1 */
	struct msg_number retain;           /* 3.2.2.3.5: 0, not available; and so below */
	struct msg_number packet_most;      /* 3.2.2.3.6, bytes */
	struct msg_number topic_aliases;    /* 3.2.2.3.8, from us */
	struct msg_number wildcards;        /* 3.2.2.3.11 */
	struct msg_number subscription_ids; /* 3.2.2.3.12 */
	struct msg_number shared;           /* 3.2.2.3.13 */
	struct msg_number keepalive;        /* 3.2.2.3.14, seconds: the broker's in place of ours */
	struct span assigned_id;            /* 3.2.2.3.7 */
	struct span reason_text;            /* 3.2.2.3.9 */
	struct span response_information;   /* 3.2.2.3.15 */
	struct span server_reference;       /* 3.2.2.3.16 */
	struct span auth_method, auth_data; /* 3.2.2.3.17, 3.2.2.3.18 */
};
/* The CONNACK that has to come first, of whose bytes `n` are there: what is wrong with it as far as they
 * tell. *whole: all of it is there; then *out is filled, unless something is wrong. */
enum { PACKET_CONNACK_MOST = 64 << 10 }; /* bytes behind its head */
enum packet_fault packet_connack(
    struct packet_connack *out, bool *whole, const char *p, size_t n, int version);

/* PUBREL: the packet identifier. */
enum packet_fault packet_pubrel(uint16_t *mid, const struct packet *f, struct span body);
/* SUBACK (3.9): the packet identifier and the reason codes, one a filter. */
enum packet_fault packet_suback(uint16_t *mid, struct span *reasons, const struct packet *f,
    struct span body, int version);
/* DISCONNECT (3.14) by the broker: its reason code. */
enum packet_fault packet_disconnect(
    uint8_t *reason, const struct packet *f, struct span body);

/* Writes the four bytes of a PUBACK, PUBREC or PUBCOMP with success; returns the place behind them. */
static inline char *
packet_write_ack(char *p, unsigned type, uint16_t mid)
{
	p[0] = (char)(type << 4);
	p[1] = 2;
	p[2] = (char)(mid >> 8);
	p[3] = (char)(mid & 0xFF);
	return p + 4;
}
/* Writes a PUBLISH of QoS 0 without properties, for who has reserved PACKET_PUBLISH_MORE bytes more than the
 * topic and the payload have; the topic is at most 65535 bytes. Returns the place behind it. */
enum { PACKET_PUBLISH_MORE = PACKET_HEAD_MAX + 3 };
char *packet_write_publish(
    char *to, struct span topic, struct span payload, bool retain, int version);
/* A CONNECT (3.1). Strings are at most 65535 bytes. */
struct packet_connect {
	int version;              /* 5 or 4 (3.1.1) */
	bool clean;               /* Clean Start (3.1.2.4) */
	uint16_t keepalive;       /* seconds (3.1.2.10) */
	const char *client_id;
	const char *username;     /* NULL: none, and no password */
	const char *password;     /* NULL: none */
	const char *will_topic;   /* NULL: no will (3.1.2.5) */
	struct span will_payload; /* at most 65535 bytes */
	int will_qos;
	bool will_retain;
	/* MQTT 5's properties; 0: not sent. */
	uint32_t session_expiry;  /* seconds (3.1.2.11.2) */
	uint16_t receive_maximum; /* 3.1.2.11.3 */
	uint32_t packet_most;     /* bytes (3.1.2.11.4) */
	uint16_t topic_aliases;   /* 3.1.2.11.5 */
};
void packet_put_connect(struct buf *out, const struct packet_connect *c);
/* Appends a SUBSCRIBE (3.8) for one filter; `options` as 3.8.3.1 has them (3.1.1: the QoS). */
void packet_put_subscribe(
    struct buf *out, uint16_t mid, const char *filter, uint8_t options, int version);
/* Appends an UNSUBSCRIBE (3.10) for one filter. */
void packet_put_unsubscribe(struct buf *out, uint16_t mid, const char *filter, int version);
void packet_put_ping(struct buf *out);
/* Appends a DISCONNECT; MQTT 3.1.1 has no reason. */
void packet_put_disconnect(struct buf *out, uint8_t reason, int version);

#endif
