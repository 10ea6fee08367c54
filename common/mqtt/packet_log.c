/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/packet_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

enum {
	TYPES = 16,
	CLIENT_MOST = 64, /* bytes that are shown */
	TOPIC_MOST = 128,
	REASONS_MOST = 8, /* of a SUBACK */
	/* Bytes of a packet that are kept to be looked at: a topic of any length, and the usual properties. Larger
	 * ones count as payload. */
	FRONT_MOST = 128 << 10,
};

/* 2.1.2 */
static const char *const names[TYPES] = {"(type 0)", "CONNECT", "CONNACK", "PUBLISH",
    "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE",
    "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};

/* The packets whose reason codes mean the same. */
static const enum reason_packet reasons_as[TYPES] = {
    [PACKET_CONNACK] = REASON_IN_CONNACK,
    [PACKET_PUBACK] = REASON_IN_PUBACK,
    [PACKET_PUBREC] = REASON_IN_PUBACK,
    [PACKET_PUBREL] = REASON_IN_PUBACK,
    [PACKET_PUBCOMP] = REASON_IN_PUBACK,
    [PACKET_SUBACK] = REASON_IN_SUBACK,
    [PACKET_UNSUBACK] = REASON_IN_SUBACK,
    [PACKET_DISCONNECT] = REASON_IN_DISCONNECT,
    [PACKET_AUTH] = REASON_IN_DISCONNECT,
};

/* The one formatter. */

static void
put_quoted(struct buf *line, const char *name, struct span text, size_t most)
{
	const bool longer = text.n > most;

	if (longer)
		text.n = utf8_cut(text.p, most);
	buf_printf(line, " %s='", name);
	visible_put(line, text);
	buf_puts(line, longer ? "[...]'" : "'");
}

static void
begin(struct buf *line, const char *client, enum packet_way way, int type)
{
	buf_printf(line, "mqtt %c %s", way == PACKET_OUT ? '>' : '<', names[type]);
	put_quoted(line, "client", span_of(client), CLIENT_MOST);
}

static void
end(struct buf *line)
{
	log_debug("%s", buf_str(line));
	buf_release(line);
}

static void
put_id(struct buf *line, int mid)
{
	buf_printf(line, " id=%d", mid);
}

static void
put_reason(struct buf *line, int type, int code)
{
	const char *words = reason_text(reasons_as[type], code);

	buf_printf(line, " reason=%d", code);
	if (words != NULL)
		buf_printf(line, " (%s)", words);
}

static void
put_publish(struct buf *line, const struct msg *m)
{
	if (m->qos > 0)
		put_id(line, m->mid);
	buf_printf(line, " qos=%d%s%s", m->qos, m->retain ? " retain" : "",
	    m->dup ? " dup" : "");
	put_quoted(line, "topic", m->topic, TOPIC_MOST);
}

static void
put_filter(struct buf *line, struct span filter, int options)
{
	buf_printf(line, " qos=%d options=0x%02x", options & 3, (unsigned)options);
	put_quoted(line, "filter", filter, TOPIC_MOST);
}

/* From bytes. Each returns false for what is not to be read. */

static bool
show_connack(struct buf *line, const struct packet *f, struct span body, int version)
{
	(void)version;
	if (body.n < 2)
		return false;
	buf_printf(line, " session-present=%d", body.p[0] & 1);
	put_reason(line, f->type, (unsigned char)body.p[1]);
	return true;
}

static bool
show_publish(struct buf *line, const struct packet *f, struct span body, int version)
{
	struct msg m = {0};
	struct span props;
	enum packet_fault fault = packet_publish(&m, &props, f, body, version);

	if (fault == PACKET_TOO_SHORT && body.n < f->body)
		fault = packet_publish(&m, &props, f, body, 4);
	if (fault != PACKET_OK)
		return false;
	put_publish(line, &m);
	buf_printf(line, " payload=%zu", f->body - (size_t)(m.payload.p - body.p));
	return true;
}

static bool
show_ack(struct buf *line, const struct packet *f, struct span body, int version)
{
	(void)version;
	if (body.n < 2)
		return false;
	put_id(line, packet_u16(body.p));
	put_reason(line, f->type, body.n > 2 ? (unsigned char)body.p[2] : 0);
	return true;
}

/* Of several filters the first: ours have one each. */
static bool
show_filter(struct buf *line, const struct packet *f, struct span body, int version)
{
	const size_t more = f->type == PACKET_SUBSCRIBE ? 1 : 0;
	struct span props = {body.p + 2, 0}, rest;
	size_t n;

	if (body.n < 2)
		return false;
	put_id(line, packet_u16(body.p));
	if (version == 5) {
		props = packet_front_properties((struct span){body.p + 2, body.n - 2});
		if (props.p == NULL)
			return false;
	}
	rest.p = props.p + props.n;
	rest.n = body.n - (size_t)(rest.p - body.p);
	if (rest.n < 2)
		return false;
	n = packet_u16(rest.p);
	if (rest.n - 2 < n + more)
		return false;
	if (more > 0)
		put_filter(
		    line, (struct span){rest.p + 2, n}, (unsigned char)rest.p[2 + n]);
	else
		put_quoted(line, "filter", (struct span){rest.p + 2, n}, TOPIC_MOST);
	return true;
}

/* An UNSUBACK of MQTT 3.1.1 has no reasons. */
static bool
show_suback(struct buf *line, const struct packet *f, struct span body, int version)
{
	struct span reasons = {0};
	uint16_t mid;
	size_t i;

	if (body.n < 2)
		return false;
	put_id(line, packet_u16(body.p));
	if (f->type == PACKET_UNSUBACK && body.n == 2)
		return true;
	if (packet_suback(&mid, &reasons, f, body, version) != PACKET_OK)
		return false;
	for (i = 0; i < reasons.n && i < REASONS_MOST; i++)
		put_reason(line, f->type, (unsigned char)reasons.p[i]);
	return true;
}

static bool
show_disconnect(struct buf *line, const struct packet *f, struct span body, int version)
{
	(void)version;
	put_reason(line, f->type, body.n > 0 ? (unsigned char)body.p[0] : 0);
	return true;
}

static bool (*const shows[TYPES])(
    struct buf *line, const struct packet *f, struct span body, int version) = {
    [PACKET_CONNACK] = show_connack,
    [PACKET_PUBLISH] = show_publish,
    [PACKET_PUBACK] = show_ack,
    [PACKET_PUBREC] = show_ack,
    [PACKET_PUBREL] = show_ack,
    [PACKET_PUBCOMP] = show_ack,
    [PACKET_SUBSCRIBE] = show_filter,
    [PACKET_SUBACK] = show_suback,
    [PACKET_UNSUBSCRIBE] = show_filter,
    [PACKET_UNSUBACK] = show_suback,
    [PACKET_DISCONNECT] = show_disconnect,
    [PACKET_AUTH] = show_disconnect,
};

/* `front` is the packet, or its beginning. */
static void
show(const char *client, int version, enum packet_way way, const struct packet *f,
    struct span front)
{
	const struct span body = {front.p + f->head, front.n - f->head};
	struct buf line = {0};

	begin(&line, client, way, f->type);
	if (shows[f->type] != NULL && !shows[f->type](&line, f, body, version))
		buf_printf(&line, " malformed bytes=%llu",
		    (unsigned long long)f->head + f->body);
	end(&line);
}

void
packet_log_whole(const char *client, int version, const char *p, size_t n)
{
	struct packet f = {0};

	if (packet_read(&f, p, n) == 1)
		show(client, version, PACKET_OUT, &f, (struct span){p, n});
}

struct packet_log {
	char *client, *broker;
	int version;
	struct stream {
		struct buf front; /* of the packet at hand */
		uint64_t skip; /* bytes of it that are still to come and tell nothing */
		bool lost;     /* where a packet begins is not known any more */
	} ways[2];
};

struct packet_log *
packet_log_new(const char *client, const char *broker, int version)
{
	struct packet_log *l;

	if (!packet_log_is_on())
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->client = xstrdup(client);
	l->broker = xstrdup(broker);
	l->version = version;
	return l;
}

void
packet_log_free(struct packet_log *l)
{
	if (l == NULL)
		return;
	buf_release(&l->ways[PACKET_IN].front);
	buf_release(&l->ways[PACKET_OUT].front);
	free(l->client);
	free(l->broker);
	free(l);
}

/* 3.1.2; nothing behind it is shown. */
static void
show_connect(const struct packet_log *l, const struct packet *f, struct span front)
{
	enum { LEVEL = 6, FLAGS, KEEPALIVE, END = 10 };
	const char *p = front.p + f->head;
	struct packet_log_login login = {.broker = l->broker};

	if (front.n < (size_t)f->head + END)
		return;
	login.version = p[LEVEL];
	login.keepalive = packet_u16(p + KEEPALIVE);
	login.clean = (p[FLAGS] & 0x02) != 0;
	login.will = (p[FLAGS] & 0x04) != 0;
	login.password = (p[FLAGS] & 0x40) != 0;
	login.username = (p[FLAGS] & 0x80) != 0;
	packet_log_connect(l->client, &login);
}

static void
show_front(const struct packet_log *l, enum packet_way way, const struct packet *f,
    struct span front)
{
	if (way == PACKET_OUT && f->type == PACKET_CONNECT)
		show_connect(l, f, front);
	else
		show(l->client, l->version, way, f, front);
}

/* How many bytes belong to the packet's front, as far as is known; 0: its length is malformed. */
static size_t
front_size(const struct buf *front, struct packet *f)
{
	const int known = packet_read(f, buf_as_span(front).p, front->n);
	const size_t whole = (size_t)f->head + f->body;

	if (known <= 0)
		return known < 0 ? 0 : front->n + 1;
	return whole < FRONT_MOST ? whole : FRONT_MOST;
}

static size_t
least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Of `n` bytes at hand, those that are the packet's front or to be skipped. */
static size_t
take_some(struct packet_log *l, enum packet_way way, const char *p, size_t n)
{
	struct stream *s = &l->ways[way];
	struct packet f = {0};
	size_t some, size;

	if (s->skip > 0) {
		some = least(s->skip, n);
		s->skip -= some;
		return some;
	}
	some = least(front_size(&s->front, &f) - s->front.n, n);
	buf_put(&s->front, p, some);
	size = front_size(&s->front, &f);
	s->lost = size == 0;
	if (size == s->front.n) {
		show_front(l, way, &f, buf_as_span(&s->front));
		s->skip = (uint64_t)f.head + f.body - s->front.n;
		/* A CONNECT has the password. */
		explicit_bzero(s->front.p, s->front.n);
		buf_clear(&s->front);
	}
	return some;
}

void
packet_log_add(struct packet_log *l, enum packet_way way, const char *p, size_t n)
{
	size_t some;

	for (; n > 0 && !l->ways[way].lost; p += some, n -= some)
		some = take_some(l, way, p, n);
}

/* What libmosquitto tells of. */

void
packet_log_connect(const char *client, const struct packet_log_login *l)
{
	struct buf line = {0};

	if (!packet_log_is_on())
		return;
	begin(&line, client, PACKET_OUT, PACKET_CONNECT);
	put_quoted(&line, "broker", span_of(l->broker), TOPIC_MOST);
	buf_printf(&line, " version=%s keepalive=%d%s%s%s%s",
	    l->version == 5 ? "5" : "3.1.1", l->keepalive, l->clean ? " clean" : "",
	    l->username ? " username" : "", l->password ? " password" : "",
	    l->will ? " will" : "");
	end(&line);
}

void
packet_log_connack(const char *client, bool session_present, int reason)
{
	struct buf line = {0};

	if (!packet_log_is_on())
		return;
	begin(&line, client, PACKET_IN, PACKET_CONNACK);
	buf_printf(&line, " session-present=%d", session_present);
	put_reason(&line, PACKET_CONNACK, reason);
	end(&line);
}

void
packet_log_suback(const char *client, int mid, int count, const int *reasons)
{
	struct buf line = {0};
	int i;

	if (!packet_log_is_on())
		return;
	begin(&line, client, PACKET_IN, PACKET_SUBACK);
	put_id(&line, mid);
	for (i = 0; i < count && i < REASONS_MOST; i++)
		put_reason(&line, PACKET_SUBACK, reasons[i]);
	end(&line);
}

void
packet_log_message(const char *client, enum packet_way way, const struct msg *m)
{
	struct buf line = {0};

	if (!packet_log_is_on())
		return;
	begin(&line, client, way, PACKET_PUBLISH);
	put_publish(&line, m);
	buf_printf(&line, " payload=%zu", m->size);
	end(&line);
}

void
packet_log_answer(const char *client, enum packet_type type, int mid, int reason)
{
	struct buf line = {0};

	if (!packet_log_is_on())
		return;
	begin(&line, client, PACKET_IN, (int)type);
	if (mid != 0)
		put_id(&line, mid);
	put_reason(&line, (int)type, reason);
	end(&line);
}

void
packet_log_subscribe(const char *client, int mid, const char *filter, int options)
{
	struct buf line = {0};

	if (!packet_log_is_on())
		return;
	begin(&line, client, PACKET_OUT, PACKET_SUBSCRIBE);
	put_id(&line, mid);
	put_filter(&line, span_of(filter), options);
	end(&line);
}
