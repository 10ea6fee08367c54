/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/verdict.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

const char *const verdict_state_names[STATE_COUNT] = {
    [STATE_OK] = "OK",
    [STATE_WARNING] = "WARNING",
    [STATE_CRITICAL] = "CRITICAL",
    [STATE_UNKNOWN] = "UNKNOWN",
};

enum state
verdict_worse(enum state a, enum state b)
{
	static const int weight[STATE_COUNT] = {
	    [STATE_OK] = 0,
	    [STATE_UNKNOWN] = 1,
	    [STATE_WARNING] = 2,
	    [STATE_CRITICAL] = 3,
	};

	return weight[a] >= weight[b] ? a : b;
}

/* A count: a whole number, not negative. */
static int
read_count(struct span object, const char *key, long *out, struct err *err)
{
	struct span value;
	char text[24];
	struct err inner = {0};
	int64_t count;

	if (!json_member(object, key, &value))
		return err_set(
		    err, ERR_PROTOCOL, _("the API's device status has no '%s'"), key);
	if (value.n >= sizeof(text))
		value.n = sizeof(text) - 1;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (text_int(text, 0, 1000000000, key, &count, &inner))
		return err_set(err, ERR_PROTOCOL,
		    _("the API's device status: '%s' is '%s', not a count"), key, text);
	*out = (long)count;
	return 0;
}

int
verdict_read(struct counts *c, struct span body, struct err *err)
{
	struct span object;
	long *n = c->n;

	*c = (struct counts){0};
	if (!json_check(body, &object, NULL) || json_kind(object) != JSON_KIND_OBJECT)
		return err_set(
		    err, ERR_PROTOCOL, _("the API's device status is no JSON object"));
	if (read_count(object, "total_mqtt_devices", &c->total, err) ||
	    read_count(object, "online", &n[PRESENCE_ONLINE], err) ||
	    read_count(object, "offline", &n[PRESENCE_OFFLINE], err) ||
	    read_count(object, "error", &n[PRESENCE_ERROR], err))
		return -1;
	if (n[PRESENCE_ONLINE] + n[PRESENCE_OFFLINE] + n[PRESENCE_ERROR] != c->total)
		return err_set(err, ERR_PROTOCOL,
		    _("the API's device status does not add up: %ld online, %ld offline "
		      "and %ld "
		      "in error are not %ld"),
		    n[PRESENCE_ONLINE], n[PRESENCE_OFFLINE], n[PRESENCE_ERROR], c->total);
	return 0;
}

double
verdict_percent(const struct counts *c)
{
	long online = c->n[PRESENCE_ONLINE];
	double rounded = round(1e4 * (double)online / (double)c->total) / 100;

	if (rounded >= 100 && online < c->total)
		return 99.99;
	return rounded <= 0 && online > 0 ? 0.01 : rounded;
}

enum state
verdict_judge(const struct counts *c, const struct threshold *l, enum state empty)
{
	if (c->total == 0)
		return empty;
	if (range_alerts(&l->critical, verdict_percent(c)))
		return STATE_CRITICAL;
	return range_alerts(&l->warning, verdict_percent(c)) ? STATE_WARNING : STATE_OK;
}

static void
judge_groups(struct report *r, enum state empty)
{
	size_t i;

	for (i = 0; i < r->group_count; i++) {
		struct group *g = &r->groups[i];

		g->state = verdict_judge(&g->counts, &g->limit, empty);
		r->state = verdict_worse(r->state, g->state);
	}
}

/* What --verify finds weighs as much as what it verifies: the lower number counts. */
static void
judge_other(struct report *r, enum state empty)
{
	if (r->other == NULL)
		return;
	r->state =
	    verdict_worse(r->state, verdict_judge(&r->other_counts, &r->limit, empty));
	if (r->disputed > 0)
		r->state = verdict_worse(r->state, STATE_WARNING);
}

void
verdict_judge_report(struct report *r, enum state empty)
{
	r->state = verdict_judge(&r->counts, &r->limit, empty);
	judge_groups(r, empty);
	judge_other(r, empty);
	if (r->counts.total > 0 && (r->frozen || r->counts.n[PRESENCE_STALE] > 0))
		r->state = verdict_worse(r->state, STATE_WARNING);
	if (r->trouble != NULL)
		r->state = STATE_UNKNOWN;
}

void
verdict_release(struct report *r)
{
	free(r->groups);
	free(r->view);
	*r = (struct report){0};
}
