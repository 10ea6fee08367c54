/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server has against what was asked for. */
#include "same.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/time.h"
#include "jobs.h"
#include "lookup.h"
#include "request.h"
#include "view.h"

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
same_text(const char *a, const char *b)
{
	struct span x = trimmed(a), y = trimmed(b);

	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static bool
same_time(const char *a, const char *b, const char *zone)
{
	int64_t x, y;
	bool known = zone != NULL
	    ? time_parse_in(a, zone, &x) && time_parse_in(b, zone, &y)
	    : time_parse(a, &x) && time_parse(b, &y);

	/* The backend shows no fraction. */
	return known && x / 1000000 == y / 1000000;
}

static bool
same_set(json_t *now, json_t *value)
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

bool
same_value(const struct schema_field *f, json_t *now, json_t *value, const char *zone)
{
	if (now == NULL || json_is_null(now))
		return json_is_null(value);
	if (json_is_number(now) && json_is_number(value))
		return json_number_value(now) == json_number_value(value);
	if (json_is_array(now) && json_is_array(value) && f != NULL &&
	    f->type == SCHEMA_REFS)
		return same_set(now, value);
	if (!json_is_string(now) || !json_is_string(value))
		return json_equal(now, value) != 0;
	if (f != NULL && f->type == SCHEMA_TIME &&
	    same_time(json_string_value(now), json_string_value(value), zone))
		return true;
	return same_text(json_string_value(now), json_string_value(value));
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
	body_put(&asked, value, NULL);
	if (now != NULL)
		body_put(&kept, now, NULL);
	err_set(err, ERR_FAILED,
	    _("the API took the request for %s '%s' but ignored %s: it has %s, not %s"),
	    r->name, label, key, now != NULL ? buf_str(&kept) : _("nothing"),
	    buf_str(&asked));
	buf_release(&kept);
	buf_release(&asked);
}

int
same_check(const struct ctl *c, const struct schema_resource *r, const char *label,
    json_t *body, struct span now, struct err *err)
{
	json_t *got = json_loadb(now.p, now.n, 0, NULL);
	const char *key;
	json_t *value;

	*err = (struct err){0};
	json_object_foreach (body, key, value) {
		const struct schema_field *f = schema_field(r, key);
		json_t *has = json_object_get(got, key);

		if (f == NULL || (f->flags & SCHEMA_WRITE_ONLY) != 0 ||
		    (has == NULL && (f->flags & SCHEMA_MAY_MISS) != 0) ||
		    same_value(f, has, value, c->args->api.tz))
			continue;
		/* A time whose zone nobody knows cannot be compared. */
		if (f->type == SCHEMA_TIME && json_is_string(has) &&
		    !time_has_zone(json_string_value(has)) && c->args->api.tz == NULL)
			continue;
		tell(c, label, r, key, has, value, err);
	}
	json_decref(got);
	return err->code != ERR_OK ? -1 : 0;
}

/* The time of a reading (free): as the answer has it, else as the API has it. */
static int
shown_time(struct ctl *c, struct span answer, char **shown, struct err *err)
{
	json_int_t id = answer.p != NULL ? id_of(answer) : 0;
	struct api_reply reply = {0};
	struct span object;
	char *path;
	int failed;

	*shown = text_of(answer, "timestamp");
	if (**shown != '\0')
		return 0;
	if (id == 0)
		return err_set(
		    err, ERR_FAILED, _("the answer has no timestamp and no id"));
	path = xasprintf("/api/readings/%" JSON_INTEGER_FORMAT "/", id);
	failed = api_call(c->api, "GET", path, (struct span){0}, &reply, err) ||
	    ctl_object(&reply, path, &object, err);
	if (!failed) {
		free(*shown);
		*shown = text_of(object, "timestamp");
		if (**shown == '\0')
			failed = err_set(
			    err, ERR_FAILED, _("the API shows no timestamp of it"));
	}
	api_reply_release(&reply);
	free(path);
	return failed ? -1 : 0;
}

int
same_reading_time(
    struct ctl *c, const char *sent, const struct api_reply *reply, struct err *err)
{
	int64_t now = reply->date != 0 ? reply->date : (int64_t)time(NULL);
	struct span answer = {0};
	enum time_kept kept = TIME_UNTOLD;
	struct err why = {0};
	char *shown, *label;

	if (ctl_object(reply, "/api/readings/", &answer, &why))
		answer = (struct span){0};
	label = text_of(answer, "id");
	if (shown_time(c, answer, &shown, &why) == 0) {
		kept = time_kept(sent, shown, c->args->api.tz, now * 1000000);
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
