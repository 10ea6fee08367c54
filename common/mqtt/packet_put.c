/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packets that a client sends. */
#include "base/emit.h"
#include "mqtt/packet.h"

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
