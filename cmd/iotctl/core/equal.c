/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether what the server has is what was asked for. */
#include "iotctl/core/equal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/view.h"

/* Microseconds. */
#define SECOND ((int64_t)1000000)
#define HOUR (3600 * SECOND)

/* How far zones are from UTC (tz database). */
#define ZONE_EAST (14 * HOUR)
#define ZONE_WEST (12 * HOUR)

static struct span
trimmed(const char *s)
{
	size_t n = strlen(s);

	while (n != 0 && isspace((unsigned char)s[n - 1]))
		n--;
	while (n != 0 && isspace((unsigned char)*s))
		s++, n--;
	return (struct span){s, n};
}

static bool
equal_text(const char *a, const char *b)
{
	struct span x = trimmed(a), y = trimmed(b);

	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

/* The clock of a time: that of `zone`, or, where nobody knows it, the one it was written by. */
static bool
read_clock(const char *text, const char *zone, int64_t *us)
{
	size_t date = strlen("2026-11-23");
	char *clock;
	bool good = timestamp_parse(text, us);

	if (!good || !timestamp_has_zone(text))
		return good;
	if (zone != NULL) {
		*us = timestamp_clock_in(*us, zone);
		return true;
	}
	clock = xstrndup(text, date + strcspn(text + date, "Z+-"));
	good = timestamp_parse(clock, us);
	free(clock);
	return good;
}

static enum sameness
equal_time(const char *now, const char *value, const char *zone)
{
	bool has_zone = timestamp_has_zone(now), wants_zone = timestamp_has_zone(value);
	bool as_clocks = !wants_zone || (!has_zone && zone != NULL);
	int64_t x, y;

	if (as_clocks ? !read_clock(now, zone, &x) || !read_clock(value, zone, &y)
		      : !timestamp_parse(now, &x) || !timestamp_parse(value, &y))
		return SAME_NO;
	/* The backend shows no fraction. */
	x -= x % SECOND;
	y -= y % SECOND;
	if (!as_clocks && !has_zone)
		return timestamp_are_zones_apart(x, y, 0) ? SAME_UNKNOWN : SAME_NO;
	return x == y ? SAME_YES : SAME_NO;
}

enum sameness
equal_within(const char *now, const char *bound, bool since, const char *zone)
{
	bool has_zone = timestamp_has_zone(now), wants_zone = timestamp_has_zone(bound);
	bool as_clocks = !wants_zone || (!has_zone && zone != NULL);
	int64_t x, y, low, high;

	if (as_clocks ? !read_clock(now, zone, &x) || !read_clock(bound, zone, &y)
		      : !timestamp_parse(now, &x) || !timestamp_parse(bound, &y))
		return SAME_UNKNOWN;
	/* A time that is shown without its fraction. */
	if (strchr(now, '.') == NULL)
		y -= y % SECOND;
	low = high = x;
	if (!as_clocks && !has_zone) {
		low -= ZONE_EAST;
		high += ZONE_WEST;
	}
	if (since ? low >= y : high <= y)
		return SAME_YES;
	return (since ? high < y : low > y) ? SAME_NO : SAME_UNKNOWN;
}

static bool
equal_set(json_t *now, json_t *value)
{
	size_t i, j;
	json_t *item;

	json_array_foreach (value, i, item) {
		for (j = 0; j < json_array_size(now); j++) {
			if (json_equal(json_array_get(now, j), item))
				break;
		}
		if (j == json_array_size(now))
			return false;
	}
	return json_array_size(now) == json_array_size(value);
}

/* JSON by value: 1.0 is 1, which a backend may make of it. */
static bool
equal_json(json_t *now, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_integer(now) && json_is_integer(value))
		return json_integer_value(now) == json_integer_value(value);
	if (json_is_number(now) && json_is_number(value))
		return json_number_value(now) == json_number_value(value);
	if (json_is_array(now) && json_is_array(value)) {
		json_array_foreach (value, i, item) {
			if (!equal_json(json_array_get(now, i), item))
				return false;
		}
		return json_array_size(now) == json_array_size(value);
	}
	if (!json_is_object(now) || !json_is_object(value))
		return json_equal(now, value) != 0;
	json_object_foreach (value, key, item) {
		if (!equal_json(json_object_get(now, key), item))
			return false;
	}
	return json_object_size(now) == json_object_size(value);
}

enum sameness
equal_value(const struct schema_field *f, json_t *now, json_t *value, const char *zone)
{
	enum sameness same = SAME_NO;
	bool equal;

	if (f != NULL && f->type == SCHEMA_TIME && json_is_string(now) &&
	    json_is_string(value))
		same = equal_time(json_string_value(now), json_string_value(value), zone);
	if (now == NULL || json_is_null(now))
		equal = json_is_null(value);
	else if (f != NULL && f->type == SCHEMA_REFS && json_is_array(now) &&
	    json_is_array(value))
		equal = equal_set(now, value);
	else if (json_is_string(now) && json_is_string(value))
		equal = equal_text(json_string_value(now), json_string_value(value));
	else
		equal = equal_json(now, value);
	return equal ? SAME_YES : same;
}

/* Copies a number; what is an integer beyond 64 bits gets a point. Returns its length. */
static size_t
copy_number(struct buf *out, const char *p, size_t n)
{
	size_t length = 0;
	char *text;

	while (length < n && p[length] != '\0' &&
	    strchr("+-.eE0123456789", p[length]) != NULL)
		length++;
	text = xstrndup(p, length);
	buf_puts(out, text);
	errno = 0;
	if (strpbrk(text, ".eE") == NULL && strtoll(text, NULL, 10) != 0 &&
	    errno == ERANGE)
		buf_puts(out, ".0");
	free(text);
	return length;
}

