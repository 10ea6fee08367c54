/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto_sub's -F formats, compiled once into literal texts and letters. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/message.h"

struct item {
	char letter; /* 0: literal text */
	struct buf text;
};

struct message_format {
	struct item *items;
	size_t count;
};

struct context {
	struct buf *out;
	const struct msg *m;
	const struct topics *topics;
};

static void
put_hex(struct buf *out, struct span s, const char *digits)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		buf_putc(out, digits[(unsigned char)s.p[i] >> 4]);
		buf_putc(out, digits[(unsigned char)s.p[i] & 15]);
	}
}

static void
put_percent(const struct context *c)
{
	buf_putc(c->out, '%');
}

static void
put_topic(const struct context *c)
{
	buf_span(c->out, c->m->topic);
}

static void
put_payload(const struct context *c)
{
	buf_span(c->out, c->m->payload);
}

static void
put_qos(const struct context *c)
{
	buf_u64(c->out, c->m->qos);
}

static void
put_retain(const struct context *c)
{
	buf_putc(c->out, c->m->retain ? '1' : '0');
}

static void
put_mid(const struct context *c)
{
	buf_u64(c->out, c->m->mid);
}

static void
put_length(const struct context *c)
{
	buf_u64(c->out, c->m->payload.n);
}

static void
put_lower_hex(const struct context *c)
{
	put_hex(c->out, c->m->payload, "0123456789abcdef");
}

static void
put_upper_hex(const struct context *c)
{
	put_hex(c->out, c->m->payload, "0123456789ABCDEF");
}

static void
put_iso_time(const struct context *c)
{
	time_t s = (time_t)(c->m->received_us / 1000000);
	char text[64];
	struct tm tm;

	localtime_r(&s, &tm);
	buf_put(c->out, text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm));
}

static void
put_unix_time(const struct context *c)
{
	buf_u64(c->out, (uint64_t)c->m->received_us / 1000000);
	buf_printf(c->out, ".%09d", (int)(c->m->received_us % 1000000) * 1000);
}

/* Our message line, without its newline: what %j and %J are for. */
static void
put_json(const struct context *c)
{
	message_line(c->out, c->m, c->topics);
	c->out->n--;
}

static void (*const writers[128])(const struct context *) = {
    ['%'] = put_percent,
    ['t'] = put_topic,
    ['p'] = put_payload,
    ['q'] = put_qos,
    ['r'] = put_retain,
    ['m'] = put_mid,
    ['l'] = put_length,
    ['x'] = put_lower_hex,
    ['X'] = put_upper_hex,
    ['I'] = put_iso_time,
    ['U'] = put_unix_time,
    ['j'] = put_json,
    ['J'] = put_json,
};

static void
add_char(struct message_format *f, char c)
{
	if (f->count == 0 || f->items[f->count - 1].letter != 0) {
		f->items = xreallocarray(f->items, f->count + 1, sizeof(*f->items));
		f->items[f->count++] = (struct item){0};
	}
	buf_putc(&f->items[f->count - 1].text, c);
}

static void
add_letter(struct message_format *f, char c)
{
	f->items = xreallocarray(f->items, f->count + 1, sizeof(*f->items));
	f->items[f->count++] = (struct item){.letter = c};
}

int
message_format_compile(struct message_format **out, const char *text, struct err *err)
{
	static const char escapes[] = "\\a0en rtv";
	static const char meant[] = "\\\a\0\x1b\n \r\t\v";
	struct message_format *f = xcalloc(1, sizeof(*f));
	const char *p;

	for (p = text; *p != '\0'; p++) {
		const char *escape = p[1] != '\0' ? strchr(escapes, p[1]) : NULL;
		unsigned char letter = (unsigned char)p[1];

		if (*p == '\\' && escape != NULL) {
			add_char(f, meant[escape - escapes]);
			p++;
		} else if (*p != '%') {
			add_char(f, *p);
		} else if (letter < ARRAY_LEN(writers) && writers[letter] != NULL) {
			add_letter(f, p[1]);
			p++;
		} else {
			message_format_free(f);
			return err_set(err, ERR_USAGE,
			    _("format '%s': after '%%' comes one of %% t p q r m l x X I "
			      "U j J"),
			    text);
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

void
message_format_put(const struct message_format *f, struct buf *out, const struct msg *m,
    const struct topics *topics)
{
	const struct context c = {out, m, topics};
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (f->items[i].letter == 0)
			buf_span(out, buf_as_span(&f->items[i].text));
		else
			writers[(unsigned char)f->items[i].letter](&c);
	}
}
