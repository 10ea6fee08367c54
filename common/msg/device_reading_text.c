/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Payloads that are no JSON and mean something all the same: printf writes a failed sensor's value as nan. */
#include "base/text.h"
#include "msg/device_reading_int.h"

#include <strings.h>

enum { WORD_MAX = 32 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool
is_word_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '+' || c == '-';
}

static struct span
word_at(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && is_word_char(*p))
		p++;
	return (struct span){from, (size_t)(p - from)};
}

bool
device_reading_is_no_number(struct span word)
{
	static const struct span known[] = {
	    {"nan", 3}, {"inf", 3}, {"infinity", 8}, {"ovf", 3}};
	size_t i = 0;

	if (word.n != 0 && (*word.p == '-' || *word.p == '+')) {
		word.p++;
		word.n--;
	}
	while (i < ARRAY_LEN(known) &&
	    (word.n != known[i].n || strncasecmp(word.p, known[i].p, word.n) != 0))
		i++;
	return i < ARRAY_LEN(known);
}

bool
device_reading_word(struct span payload, struct span *word)
{
	const char *p = payload.p, *end = p + payload.n;

	while (p < end && is_blank(*p))
		p++;
	while (p < end && is_blank(end[-1]))
		end--;
	*word = word_at(p, end);
	return word->n != 0 && word->n <= WORD_MAX && word->p + word->n == end;
}

/* Behind the string that begins at p; `end` when it does not end. */
static char *
behind_string(char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\' && p + 1 < end;
	return p < end ? p + 1 : p;
}

static bool
is_container(struct span payload)
{
	const char *p = payload.p, *end = p + payload.n;

	while (p < end && is_blank(*p))
		p++;
	return p < end && (*p == '{' || *p == '[');
}

bool
device_reading_mend(struct buf *out, struct span payload)
{
	bool found = false, due = false; /* a value is */
	char *p, *end;

	if (!is_container(payload))
		return false;
	buf_span(out, payload);
	for (p = out->p, end = p + out->n; p < end;) {
		struct span word = due ? word_at(p, end) : (struct span){p, 0};

		if (word.n != 0 && device_reading_is_no_number(word)) {
			memset(p, ' ', word.n);
			*p = '0';
			found = true;
		}
		if (word.n != 0) {
			p += word.n;
			due = false;
		} else if (*p == '"') {
			p = behind_string(p, end);
			due = false;
		} else {
			due =
			    *p == ':' || *p == ',' || *p == '[' || (due && is_blank(*p));
			p++;
		}
	}
	return found;
}
