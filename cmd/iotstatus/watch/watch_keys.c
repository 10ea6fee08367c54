/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/watch/watch_keys.h"

#include <string.h>

#include "base/text.h"

enum { ESCAPE = 27, BACKSPACE = 8, DELETE = 127, ERASE_LINE = 21 };

static void
scroll(struct watch_choice *c, int by)
{
	int last = c->count - c->lines;

	c->top += by;
	if (c->top > last)
		c->top = last;
	if (c->top < 0)
		c->top = 0;
}

static void
go_up(struct watch_choice *c)
{
	scroll(c, -1);
}

static void
go_down(struct watch_choice *c)
{
	scroll(c, 1);
}

static void
page_up(struct watch_choice *c)
{
	scroll(c, -c->lines);
}

static void
page_down(struct watch_choice *c)
{
	scroll(c, c->lines);
}

static void
go_home(struct watch_choice *c)
{
	c->top = 0;
}

static void
go_end(struct watch_choice *c)
{
	scroll(c, c->count);
}

static void
sort_next(struct watch_choice *c)
{
	c->sort = (enum sort)((c->sort + 1) % SORTS);
	c->top = 0;
}

static void
sort_before(struct watch_choice *c)
{
	c->sort = (enum sort)((c->sort + SORTS - 1) % SORTS);
	c->top = 0;
}

static void
filter_start(struct watch_choice *c)
{
	c->typing = true;
}

static void
quit(struct watch_choice *c)
{
	c->quit = true;
}

static void
filter_clear(struct watch_choice *c)
{
	c->filter[0] = '\0';
	c->top = 0;
}

/* Both what terminals send in their normal and in their application mode. */
static const struct {
	const char *bytes;
	void (*fn)(struct watch_choice *c);
} keys[] = {
    {"q", quit},
    {"Q", quit},
    {"/", filter_start},
    {"s", sort_next},
    {"k", go_up},
    {"j", go_down},
    {"\033[A", go_up},
    {"\033OA", go_up},
    {"\033[B", go_down},
    {"\033OB", go_down},
    {"\033[C", sort_next},
    {"\033OC", sort_next},
    {"\033[D", sort_before},
    {"\033OD", sort_before},
    {"\033[5~", page_up},
    {"\033[6~", page_down},
    {" ", page_down},
    {"\033[H", go_home},
    {"\033[1~", go_home},
    {"\033OH", go_home},
    {"\033[F", go_end},
    {"\033[4~", go_end},
    {"\033OF", go_end},
};

/* A byte of the filter; it searches while it is typed. */
static void
type(struct watch_choice *c, char byte)
{
	size_t n = strlen(c->filter);

	if (byte == '\r' || byte == '\n') {
		c->typing = false;
	} else if (byte == ESCAPE || byte == ERASE_LINE) {
		c->typing = byte != ESCAPE;
		filter_clear(c);
	} else if (byte == BACKSPACE || byte == DELETE) {
		while (n > 0 && ((unsigned char)c->filter[n - 1] & 0xC0) == 0x80)
			n--;
		c->filter[n > 0 ? n - 1 : 0] = '\0';
	} else if ((unsigned char)byte > ' ' && n + 1 < sizeof(c->filter)) {
		c->filter[n] = byte;
		c->filter[n + 1] = '\0';
	}
	c->top = 0;
}

/* The bytes of the key at p; 1 for one that means nothing. */
static size_t
press(struct watch_choice *c, const char *p, size_t n)
{
	size_t i, end = 1;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		size_t m = strlen(keys[i].bytes);

		if (m <= n && memcmp(p, keys[i].bytes, m) == 0) {
			keys[i].fn(c);
			return m;
		}
	}
	if (*p != ESCAPE)
		return 1;
	if (n == 1)
		filter_clear(c);
	/* Another key's sequence: up to its last byte. */
	if (n > 1 && (p[1] == '[' || p[1] == 'O')) {
		for (end = 2; end < n && (p[end] < '@' || p[end] > '~'); end++)
			;
		end += end < n;
	}
	return end;
}

bool
watch_keys_take(struct watch_choice *c, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && !c->quit) {
		/* Escape alone ends the typing; an arrow scrolls what is found so far. */
		bool sequence = n - at > 1 && p[at] == ESCAPE &&
		    (p[at + 1] == '[' || p[at + 1] == 'O');

		if (c->typing && !sequence)
			type(c, p[at++]);
		else
			at += press(c, p + at, n - at);
	}
	return n > 0;
}
