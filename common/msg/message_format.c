/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto_sub's -F formats, compiled once into literal texts and letters with their width. */
#include "msg/message_format.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_int.h"

struct format_item;

struct format_context {
	struct buf *out;
	const struct msg *m;
	const struct topic_set *topics;
	const struct format_item *item;
};

struct format_letter {
	char letter; /* 0: the end of the table */
	void (*put)(const struct format_context *c);
};

struct format_item {
	const struct format_letter *letter; /* NULL: text */
	struct buf text; /* of a date: what strftime gets, with its NUL */
	bool left, zero;
	size_t width, most; /* most: SIZE_MAX without one */
};

/* What the letters of a format write. Where mosquitto_sub's page and the program (2.0.11) disagree, as
 * the program does: a width cuts a payload, halves it in hexadecimal even where it fits, and pads no
 * response topic that is absent. */

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

/* What may come behind a percent sign. */
static const struct format_letter format_letters[] = {{'%', put_percent},
    {'A', put_alias}, {'C', put_content_type}, {'D', put_correlation}, {'E', put_expiry},
    {'F', put_payload_format}, {'I', put_iso_time}, {'j', put_json}, {'J', put_json},
    {'l', put_length}, {'m', put_mid}, {'P', put_user}, {'p', put_payload},
    {'q', put_qos}, {'R', put_response_topic}, {'r', put_retain}, {'S', put_subscription},
    {'t', put_topic}, {'U', put_unix_time}, {'X', put_upper_hex}, {'x', put_lower_hex},
    {0, NULL}};

/* @N; @ and a letter of strftime. */
static const struct format_letter format_nanoseconds = {'N', put_nanoseconds};
static const struct format_letter format_date = {'@', put_strftime};

enum { WIDTH_MAX = 65535 };

struct message_format {
	struct format_item *items;
	size_t count;
};

static struct format_item *
add_item(struct message_format *f, const struct format_letter *letter)
{
	f->items = xreallocarray(f->items, f->count + 1, sizeof(*f->items));
	f->items[f->count] = (struct format_item){.letter = letter, .most = SIZE_MAX};
	return &f->items[f->count++];
}

static void
add_char(struct message_format *f, char c)
{
	if (f->count == 0 || f->items[f->count - 1].letter != NULL)
		add_item(f, NULL);
	buf_putc(&f->items[f->count - 1].text, c);
}

/* Behind a backslash, a percent sign, an at sign; each returns what follows, or NULL. */

static const char *
add_escape(struct message_format *f, const char *p)
{
	static const char escapes[] = "\\a0enrtv";
	static const char meant[] = "\\\a\0\x1b\n\r\t\v";
	const char *escape = *p != '\0' ? strchr(escapes, *p) : NULL;

	if (escape == NULL)
		return NULL;
	add_char(f, meant[escape - escapes]);
	return p + 1;
}

/* A number of the format; one that is too large stays so. */
static const char *
read_width(const char *p, size_t *width)
{
	for (*width = 0; *p >= '0' && *p <= '9'; p++)
		*width = *width > WIDTH_MAX ? *width : *width * 10 + (size_t)(*p - '0');
	return p;
}

static const char *
add_letter(struct message_format *f, const char *p)
{
	struct format_item item = {.most = SIZE_MAX};
	const struct format_letter *l = format_letters;

	if ((item.left = *p == '-'))
		p++;
	for (; *p == '0'; p++)
		item.zero = true;
	p = read_width(p, &item.width);
	if (*p == '.')
		p = read_width(p + 1, &item.most);
	while (l->letter != 0 && l->letter != *p)
		l++;
	if (l->letter == 0 || item.width > WIDTH_MAX)
		return NULL;
	item.letter = l;
	*add_item(f, NULL) = item;
	return p + 1;
}

static const char *
add_date(struct message_format *f, const char *p)
{
	struct format_item *item;

	if (*p == '\0')
		return NULL;
	if (*p == '@') {
		add_char(f, '@');
	} else if (*p == 'N') {
		add_item(f, &format_nanoseconds);
	} else {
		item = add_item(f, &format_date);
		buf_put(&item->text, (char[]){'%', *p, '\0'}, 3);
	}
	return p + 1;
}

static int
refuse(const char *text, const char *p, struct err *err)
{
	char letters[2 * ARRAY_LEN(format_letters)] = "", *to = letters;
	const struct format_letter *l;

	if (*p == '\\')
		return err_set(err, ERR_USAGE,
		    _("format '%s': after '\\' comes one of \\ a 0 e n r t v"), text);
	if (*p == '@')
		return err_set(err, ERR_USAGE,
		    _("format '%s': after '@' comes a letter of strftime(3), @ or N"),
		    text);
	for (l = format_letters; l->letter != 0; l++) {
		*to++ = ' ';
		*to++ = l->letter;
	}
	return err_set(err, ERR_USAGE,
	    _("format '%s': after '%%' comes one of%s, maybe behind flags and a width as "
	      "in %%-10t or %%05l"),
	    text, letters);
}

int
message_format_compile(struct message_format **out, const char *text, struct err *err)
{
	struct message_format *f = xcalloc(1, sizeof(*f));
	const char *p = text, *next;

	for (; *p != '\0'; p = next) {
		next = p + 1;
		switch (*p) {
		case '\\': next = add_escape(f, next); break;
		case '%': next = add_letter(f, next); break;
		case '@': next = add_date(f, next); break;
		default: add_char(f, *p); break;
		}
		if (next == NULL) {
			message_format_free(f);
			return refuse(text, p, err);
		}
	}
	*out = f;
	return 0;
}

void
message_format_free(struct message_format *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->count; i++)
		buf_release(&f->items[i].text);
	free(f->items);
	free(f);
}

const char *
message_format_put(const struct message_format *f, struct buf *out, const struct msg *m,
    const struct topic_set *topics)
{
	struct format_context c = {out, m, topics, NULL};
	const char *error = message_refused(m, topics);
	size_t i;

	for (i = 0; error == NULL && i < f->count; i++) {
		c.item = &f->items[i];
		if (c.item->letter != NULL)
			c.item->letter->put(&c);
		else
			buf_span(out, buf_as_span(&c.item->text));
	}
	return error;
}
