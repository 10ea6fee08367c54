/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the letters of a format write. Where mosquitto_sub's page and the program (2.0.11) disagree, as
 * the program does: a width cuts a payload, halves it in hexadecimal even where it fits, and pads no
 * response topic that is absent. */
#include <time.h>

#include "msg/message_format_int.h"

static void
pad(struct buf *out, size_t n, char with)
{
	if (n != 0)
		memset(buf_reserve(out, n), with, n);
	out->n += n;
}

/* What was appended since `from` becomes as wide as it should, blanks or zeros before it. */
static void
widen(const struct format_context *c, size_t from, char with)
{
	size_t n = c->out->n - from;
	size_t more = c->item->width > n ? c->item->width - n : 0;

	pad(c->out, more, c->item->left ? ' ' : with);
	if (c->item->left || more == 0)
		return;
	memmove(c->out->p + from + more, c->out->p + from, n);
	memset(c->out->p + from, with, more);
}

static void
put_string(const struct format_context *c, struct span s)
{
	size_t from = c->out->n;

	buf_put(c->out, s.p, s.n < c->item->most ? s.n : c->item->most);
	widen(c, from, ' ');
}

static void
put_number(const struct format_context *c, struct msg_number n)
{
	size_t from = c->out->n;

	if (n.given)
		buf_u64(c->out, n.v);
	widen(c, from, c->item->zero ? '0' : ' ');
}

static void
put_percent(const struct format_context *c)
{
	buf_putc(c->out, '%');
}

static void
put_topic(const struct format_context *c)
{
	put_string(c, c->m->topic);
}

static void
put_content_type(const struct format_context *c)
{
	put_string(c, c->m->props.content_type);
}

static void
put_response_topic(const struct format_context *c)
{
	if (c->m->props.response_topic.p != NULL)
		put_string(c, c->m->props.response_topic);
}

static void
put_correlation(const struct format_context *c)
{
	buf_span(c->out, c->m->props.correlation);
}

static void
put_user(const struct format_context *c)
{
	const struct msg_props *p = &c->m->props;
	size_t i;

	for (i = 0; i < p->users; i++) {
		if (i != 0)
			buf_putc(c->out, ' ');
		buf_span(c->out, p->user[2 * i]);
		buf_putc(c->out, ':');
		buf_span(c->out, p->user[2 * i + 1]);
	}
}

static void
put_alias(const struct format_context *c)
{
	put_number(c, c->m->props.topic_alias);
}

static void
put_expiry(const struct format_context *c)
{
	put_number(c, c->m->props.expiry);
}

static void
put_payload_format(const struct format_context *c)
{
	put_number(c, c->m->props.payload_format);
}

static void
put_subscription(const struct format_context *c)
{
	put_number(c, c->m->props.subscription);
}

static void
put_mid(const struct format_context *c)
{
	put_number(c, (struct msg_number){true, c->m->mid});
}

static void
put_length(const struct format_context *c)
{
	put_number(c, (struct msg_number){true, (uint32_t)c->m->payload.n});
}

static void
put_qos(const struct format_context *c)
{
	buf_putc(c->out, (char)('0' + c->m->qos));
}

static void
put_retain(const struct format_context *c)
{
	buf_putc(c->out, c->m->retain ? '1' : '0');
}

/* What a width leaves of the payload, of which each byte takes `each` characters. */
static struct span
fitting(const struct format_context *c, size_t each)
{
	struct span s = c->m->payload;

	if (c->item->width != 0 && s.n > c->item->width)
		s.n = c->item->width;
	if (c->item->width != 0)
		s.n /= each;
	return s;
}

static void
put_payload(const struct format_context *c)
{
	size_t from = c->out->n;

	buf_span(c->out, fitting(c, 1));
	widen(c, from, c->item->zero ? '0' : ' ');
}

static void
put_hex(const struct format_context *c, const char *digits)
{
	size_t from = c->out->n, i;
	struct span s = fitting(c, 2);
	char *to = buf_reserve(c->out, 2 * s.n);

	for (i = 0; i < s.n; i++) {
		*to++ = digits[(unsigned char)s.p[i] >> 4];
		*to++ = digits[(unsigned char)s.p[i] & 15];
	}
	c->out->n += 2 * s.n;
	widen(c, from, c->item->zero ? '0' : ' ');
}

static void
put_lower_hex(const struct format_context *c)
{
	put_hex(c, "0123456789abcdef");
}

static void
put_upper_hex(const struct format_context *c)
{
	put_hex(c, "0123456789ABCDEF");
}

/* What comes behind an @ is the platform's business, as mosquitto_sub's page says. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t
format_time(const struct format_context *c, const char *format, char *text, size_t room)
{
	time_t s = (time_t)(c->m->received_us / 1000000);
	struct tm tm;

	localtime_r(&s, &tm);
	return strftime(text, room, format, &tm);
}
#pragma GCC diagnostic pop

static void
put_iso_time(const struct format_context *c)
{
	char text[64];
	size_t n = format_time(c, "%Y-%m-%dT%H:%M:%S%z", text, sizeof(text));

	put_string(c, (struct span){text, n});
}

static void
put_nanoseconds(const struct format_context *c)
{
	buf_printf(c->out, "%09d", (int)(c->m->received_us % 1000000) * 1000);
}

static void
put_unix_time(const struct format_context *c)
{
	buf_u64(c->out, (uint64_t)c->m->received_us / 1000000);
	buf_putc(c->out, '.');
	put_nanoseconds(c);
}

static void
put_strftime(const struct format_context *c)
{
	char text[256];

	buf_put(c->out, text, format_time(c, c->item->text.p, text, sizeof(text)));
}

/* Our message line, without its newline: what %j and %J are for. */
static void
put_json(const struct format_context *c)
{
	if (message_line(c->out, c->m, c->topics) == NULL)
		c->out->n--;
}

const struct format_letter format_letters[] = {{'%', put_percent}, {'A', put_alias},
    {'C', put_content_type}, {'D', put_correlation}, {'E', put_expiry},
    {'F', put_payload_format}, {'I', put_iso_time}, {'j', put_json}, {'J', put_json},
    {'l', put_length}, {'m', put_mid}, {'P', put_user}, {'p', put_payload},
    {'q', put_qos}, {'R', put_response_topic}, {'r', put_retain}, {'S', put_subscription},
    {'t', put_topic}, {'U', put_unix_time}, {'X', put_upper_hex}, {'x', put_lower_hex},
    {0, NULL}};

const struct format_letter format_nanoseconds = {'N', put_nanoseconds};
const struct format_letter format_date = {'@', put_strftime};
