/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/timestamp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define SECOND ((int64_t)1000000) /* in microseconds, as all times here */
#define LAST                                                                             \
	(253402300800 * SECOND -                                                         \
	    1) /* 9999-12-31T23:59:59.999999Z: a year has four digits */

/* Exactly `n` digits. */
static bool
number(const char **p, int n, int *out)
{
	*out = 0;
	while (n-- > 0) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (*(*p)++ - '0');
	}
	return true;
}

static bool
skip(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* Up to six digits count, more are cut. */
static bool
fraction(const char **p, int *us)
{
	int scale = 100000;

	*us = 0;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		*us += (**p - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool
offset(const char **p, int *seconds)
{
	int sign = **p == '-' ? -1 : 1;
	int hours, minutes;

	*seconds = 0;
	if (skip(p, 'Z') || **p == '\0')
		return true;
	if (!skip(p, '+') && !skip(p, '-'))
		return false;
	if (!number(p, 2, &hours))
		return false;
	skip(p, ':');
	if (!number(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
clock_part(const char **p, struct tm *tm, int *us)
{
	*us = 0;
	if (!number(p, 2, &tm->tm_hour) || !skip(p, ':') || !number(p, 2, &tm->tm_min))
		return false;
	if (!skip(p, ':'))
		return true;
	if (!number(p, 2, &tm->tm_sec))
		return false;
	return !skip(p, '.') || fraction(p, us);
}

bool
timestamp_parse(const char *text, int64_t *us)
{
	const char *p = text;
	struct tm tm = {0}, again;
	int micros, shift;
	time_t t;

	if (!number(&p, 4, &tm.tm_year) || !skip(&p, '-') || !number(&p, 2, &tm.tm_mon) ||
	    !skip(&p, '-') || !number(&p, 2, &tm.tm_mday))
		return false;
	if (!skip(&p, 'T') && !skip(&p, ' '))
		return false;
	if (!clock_part(&p, &tm, &micros) || !offset(&p, &shift) || *p != '\0')
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	t = timegm(&again);
	/* timegm normalises 31 February: what changed was no date. */
	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	*us = ((int64_t)t - shift) * 1000000 + micros;
	return *us >= 0 && *us <= LAST;
}

bool
timestamp_has_zone(const char *text)
{
	size_t date = strlen("2026-11-23");

	return strlen(text) > date && strpbrk(text + date, "Z+-") != NULL;
}

/* glibc takes a name that it does not know for UTC, without a word. */
int
timestamp_check_zone(const char *zone, struct err *err)
{
	char *path = xasprintf("/usr/share/zoneinfo/%s", zone);
	struct stat st;
	bool known = zone[0] != '\0' && zone[0] != '/' && strstr(zone, "..") == NULL &&
	    stat(path, &st) == 0 && S_ISREG(st.st_mode);

	free(path);
	if (known || strcmp(zone, "UTC") == 0)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("'%s' is no time zone such as America/Mexico_City (see "
	      "/usr/share/zoneinfo)"),
	    zone);
}

static void
set_zone(const char *zone)
{
	if (zone != NULL)
		setenv("TZ", zone, 1);
	else
		unsetenv("TZ");
	tzset();
}

bool
timestamp_parse_in(const char *text, const char *zone, int64_t *us)
{
	const char *now = getenv("TZ");
	char *kept = now != NULL ? xstrdup(now) : NULL;
	struct tm tm;
	time_t t;

	if (!timestamp_parse(text, us) || timestamp_has_zone(text)) {
		free(kept);
		return timestamp_parse(text, us);
	}
	t = (time_t)(*us / 1000000);
	gmtime_r(&t, &tm);
	tm.tm_isdst = -1;
	set_zone(zone);
	t = mktime(&tm);
	set_zone(kept);
	free(kept);
	*us = (int64_t)t * 1000000 + *us % 1000000;
	return t >= 0;
}

/* What a device's clock may show: see the header. */
static bool
is_device_time(int64_t us, int64_t received)
{
	const int64_t first = 1577836800 * SECOND, ahead = 86400 * SECOND;

	return us >= first && us <= received + ahead;
}

static bool
number_of_device(const char *text, int64_t received, int64_t *us)
{
	static const double units[] = {1e6, 1e3, 1}; /* microseconds */
	const double most = 9e18;                    /* of what an int64_t holds */
	double v;
	size_t i;

	if (!text_double(text, &v))
		return false;
	for (i = 0; i < ARRAY_LEN(units); i++) {
		double rounded = v * units[i] + 0.5;

		if (rounded > 0 && rounded < most &&
		    is_device_time((int64_t)rounded, received)) {
			*us = (int64_t)rounded;
			return true;
		}
	}
	return false;
}

bool
timestamp_of_device(struct span value, int64_t received, int64_t *us)
{
	enum json_kind kind = value.p != NULL ? json_kind(value) : JSON_KIND_NONE;
	struct buf text = {0};
	struct span number;
	int64_t parsed;
	bool found = false;

	if (kind == JSON_KIND_NUMBER)
		buf_span(&text, value);
	else if (kind == JSON_KIND_STRING)
		json_unescape(&text, value);
	if (json_check(buf_as_span(&text), &number, NULL) && number.n == text.n &&
	    json_kind(number) == JSON_KIND_NUMBER)
		found = number_of_device(buf_str(&text), received, us);
	else if (strlen(buf_str(&text)) == text.n &&
	    timestamp_parse(buf_str(&text), &parsed) &&
	    is_device_time(parsed, received)) {
		*us = parsed;
		found = true;
	}
	buf_release(&text);
	return found;
}

/* MOMENT: between the storing of a row and the date of the answer. */
#define MOMENT (5 * SECOND)
#define QUARTER (15 * 60 * SECOND)
#define OFFSET_MAX (14 * 3600 * SECOND)

bool
timestamp_are_zones_apart(int64_t a, int64_t b, int64_t slack)
{
	int64_t apart = llabs(a - b);
	int64_t rest = apart % QUARTER;

	return apart <= OFFSET_MAX + slack && (rest <= slack || rest >= QUARTER - slack);
}

enum timestamp_kept
timestamp_kept(const char *sent, const char *shown, const char *zone, int64_t now)
{
	bool sent_known = zone != NULL || timestamp_has_zone(sent);
	/* Two that name no zone are both in the server's own. */
	bool comparable = sent_known == (zone != NULL || timestamp_has_zone(shown));
	int64_t a, b;

	if (zone != NULL ? !timestamp_parse_in(sent, zone, &a) ||
		    !timestamp_parse_in(shown, zone, &b)
			 : !timestamp_parse(sent, &a) || !timestamp_parse(shown, &b))
		return TIME_UNTOLD;
	if (!timestamp_are_zones_apart(a, b, SECOND))
		return TIME_CHANGED;
	if ((comparable && llabs(a - b) <= SECOND) ||
	    !timestamp_are_zones_apart(b, now, MOMENT) ||
	    (sent_known && llabs(a - now) <= MOMENT))
		return TIME_KEPT;
	return comparable ? TIME_CHANGED : TIME_UNTOLD;
}

int64_t
timestamp_clock_in(int64_t us, const char *zone)
{
	const char *now = getenv("TZ");
	char *kept = now != NULL ? xstrdup(now) : NULL;
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	set_zone(zone);
	localtime_r(&t, &tm);
	set_zone(kept);
	free(kept);
	return (int64_t)timegm(&tm) * 1000000 + us % 1000000;
}