json_t *
equal_load(struct span object)
{
	json_t *value = json_loadb(object.p, object.n, 0, NULL);
	struct buf text = {0};
	bool quoted = false;
	size_t i = 0;

	while (value == NULL && i < object.n) {
		char c = object.p[i];

		if (!quoted && (c == '-' || isdigit((unsigned char)c))) {
			i += copy_number(&text, object.p + i, object.n - i);
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		if (c == '\\' && i + 1 < object.n)
			buf_putc(&text, object.p[i++]);
		buf_putc(&text, object.p[i++]);
	}
	if (value == NULL && text.n != 0)
		value = json_loadb(text.p, text.n, 0, NULL);
	buf_release(&text);
	return value;
}

static bool
is_own_time(const struct ctl *c, const struct schema_field *f, json_t *now)
{
	return f != NULL && f->type == SCHEMA_TIME && c->args->api.tz == NULL &&
	    json_is_string(now) && !timestamp_has_zone(json_string_value(now));
}

static void
tell(const struct ctl *c, const char *label, const struct schema_resource *r,
    const char *key, json_t *now, json_t *value, struct err *err)
{
	struct buf kept = {0}, asked = {0};

	if (err->code != ERR_OK) {
		jobs_turn(c);
		log_err(err);
	}
	request_put_body(&asked, value, NULL);
	if (now != NULL)
		request_put_body(&kept, now, NULL);
	if (now == NULL)
		err_set(err, ERR_FAILED,
		    _("the API took the request for %s '%s' but ignored %s: it has "
		      "nothing, not %s"),
		    r->name, label, key, buf_str(&asked));
	else
		err_set(err, ERR_FAILED,
		    is_own_time(c, schema_field(r, key), now)
			? _("the API took the request for %s '%s' but ignored %s: it has "
			    "%s, not %s (the time is the API's own: it names no zone, "
			    "set api_tz)")
			: _("the API took the request for %s '%s' but ignored %s: it has "
			    "%s, not %s"),
		    r->name, label, key, buf_str(&kept), buf_str(&asked));
	buf_release(&kept);
	buf_release(&asked);
}

json_t *
equal_rest(
    const struct ctl *c, const struct schema_resource *r, json_t *body, struct span now)
{
	json_t *got = equal_load(now);
	json_t *rest = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (body, key, value) {
		const struct schema_field *f = schema_field(r, key);

		if (f != NULL && (f->flags & SCHEMA_WRITE_ONLY) == 0 &&
		    equal_value(f, json_object_get(got, key), value, c->args->api.tz) ==
			SAME_NO)
			json_object_set(rest, key, value);
	}
	json_decref(got);
	return rest;
}

int
equal_check(const struct ctl *c, const struct schema_resource *r, const char *label,
    json_t *body, struct span now, struct err *err)
{
	json_t *rest = equal_rest(c, r, body, now);
	json_t *got = json_object_size(rest) != 0 ? equal_load(now) : NULL;
	const char *key;
	json_t *value;

	*err = (struct err){0};
	json_object_foreach (rest, key, value) {
		tell(c, label, r, key, json_object_get(got, key), value, err);
	}
	json_decref(got);
	json_decref(rest);
	return err->code != ERR_OK ? -1 : 0;
}

/* The time of a reading (free): as the answer has it, else as the API has it. */
static int
shown_time(struct ctl *c, struct span answer, char **shown, struct err *err)
{
	json_int_t id = answer.p != NULL ? lookup_id_of(answer) : 0;
	struct rest_reply reply = {0};
	struct span object;
	char *path;
	int failed;

	*shown = view_text_of(answer, "timestamp");
	if (**shown != '\0')
		return 0;
	if (id == 0)
		return err_set(
		    err, ERR_FAILED, _("the answer has no timestamp and no id"));
	path = ctl_object_path(schema_find("reading"), id, NULL);
	failed = rest_call(c->api, "GET", path, (struct span){0}, &reply, err) ||
	    ctl_object(&reply, path, &object, err);
	if (!failed) {
		free(*shown);
		*shown = view_text_of(object, "timestamp");
		if (**shown == '\0')
			failed = err_set(
			    err, ERR_FAILED, _("the API shows no timestamp of it"));
	}
	rest_reply_release(&reply);
	free(path);
	return failed ? -1 : 0;
}

int
equal_reading_time(
    struct ctl *c, const char *sent, const struct rest_reply *reply, struct err *err)
{
	int64_t now = reply->date != 0 ? reply->date : (int64_t)time(NULL);
	struct span answer = {0};
	enum timestamp_kept kept = TIME_UNTOLD;
	struct err why = {0};
	char *shown, *label;

	if (ctl_object(reply, "/api/readings/", &answer, &why))
		answer = (struct span){0};
	label = view_text_of(answer, "id");
	if (shown_time(c, answer, &shown, &why) == 0) {
		kept = timestamp_kept(sent, shown, c->args->api.tz, now * 1000000);
		err_set(&why, ERR_FAILED,
		    kept == TIME_CHANGED ? _("it has \"%s\", not \"%s\"")
					 : _("it has \"%s\" for \"%s\""),
		    shown, sent);
	}
	if (kept == TIME_CHANGED)
		err_set(err, ERR_FAILED,
		    _("the API took the request for reading '%s' but ignored timestamp: "
		      "%s; --accept-server-time takes it as it is"),
		    *label != '\0' ? label : "?", why.text);
	else if (kept == TIME_UNTOLD)
		err_set(err, ERR_FAILED,
		    _("cannot tell whether the API kept the timestamp of reading '%s': "
		      "%s (see --api-tz and --accept-server-time)"),
		    *label != '\0' ? label : "?", why.text);
	free(shown);
	free(label);
	return kept == TIME_KEPT ? 0 : -1;
}
