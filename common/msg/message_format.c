/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto_sub's -F formats, compiled once into literal texts and letters with their width. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_format_int.h"
#include "msg/message_format.h"

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
	const char *what = *p == '\\' ? _("'\\' comes one of \\ a 0 e n r t v")
	    : *p == '@'               ? _("'@' comes a letter of strftime(3), @ or N")
			: _("'%' comes one of % A C D E F I j J l m P p q R r S t U X x, "
			    "maybe behind flags and a width as in %-10t or %05l");

	return err_set(err, ERR_USAGE, _("format '%s': after %s"), text, what);
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
