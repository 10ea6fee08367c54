/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/range.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The number in p[0..n), perhaps with % behind it. */
static bool
number_of(const char *p, size_t n, double *out)
{
	char number[32];

	if (n > 1 && p[n - 1] == '%')
		n--;
	if (n == 0 || n >= sizeof(number))
		return false;
	memcpy(number, p, n);
	number[n] = '\0';
	return text_double(number, out);
}

/* What is left out in front of the colon is 0, and ~ is without end. */
static bool
low_bound(const char *p, size_t n, double *out)
{
	*out = n == 1 && *p == '~' ? -INFINITY : 0;
	return n == 0 || isinf(*out) || number_of(p, n, out);
}

static bool
high_bound(const char *p, double *out)
{
	*out = INFINITY;
	return *p == '\0' || number_of(p, strlen(p), out);
}

int
range_parse(struct range *r, const char *text, const char *what, struct err *err)
{
	const char *p = text + (text[0] == '@');
	const char *colon = strchr(p, ':');
	const char *high = colon != NULL ? colon + 1 : p;
	bool good = *p != '\0' && strcmp(p, ":") != 0;

	*r = (struct range){.inside = text[0] == '@', .given = true, .text = text};
	if (colon != NULL)
		good = good && low_bound(p, (size_t)(colon - p), &r->low);
	if (good && high_bound(high, &r->high) && r->low <= r->high)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("%s: '%s' is not a range such as 10:, ~:10, 10:20 or @10:20"), what, text);
}

void
range_put(struct buf *out, const struct range *r)
{
	const char *p;

	for (p = r->given ? r->text : ""; *p != '\0'; p++) {
		if (*p != '%')
			buf_putc(out, *p);
	}
}

bool
range_alerts(const struct range *r, double value)
{
	bool inside = value >= r->low && value <= r->high;

	return r->given && inside == r->inside;
}

bool
range_covers(const struct range *warning, const struct range *critical)
{
	if (!warning->given || !critical->given || warning->inside != critical->inside)
		return true;
	if (warning->inside)
		return warning->low <= critical->low && warning->high >= critical->high;
	return warning->low >= critical->low && warning->high <= critical->high;
}
