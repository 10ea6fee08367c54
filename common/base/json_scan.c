/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a whole text in one pass, which writes it without white space on its way. Each scan_ function takes
 * the place of what it scans and returns the place behind it. Nothing but loops looks for the end of the text: what
 * runs over it by a few bytes (ASCII_PLAIN_PADDING can be read, whatever they are) is found out at the next member,
 * item or closing bracket. What is usual is short and inline, the rest is not. */
#include "base/ascii.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>

/* Which ones, the compiler would guess otherwise. */
#define HOT inline __attribute__((always_inline))
#define COLD __attribute__((noinline))

typedef const unsigned char *place;

/* As an argument and a result it is two registers. */
struct at {
	place p;         /* NULL: the text is wrong */
	uintptr_t shift; /* where a byte goes, less where it is */
};

struct scanner {
	place end;
	place bad; /* after a failure: the first byte that cannot be right */
	struct json_scan *found;
};

static struct at
fail(struct scanner *s, place p)
{
	s->bad = p < s->end ? p : s->end;
	return (struct at){0};
}

static inline struct at
ahead(struct at a, size_t n)
{
	return (struct at){a.p + n, a.shift};
}

static inline char *
target(struct at a)
{
	return (char *)((uintptr_t)a.p + a.shift);
}

/* Takes one byte. */
static inline struct at
take(struct at a)
{
	*target(a) = (char)*a.p;
	return ahead(a, 1);
}

