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
#define USUAL(x) __builtin_expect((x), 1)

typedef const unsigned char *place;

/* As an argument and a result it is two registers. */
struct at {
	place p;         /* NULL: the text is wrong */
	uintptr_t shift; /* where a byte goes, less where it is */
};

/* At the first byte that cannot be right. */
static COLD struct at
fail(struct json_scan *f, place p)
{
	f->at = (size_t)((p < f->end ? p : f->end) - f->from);
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
skip_more(const struct json_scan *f, place p)
{
	while (p < f->end && is_blank(*p))
		p++;
	return p;
}

/* Mostly there is none, or one. */
static HOT struct at
skip(const struct json_scan *f, struct at a)
{
	place behind = a.p + 1;

	if (*a.p > ' ')
		return a;
	if (*a.p != ' ' || *behind <= ' ')
		behind = skip_more(f, a.p);
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
behind_escape(struct json_scan *f, place p)
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

	f->escapes = true;
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
behind_odd(struct json_scan *f, place p)
{
	uint32_t cp;
	size_t n;

	if (*p >= 0xC2 && *p < 0xE0 && (p[1] & 0xC0) == 0x80)
		return p + 2;
	if (*p < 0x20)
		return NULL;
	if (*p == '\\')
		return behind_escape(f, p);
	n = utf8_read(p, (size_t)(f->end - p), &cp);
	return n != 0 ? p + n : NULL;
}

/* Inside a string, anywhere. */
static COLD struct at
scan_rest(struct json_scan *f, struct at a)
{
	for (;;) {
		const unsigned n = ascii_plain_of_sixteen(a.p);
		place odd = a.p + n;

		put_sixteen(a);
		if (odd >= f->end)
			return fail(f, odd);
		a.p = odd;
		if (n == 16)
			continue;
		if (*odd == '"')
			return take(a);
		put_sixteen(a);
		a.p = behind_odd(f, odd);
		if (a.p == NULL)
			return fail(f, odd);
	}
}

/* At the opening quote. */
static HOT struct at
scan_string(struct json_scan *f, struct at a)
{
	const struct at inside = take(a);
	const struct at stop = ahead(inside, ascii_plain_of_sixteen(inside.p));

	put_sixteen(inside);
	return *stop.p == '"' ? take(stop) : scan_rest(f, inside);
}

static inline bool
is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* A number that is long or has an exponent. */
static COLD struct at
scan_long_number(struct json_scan *f, struct at a)
{
	place stop = ascii_number_within_portable(a.p, f->end);

	if (*stop == '.')
		return fail(f, stop + 1);
	if ((*stop | 0x20) == 'e') {
		stop++;
		stop += *stop == '+' || *stop == '-';
		if (!is_digit(*stop))
			return fail(f, stop);
		stop = ascii_digits_within(stop, f->end);
	}
	memcpy(target(a), a.p, (size_t)(stop - a.p));
	return (struct at){stop, a.shift};
}

/* At a digit. A number that goes on behind what is taken here is found out behind the value: scan_gap. */
static HOT struct at
scan_number(struct at a)
{
	const unsigned n = ascii_number_of_sixteen(a.p);

	put_sixteen(a);
	return ahead(a, n);
}

static struct at
scan_word(struct json_scan *f, struct at a, const char *word, size_t n)
{
	return memcmp(a.p, word, n) == 0 ? ahead(a, n) : fail(f, a.p);
}

/* What begins with a minus or a letter. */
static COLD struct at
scan_other(struct json_scan *f, struct at a)
{
	put_sixteen(a);
	switch (*a.p) {
	case '-': a = ahead(a, 1); return is_digit(*a.p) ? scan_number(a) : fail(f, a.p);
	case 't': return scan_word(f, a, "true", 4);
	case 'f': return scan_word(f, a, "false", 5);
	case 'n': return scan_word(f, a, "null", 4);
	default: return fail(f, a.p);
	}
}

static struct at scan_object(struct json_scan *f, struct at a, size_t depth);
static struct at scan_array(struct json_scan *f, struct at a, size_t depth);

static HOT struct at
scan_value(struct json_scan *f, struct at a, size_t depth)
{
	const unsigned char first = *a.p;

	if (is_digit(first))
		return scan_number(a);
	if (first == '"')
		return scan_string(f, a);
	if (first == '{')
		return scan_object(f, a, depth);
	return first == '[' ? scan_array(f, a, depth) : scan_other(f, a);
}

static inline struct span
between(place from, place to)
{
	return (struct span){(const char *)from, (size_t)(to - from)};
}

/* What was taken for the value at `value` may be the beginning of a number. */
static struct at
scan_on(struct json_scan *f, struct at a, place value)
{
	value += *value == '-';
	return is_digit(*value) ? scan_long_number(f, (struct at){value, a.shift}) : a;
}

/* At what is behind a value and neither comma nor closing bracket. `pair`: where the value was kept, or NULL. */
static COLD struct at
scan_gap(struct json_scan *f, struct at a, place value, struct json_pair *pair)
{
	if (*a.p > ' ') {
		a = scan_on(f, a, value);
		if (a.p == NULL)
			return a;
		if (pair != NULL)
			pair->value = between(value, a.p);
	}
	return skip(f, a);
}

static COLD struct at
scan_colon(struct json_scan *f, struct at a)
{
	a = skip(f, a);
	return *a.p == ':' ? take(a) : fail(f, a.p);
}

/* Inside a name's quotes; behind its colon. */
static HOT struct at
scan_name(struct json_scan *f, struct at inside, place *end)
{
	struct at a = ahead(inside, ascii_name_of_sixteen(inside.p));

	put_sixteen(inside);
	if (USUAL(memcmp(a.p, "\":", 2) == 0)) {
		memcpy(target(a), a.p, 2);
		*end = a.p + 1;
		return ahead(a, 2);
	}
	a = scan_rest(f, inside);
	*end = a.p;
	return a.p != NULL ? scan_colon(f, a) : a;
}

static COLD struct at
find_name(struct json_scan *f, struct at a)
{
	a = skip(f, take(a));
	return *a.p == '"' ? take(a) : fail(f, a.p);
}

/* At the brace or comma before a name; inside its quotes. */
static HOT struct at
open_name(struct json_scan *f, struct at a)
{
	place p = a.p;

	if (USUAL(p[1] == '"')) {
		memcpy(target(a), p, 2);
		return ahead(a, 2);
	}
	if (p[1] != ' ' || p[2] != '"')
		return find_name(f, a);
	target(a)[0] = (char)*p;
	target(a)[1] = '"';
	return (struct at){p + 3, a.shift - 1};
}

/* Behind a container that has nothing in it, else NULL. */
static COLD struct at
scan_empty(struct json_scan *f, struct at a, unsigned char closing)
{
	a = skip(f, take(a));
	return *a.p == closing && a.p < f->end ? take(a) : (struct at){0};
}

/* Behind the last member or item. */
static HOT struct at
scan_end(struct json_scan *f, struct at a, unsigned char closing)
{
	return USUAL(*a.p == closing && a.p < f->end) ? take(a) : fail(f, a.p);
}

/* The object's first members at the top are kept, up to where there is room. */
static HOT struct json_pair *
keep(struct json_scan *f, struct json_pair pair)
{
	const size_t at = f->members++;

	if (!USUAL(at < f->room))
		return NULL;
	f->pairs[at] = pair;
	return &f->pairs[at];
}

static HOT struct at
scan_members(struct json_scan *f, struct at a, size_t depth, bool top)
{
	struct json_pair *pair = NULL;
	place name, end, value;

	if (!USUAL(depth != 0))
		return fail(f, a.p);
	if (!USUAL(a.p[1] == '"')) {
		const struct at empty = scan_empty(f, a, '}');

		if (empty.p != NULL)
			return empty;
	}
	do {
		a = open_name(f, a);
		if (!USUAL(a.p != NULL))
			return a;
		if (!USUAL(a.p <= f->end))
			return fail(f, a.p);
		name = a.p - 1;
		a = scan_name(f, a, &end);
		if (!USUAL(a.p != NULL))
			return a;
		a = skip(f, a);
		value = a.p;
		a = scan_value(f, a, depth - 1);
		if (!USUAL(a.p != NULL))
			return a;
		if (top)
			pair = keep(f,
			    (struct json_pair){between(name, end), between(value, a.p)});
		if (!USUAL(*a.p == ',' || *a.p == '}'))
			a = scan_gap(f, a, value, pair);
		if (!USUAL(a.p != NULL))
			return a;
	} while (*a.p == ',');
	return scan_end(f, a, '}');
}

static COLD struct at
scan_object(struct json_scan *f, struct at a, size_t depth)
{
	return scan_members(f, a, depth, false);
}

static COLD struct at
scan_array(struct json_scan *f, struct at a, size_t depth)
{
	struct at empty;
	place value;

	if (depth == 0)
		return fail(f, a.p);
	empty = scan_empty(f, a, ']');
	if (empty.p != NULL)
		return empty;
	do {
		a = skip(f, take(a));
		if (a.p >= f->end)
			return fail(f, a.p);
		value = a.p;
		a = scan_value(f, a, depth - 1);
		if (a.p != NULL && *a.p != ',' && *a.p != ']')
			a = scan_gap(f, a, value, NULL);
		if (a.p == NULL)
			return a;
	} while (*a.p == ',');
	return scan_end(f, a, ']');
}

/* Behind a value that does not end with the text: where it ends, NULL if there is more than white space behind. */
static COLD place
find_end(struct json_scan *f, struct at a, place value)
{
	place stop;

	a = scan_on(f, a, value);
	if (a.p == NULL)
		return NULL;
	stop = skip_more(f, a.p);
	return stop == f->end ? a.p : fail(f, stop).p;
}

/* A value, and white space behind it. */
static HOT bool
scan_text(struct json_scan *f, place value, char *to)
{
	struct at a = {value, (uintptr_t)to - (uintptr_t)value};
	const uintptr_t shift = a.shift;
	const size_t depth = f->depth != 0 ? f->depth : JSON_DEPTH;

	f->members = 0;
	f->escapes = false;
	if (value >= f->end)
		a = fail(f, value);
	else if (*value == '{')
		a = scan_members(f, a, depth, true);
	else
		a = scan_value(f, a, depth);
	f->blanks = shift - a.shift;
	if (!USUAL(a.p == f->end) && a.p != NULL)
		a.p = find_end(f, a, value);
	if (a.p == NULL)
		return false;
	f->value = between(value, a.p);
	return true;
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
	bool good;

	if (text.n != 0)
		memcpy(copy, text.p, text.n);
	memset(copy + text.n, 0, ASCII_PLAIN_PADDING);
	found->from = copy;
	found->end = copy + text.n;
	good = scan_text(found, skip_more(found, copy), (char *)copy + room);
	if (good)
		move_found(found, copy, text);
	if (copy != small)
		free(copy);
	return good;
}

/* A number or a word may go on behind the text, an object or array ends with its last bracket. */
bool
json_scan_padded(struct span text, struct json_scan *found, char *to)
{
	place p = (place)text.p;

	found->from = p;
	found->end = p + text.n;
	if (text.n > 0 && *p <= ' ')
		p = skip_more(found, p);
	if (p < found->end && (*p == '{' || *p == '['))
		return scan_text(found, p, to);
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
