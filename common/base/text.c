/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"

enum { WORD_MAX = 40 };

void
text_translate(bool on)
{
	setlocale(LC_MESSAGES, on ? "" : "C");
}

static size_t
least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's edits and the swap of two neighbours. */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];
	size_t i, j;

	for (i = 0; i <= na; i++)
		d[i][0] = i;
	for (j = 0; j <= nb; j++)
		d[0][j] = j;
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nb; j++) {
			size_t cost = tolower((unsigned char)a[i - 1]) !=
			    tolower((unsigned char)b[j - 1]);

			d[i][j] = least_of(least_of(d[i - 1][j], d[i][j - 1]) + 1,
			    d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least_of(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *
text_nearest(const char *word, const char *const *names)
{
	size_t n = strlen(word);
	size_t best = n / 3 > 1 ? n / 3 : 1;
	const char *found = NULL;

	if (n == 0 || n > WORD_MAX)
		return NULL;
	for (; *names != NULL; names++) {
		size_t m = strlen(*names);
		size_t d;

		if (m > WORD_MAX)
			continue;
		d = distance(word, n, *names, m);
		if (d < best || (d == best && found == NULL)) {
			best = d;
			found = *names;
		}
	}
	return found;
}

int
text_int(const char *s, int64_t min, int64_t max, const char *what, int64_t *out,
    struct err *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (s[0] == '\0' || isspace((unsigned char)s[0]) || *end != '\0' || errno != 0 ||
	    v < min || v > max)
		return err_set(err, ERR_USAGE,
		    _("%s: '%s' is not a whole number from %lld to %lld"), what, s,
		    (long long)min, (long long)max);
	*out = v;
	return 0;
}

bool
text_bool(const char *s, bool *out)
{
	static const char *const words[][2] = {{"true", "false"}, {"True", "False"},
	    {"TRUE", "FALSE"}, {"yes", "no"}, {"on", "off"}, {"t", "f"}, {"y", "n"},
	    {"1", "0"}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		const bool yes = strcmp(s, words[i][0]) == 0;

		if (yes || strcmp(s, words[i][1]) == 0) {
			*out = yes;
			return true;
		}
	}
	return false;
}

bool
text_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
text_percent_decode(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		int high, low;

		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		high = ascii_hex_digit((unsigned char)s[1]);
		low = high >= 0 ? ascii_hex_digit((unsigned char)s[2]) : -1;
		if (low < 0 || (high | low) == 0)
			return false;
		*out++ = (char)(high * 16 + low);
		s += 2;
	}
	*out = '\0';
	return true;
}

bool
text_double(const char *s, double *out)
{
	char *end;

	if (strspn(s, "0123456789+-.eE") != strlen(s) || s[0] == '\0')
		return false;
	errno = 0;
	*out = strtod(s, &end);
	return *end == '\0' && isfinite(*out);
}

int
text_duration(const char *s, const char *what, int64_t *ms, struct err *err)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {
	    {"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}};
	size_t digits = strspn(s, "0123456789.");
	char number[32];
	double v;
	size_t i;

	if (digits != 0 && digits < sizeof(number)) {
		memcpy(number, s, digits);
		number[digits] = '\0';
		for (i = 0; i < ARRAY_LEN(units); i++) {
			if (strcmp(s + digits, units[i].unit) == 0 &&
			    text_double(number, &v) && v * units[i].ms < 1e15) {
				*ms = (int64_t)(v * units[i].ms + 0.5);
				return 0;
			}
		}
	}
	return err_set(err, ERR_USAGE,
	    _("%s: '%s' is not a time such as 30s, 10m, 2h or 1d"), what, s);
}

int
text_size(const char *s, int64_t min, int64_t max, const char *what, int64_t *bytes,
    struct err *err)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end = NULL;
	long long v = -1;
	int shift = 0;

	errno = 0;
	if (s[0] >= '0' && s[0] <= '9')
		v = strtoll(s, &end, 10);
	if (v >= 0 && *end != '\0' && (unit = strchr(units, *end)) != NULL) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (v < 0 || errno != 0 || *end != '\0' || v > max >> shift || v << shift < min)
		return err_set(err, ERR_USAGE,
		    _("%s: '%s' is not a size from %lld to %lld bytes, such as 64K or "
		      "1M"),
		    what, s, (long long)min, (long long)max);
	*bytes = (int64_t)v << shift;
	return 0;
}

size_t
text_from_double(char *out, double v)
{
	int digits;

	if (v == floor(v) && fabs(v) < 1e15)
		return (size_t)snprintf(out, 32, "%.0f", v);
	for (digits = 15; digits < 17; digits++) {
		snprintf(out, 32, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			return strlen(out);
	}
	return (size_t)snprintf(out, 32, "%.17g", v);
}