static inline void
put_sixteen(struct at a)
{
	memcpy(target(a), a.p, 16);
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static COLD place
skip_more(const struct scanner *s, place p)
{
	while (p < s->end && is_blank(*p))
		p++;
	return p;
}

/* Mostly there is none, or one. */
static HOT struct at
skip(const struct scanner *s, struct at a)
{
	place behind = a.p + 1;

	if (*a.p > ' ')
		return a;
	if (*a.p != ' ' || *behind <= ' ')
		behind = skip_more(s, a.p);
	return (struct at){behind, a.shift - (uintptr_t)(behind - a.p)};
}

/* The code unit of \uXXXX at p, or -1. */
static long
code_unit(place p)
{
	long v = 0;
	int i;

	if (p[0] != '\\' || p[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		int d = ascii_hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* At a backslash; a surrogate must be followed by its other half. */
static place
behind_escape(struct scanner *s, place p)
{
	static const bool letters[256] = {['"'] = true,
	    ['\\'] = true,
	    ['/'] = true,
	    ['b'] = true,
	    ['f'] = true,
	    ['n'] = true,
	    ['r'] = true,
	    ['t'] = true};
	long unit, low;

	s->found->escapes = true;
	if (letters[p[1]])
		return p + 2;
	unit = code_unit(p);
	if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		return NULL;
	if (unit < 0xD800 || unit > 0xDBFF)
		return p + 6;
	low = code_unit(p + 6);
	return low >= 0xDC00 && low <= 0xDFFF ? p + 12 : NULL;
}

/* At a byte of a string that is not plain and not its end; NULL: it is wrong. */
static place
behind_odd(struct scanner *s, place p)
{
	uint32_t cp;
	size_t n;

	if (*p >= 0xC2 && *p < 0xE0 && (p[1] & 0xC0) == 0x80)
		return p + 2;
	if (*p < 0x20)
		return NULL;
	if (*p == '\\')
		return behind_escape(s, p);
	n = utf8_read(p, (size_t)(s->end - p), &cp);
	return n != 0 ? p + n : NULL;
}

/* Inside a string, anywhere. */
static COLD struct at
scan_rest(struct scanner *s, struct at a)
{
	for (;;) {
		const unsigned n = ascii_plain_of_sixteen(a.p);
		place odd = a.p + n;

		put_sixteen(a);
		if (odd >= s->end)
			return fail(s, odd);
		a.p = odd;
		if (n == 16)
			continue;
		if (*odd == '"')
			return take(a);
		put_sixteen(a);
		a.p = behind_odd(s, odd);
		if (a.p == NULL)
			return fail(s, odd);
	}
}

/* At the opening quote. */
static HOT struct at
scan_string(struct scanner *s, struct at a)
{
	const struct at inside = take(a);
	const struct at stop = ahead(inside, ascii_plain_of_sixteen(inside.p));

	put_sixteen(inside);
	return *stop.p == '"' ? take(stop) : scan_rest(s, inside);
}

static inline bool
is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* A number that is long or has an exponent. */
static COLD struct at
scan_long_number(struct scanner *s, struct at a)
{
	place stop = ascii_number_within_portable(a.p, s->end);

	if (*stop == '.')
		return fail(s, stop + 1);
	if ((*stop | 0x20) == 'e') {
		stop++;
		stop += *stop == '+' || *stop == '-';
		if (!is_digit(*stop))
			return fail(s, stop);
		stop = ascii_digits_within(stop, s->end);
	}
	memcpy(target(a), a.p, (size_t)(stop - a.p));
	return (struct at){stop, a.shift};
}

/* At a digit. */
static HOT struct at
scan_number(struct scanner *s, struct at a)
{
	static const bool goes_on[256] = {['.'] = true, ['e'] = true, ['E'] = true};
	const unsigned n = ascii_number_of_sixteen(a.p);

	if (n == 0 || goes_on[a.p[n]])
		return scan_long_number(s, a);
	put_sixteen(a);
	return ahead(a, n);
}

static struct at
scan_word(struct scanner *s, struct at a, const char *word, size_t n)
{
	return memcmp(a.p, word, n) == 0 ? ahead(a, n) : fail(s, a.p);
}

/* What begins with a minus or a letter. */
static COLD struct at
scan_other(struct scanner *s, struct at a)
{
	put_sixteen(a);
	switch (*a.p) {
	case '-':
		a = ahead(a, 1);
		return is_digit(*a.p) ? scan_number(s, a) : fail(s, a.p);
	case 't': return scan_word(s, a, "true", 4);
	case 'f': return scan_word(s, a, "false", 5);
	case 'n': return scan_word(s, a, "null", 4);
	default: return fail(s, a.p);
	}
}

static struct at scan_object(struct scanner *s, struct at a, size_t depth);
static struct at scan_array(struct scanner *s, struct at a, size_t depth);

static HOT struct at
scan_value(struct scanner *s, struct at a, size_t depth)
{
	if (is_digit(*a.p))
		return scan_number(s, a);
	switch (*a.p) {
	case '"': return scan_string(s, a);
	case '{': return scan_object(s, a, depth);
	case '[': return scan_array(s, a, depth);
	default: return scan_other(s, a);
	}
}

/* A name up to its value. */
static HOT struct at
scan_name(struct scanner *s, struct at a, place *end)
{
	const struct at inside = take(a);
	struct at stop = ahead(inside, ascii_plain_of_sixteen(inside.p));

	put_sixteen(inside);
	if (memcmp(stop.p, "\":", 2) != 0) {
		stop = scan_rest(s, inside);
		if (stop.p == NULL)
			return stop;
		*end = stop.p;
		stop = skip(s, stop);
		if (*stop.p != ':')
			return fail(s, stop.p);
		return skip(s, take(stop));
	}
	*end = stop.p + 1;
	memcpy(target(stop), "\":", 2);
	return skip(s, ahead(stop, 2));
}

/* The object's first members at the top are kept, up to where there is room. */
static inline void
keep(struct json_scan *f, struct json_pair pair)
{
	if (f->members < f->room)
		f->pairs[f->members] = pair;
	f->members++;
}

static inline struct span
between(place from, place to)
{
	return (struct span){(const char *)from, (size_t)(to - from)};
}

/* Behind a member or item: at the next one, or (*more false) behind the container. */
static HOT struct at
scan_end(struct scanner *s, struct at a, unsigned char closing, bool *more)
{
	if (*a.p != ',' && *a.p != closing)
		a = skip(s, a);
	*more = *a.p == ',';
	if (*more)
		return skip(s, take(a));
	if (*a.p != closing || a.p >= s->end)
		return fail(s, a.p);
	return take(a);
}

static HOT struct at
scan_members(struct scanner *s, struct at a, size_t depth, bool top)
{
	bool more = true;
	place name, end, value;

	if (depth == 0)
		return fail(s, a.p);
	a = skip(s, take(a));
	if (*a.p == '}')
		return take(a);
	while (more) {
		if (*a.p != '"' || a.p >= s->end)
			return fail(s, a.p);
		name = a.p;
		a = scan_name(s, a, &end);
		if (a.p == NULL)
			return a;
		value = a.p;
		a = scan_value(s, a, depth - 1);
		if (a.p == NULL)
			return a;
		if (top)
			keep(s->found,
			    (struct json_pair){between(name, end), between(value, a.p)});
		a = scan_end(s, a, '}', &more);
	}
	return a;
}

static COLD struct at
scan_object(struct scanner *s, struct at a, size_t depth)
{
	return scan_members(s, a, depth, false);
}

static COLD struct at
scan_array(struct scanner *s, struct at a, size_t depth)
{
	bool more = true;

	if (depth == 0)
		return fail(s, a.p);
	a = skip(s, take(a));
	if (*a.p == ']')
		return take(a);
	while (more) {
		if (a.p >= s->end)
			return fail(s, a.p);
		a = scan_value(s, a, depth - 1);
		if (a.p == NULL)
			return a;
		a = scan_end(s, a, ']', &more);
	}
	return a;
}

/* A value, and white space. */
static HOT bool
scan_text(struct scanner *s, place from, char *to)
{
	struct json_scan *f = s->found;
	struct at a = {from, (uintptr_t)to - (uintptr_t)from};
	const uintptr_t shift = a.shift;
	const size_t depth = f->depth != 0 ? f->depth : JSON_DEPTH;
	place stop;

	f->members = 0;
	f->escapes = false;
	if (from >= s->end)
		a = fail(s, from);
	else if (*from == '{')
		a = scan_members(s, a, depth, true);
	else
		a = scan_value(s, a, depth);
	if (a.p == NULL)
		return false;
	f->value = between(from, a.p);
	f->blanks = shift - a.shift;
	stop = a.p == s->end ? a.p : skip_more(s, a.p);
	if (stop != s->end)
		fail(s, stop);
	return stop == s->end;
}

static void
move(struct span *s, const unsigned char *from, struct span to)
{
	s->p = to.p + ((place)s->p - from);
}

/* What was found in a copy is in the text. */
static void
move_found(struct json_scan *f, const unsigned char *copy, struct span text)
{
	size_t i;

	move(&f->value, copy, text);
	for (i = 0; i < f->members && i < f->room; i++) {
		move(&f->pairs[i].name, copy, text);
		move(&f->pairs[i].value, copy, text);
	}
}

/* A text without padding: its copy has NULs behind it, which are wrong everywhere. A small one stands on the
 * stack, and so does what becomes of it without white space, which nobody wants. */
enum { SMALL = 4096 };

bool
json_scan(struct span text, struct json_scan *found)
{
	const size_t room = text.n + ASCII_PLAIN_PADDING;
	unsigned char small[2 * SMALL];
	unsigned char *copy = room <= SMALL ? small : xmalloc(2 * room);
	struct scanner s = {.end = copy + text.n, .found = found};
	bool good;

	if (text.n != 0)
		memcpy(copy, text.p, text.n);
	memset(copy + text.n, 0, ASCII_PLAIN_PADDING);
	good = scan_text(&s, skip_more(&s, copy), (char *)copy + room);
	if (good)
		move_found(found, copy, text);
	else
		found->at = (size_t)(s.bad - copy);
	if (copy != small)
		free(copy);
	return good;
}

/* A number or a word may go on behind the text, an object or array ends with its last bracket. */
bool
json_scan_padded(struct span text, struct json_scan *found, char *to)
{
	place p = (place)text.p;
	struct scanner s = {.end = p + text.n, .found = found};

	if (text.n > 0 && *p <= ' ')
		p = skip_more(&s, p);
	if (p < s.end && (*p == '{' || *p == '['))
		return scan_text(&s, p, to);
	if (!json_scan(text, found))
		return false;
	memcpy(to, found->value.p, found->value.n);
	return true;
}

bool
json_check(struct span text, struct span *value, size_t *at)
{
	struct json_scan found = {0};
	bool good = json_scan(text, &found);

	if (good && value != NULL)
		*value = found.value;
	if (!good && at != NULL)
		*at = found.at;
	return good;
}
