/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of people and of monitoring systems. */
#include "iotstatus/print/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "base/visible.h"

/* How many devices a line names before it says how many more there are, and how many lines -v has:
 * monitoring systems cut at some kilobytes. */
enum { NAMES_MOST = 5, DETAILS_MOST = 200 };

const char *const print_labels[PRESENCES] = {
    [PRESENCE_ONLINE] = "online",
    [PRESENCE_OFFLINE] = "offline",
    [PRESENCE_ERROR] = "error",
    [PRESENCE_NEVER] = "never_connected",
    [PRESENCE_STALE] = "stale",
};

void
print_share(struct buf *out, const struct counts *c)
{
	if (c->total == 0)
		buf_puts(out, _("no devices speak MQTT"));
	else
		buf_printf(out,
		    P_("%ld/%ld device online (%.2f%%)",
			"%ld/%ld devices online (%.2f%%)", c->total),
		    c->n[PRESENCE_ONLINE], c->total, verdict_percent(c));
}

void
print_when(struct buf *out, int64_t us)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;
	char text[32];

	if (us == 0 || gmtime_r(&t, &tm) == NULL)
		buf_putc(out, '-');
	else if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		buf_puts(out, text);
}

void
print_when_local(struct buf *out, int64_t us)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;
	char text[32];
	int minutes;

	if (us == 0 || localtime_r(&t, &tm) == NULL || tm.tm_gmtoff == 0 ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		print_when(out, us);
		return;
	}
	minutes = abs((int)(tm.tm_gmtoff / 60));
	buf_printf(out, "%s%c%02d:%02d", text, tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
	    minutes % 60);
}

void
print_age(struct buf *out, int64_t seconds)
{
	int64_t s = seconds > 0 ? seconds : 0;
	int minutes = (int)(s / 60 % 60), hours = (int)(s / 3600 % 24);

	if (s < 60)
		buf_printf(out, "%ds", (int)s);
	else if (s < 3600)
		buf_printf(out, "%dm", minutes);
	else if (s < 86400)
		buf_printf(out, "%dh %dm", hours, minutes);
	else
		buf_printf(out, "%dd %dh", (int)(s / 86400), hours);
}

/* A name fit for a terminal and for a plugin's line, where a bar begins the performance data. */
static void
put_name(struct buf *out, const char *name)
{
	size_t i = out->n;

	visible_put(out, span_of(name));
	for (; i < out->n; i++) {
		if (out->p[i] == '|')
			out->p[i] = '/';
	}
}

static const char *
reported_word(const struct device_seen *s)
{
	static const char *const words[PRESENCES] = {
	    [PRESENCE_ONLINE] = N_("online"),
	    [PRESENCE_OFFLINE] = N_("offline"),
	    [PRESENCE_ERROR] = N_("error"),
	    [PRESENCE_NEVER] = N_("never connected"),
	    [PRESENCE_STALE] = N_("stale"),
	};

	/* A source that has no word cannot tell "never" from "forgotten", as EMQX does with a client that goes. */
	return s->known ? _(words[s->state]) : _("not there");
}

/* Names, and how many more there are. */
static void
put_names(struct buf *out, struct buf *names, long left)
{
	if (left > 0)
		buf_printf(out, P_("%s and %ld more", "%s and %ld more", left),
		    buf_str(names), left);
	else
		buf_span(out, buf_as_span(names));
	buf_release(names);
}

/* Some of the devices whose sources disagree. */
static void
put_disputed(struct buf *out, const struct report *r)
{
	struct buf names = {0};
	long named = 0;
	size_t i;

	for (i = 0; i < r->fleet->n && named < NAMES_MOST; i++) {
		const struct device *d = &r->fleet->v[i];

		if (!device_table_is_disputed(d))
			continue;
		buf_puts(&names, named++ == 0 ? "" : ", ");
		put_name(&names, d->id);
	}
	put_names(out, &names, r->disputed - named);
}

static void
put_other(struct buf *out, const struct report *r)
{
	struct buf share = {0}, names = {0};

	if (r->other == NULL)
		return;
	print_share(&share, &r->other_counts);
	buf_printf(out, _(", %s says %s"), r->other, buf_str(&share));
	if (r->disputed == 0) {
		buf_puts(out, _(", no device differs"));
	} else {
		put_disputed(&names, r);
		buf_printf(out, P_(", %ld differs: %s", ", %ld differ: %s", r->disputed),
		    r->disputed, buf_str(&names));
	}
	buf_release(&names);
	buf_release(&share);
}

static void
put_frozen(struct buf *out, const struct report *r)
{
	struct buf age = {0};

	if (!r->frozen)
		return;
	print_age(&age, (clock_wall_us() - r->seen) / 1000000);
	if (r->seen == 0)
		buf_puts(out, _(", last sign of life never"));
	else
		buf_printf(out, _(", last sign of life %s ago"), buf_str(&age));
	buf_release(&age);
}

void
print_trouble_age(struct buf *out, const struct report *r)
{
	struct buf age = {0}, name = {0};

	print_age(&age, r->age);
	put_name(&name, r->trouble);
	buf_printf(out, _("%s old: %s"), buf_str(&age), buf_str(&name));
	buf_release(&name);
	buf_release(&age);
}

static void
put_remarks(struct buf *out, const struct report *r)
{
	struct buf age = {0};

	put_other(out, r);
	put_frozen(out, r);
	if (r->view != NULL) {
		buf_puts(out, ", ");
		put_name(out, r->view);
	}
	if (r->trouble != NULL) {
		buf_puts(out, ", ");
		print_trouble_age(out, r);
	}
	if (r->recovered >= 0) {
		print_age(&age, r->recovered);
		buf_printf(out, _(", recovered after %s"), buf_str(&age));
		buf_release(&age);
	}
}

/* A list, each part of it with the comma in front. */
static void
put_split(struct buf *out, const struct counts *c)
{
	const long *n = c->n;

	if (!c->split || c->total == 0)
		return;
	if (n[PRESENCE_OFFLINE] > 0)
		buf_printf(out, P_(", %ld offline", ", %ld offline", n[PRESENCE_OFFLINE]),
		    n[PRESENCE_OFFLINE]);
	if (n[PRESENCE_ERROR] > 0)
		buf_printf(out, P_(", %ld error", ", %ld error", n[PRESENCE_ERROR]),
		    n[PRESENCE_ERROR]);
	if (n[PRESENCE_NEVER] > 0)
		buf_printf(out,
		    P_(", %ld never connected", ", %ld never connected",
			n[PRESENCE_NEVER]),
		    n[PRESENCE_NEVER]);
	if (n[PRESENCE_STALE] > 0)
		buf_printf(out, P_(", %ld stale", ", %ld stale", n[PRESENCE_STALE]),
		    n[PRESENCE_STALE]);
}

static const struct range *
range_of(enum state state, const struct threshold *l)
{
	return state == STATE_CRITICAL ? &l->critical : &l->warning;
}

static bool
is_outside(const struct counts *c, const struct range *r)
{
	return c->total > 0 && range_alerts(r, verdict_percent(c));
}

/* Thresholds stand in the text too, so that an alert explains itself. */
static void
put_why(struct buf *out, const struct range *r)
{
	buf_printf(out, r->inside ? _(", wanted outside %s") : _(", wanted %s"),
	    r->text + r->inside);
}

/* The fleet may be well and one of its groups not. */
static void
put_whose(struct buf *out, const struct report *r)
{
	struct buf names = {0}, all = {0};
	long named = 0, left = 0;
	size_t i;

	for (i = 0; i < r->group_count; i++) {
		if (r->state == STATE_OK || r->groups[i].state != r->state)
			continue;
		if (named == NAMES_MOST) {
			left++;
			continue;
		}
		buf_puts(&names, named++ == 0 ? "" : ", ");
		put_name(&names, r->groups[i].name);
	}
	put_names(&all, &names, left);
	if (named > 0)
		buf_printf(out, _(", because of %s"), buf_str(&all));
	buf_release(&all);
}

static void
put_group(struct buf *out, const struct group *g)
{
	put_name(out, g->name);
	buf_printf(out, " %s: ", verdict_state_names[g->state]);
	print_share(out, &g->counts);
	put_split(out, &g->counts);
	if (is_outside(&g->counts, range_of(g->state, &g->limit)))
		put_why(out, range_of(g->state, &g->limit));
	buf_putc(out, '\n');
}

static bool
is_of_report(const struct report *r, const struct device *d)
{
	return r->listed ? d->listed : d->reported[VIEW_SOURCE].known;
}

/* Who is not where it should be; true if there is something to say. */
static bool
put_device(struct buf *out, const struct report *r, const struct device *d)
{
	const struct device_seen *s = &d->reported[VIEW_SOURCE];
	bool disputed = r->other != NULL && device_table_is_disputed(d);
	struct buf when = {0};

	if (!is_of_report(r, d) || (!disputed && s->known && s->state == PRESENCE_ONLINE))
		return false;
	put_name(out, d->id);
	buf_printf(out, ": %s", reported_word(s));
	if (r->other != NULL)
		buf_printf(out, _(", %s says %s"), r->other,
		    reported_word(&d->reported[VIEW_OTHER]));
	if (s->since != 0) {
		print_when_local(&when, s->since);
		buf_printf(out, _(", since %s"), buf_str(&when));
		buf_clear(&when);
	}
	if (s->seen != 0) {
		print_when_local(&when, s->seen);
		buf_printf(out, _(", last seen %s"), buf_str(&when));
	}
	buf_putc(out, '\n');
	buf_release(&when);
	return true;
}

void
print_details(struct buf *out, const struct report *r)
{
	long lines = 0, left = 0;
	size_t i;

	for (i = 0; i < r->group_count; i++)
		put_group(out, &r->groups[i]);
	if (!r->verbose || r->fleet == NULL)
		return;
	for (i = 0; i < r->fleet->n; i++) {
		size_t before = out->n;

		if (!put_device(out, r, &r->fleet->v[i]))
			continue;
		if (++lines > DETAILS_MOST) {
			out->n = before;
			left++;
		}
	}
	if (left > 0)
		buf_printf(out, P_("and %ld more\n", "and %ld more\n", left), left);
	if (r->unlisted > 0)
		buf_printf(out,
		    P_("%ld is known to %s only\n", "%ld are known to %s only\n",
			r->unlisted),
		    r->unlisted, r->other);
}

void
print_text(struct buf *out, const struct report *r)
{
	print_share(out, &r->counts);
	put_split(out, &r->counts);
	if (r->trouble != NULL)
		buf_printf(out, ", %s", verdict_state_names[r->state]);
	put_remarks(out, r);
	buf_putc(out, '\n');
	print_details(out, r);
}

/* A label of performance data, as the Monitoring Plugins' guidelines have it: with blanks or quotes it is in
 * single quotes, which are doubled inside. "=" is not allowed, "|" begins the data: both become "_". */
static void
put_label(struct buf *out, const char *name)
{
	struct buf shown = {0};
	const char *p;
	bool plain;

	visible_put(&shown, span_of(name));
	p = buf_str(&shown);
	plain = p[0] != '\0' && strpbrk(p, " '\"") == NULL;
	if (!plain)
		buf_putc(out, '\'');
	for (; *p != '\0'; p++) {
		if (*p == '\'')
			buf_putc(out, '\'');
		buf_putc(out, *p == '=' || *p == '|' ? '_' : *p);
	}
	if (!plain)
		buf_putc(out, '\'');
	buf_release(&shown);
}

static void
put_percent(struct buf *out, const char *label, const char *suffix,
    const struct counts *c, const struct threshold *l)
{
	char name[160];

	if (c->total == 0)
		return;
	snprintf(name, sizeof(name), "%s%s", label, suffix);
	buf_putc(out, ' ');
	put_label(out, name);
	buf_printf(out, "=%.2f%%;", verdict_percent(c));
	range_put(out, &l->warning);
	buf_putc(out, ';');
	range_put(out, &l->critical);
	buf_puts(out, ";0;100");
}

static void
put_perfdata(struct buf *out, const struct report *r)
{
	const struct counts *c = &r->counts;
	size_t i;

	buf_puts(out, " |");
	put_percent(out, "online_pct", "", c, &r->limit);
	for (i = 0; i < (c->split ? PRESENCES : PRESENCE_NEVER); i++)
		buf_printf(out, " %s=%ld;;;0;%ld", print_labels[i], c->n[i], c->total);
	if (r->other != NULL) {
		put_percent(out, r->other, "_pct", &r->other_counts, &r->limit);
		buf_printf(out, " differ=%ld;0;;0;%ld", r->disputed, c->total);
	}
	for (i = 0; i < r->group_count; i++)
		put_percent(out, r->groups[i].name, "_pct", &r->groups[i].counts,
		    &r->groups[i].limit);
	buf_printf(out, " time=%.3fs\n", r->seconds);
}

void
print_nagios(struct buf *out, const struct report *r)
{
	const struct range *range = range_of(r->state, &r->limit);
	const long *n = r->counts.n;

	buf_printf(out, "IOT %s - ", verdict_state_names[r->state]);
	print_share(out, &r->counts);
	buf_printf(
	    out, _(", %ld offline, %ld error"), n[PRESENCE_OFFLINE], n[PRESENCE_ERROR]);
	if (r->counts.split)
		buf_printf(out, _(", %ld never connected, %ld stale"), n[PRESENCE_NEVER],
		    n[PRESENCE_STALE]);
	put_remarks(out, r);
	if (is_outside(&r->counts, range) || is_outside(&r->other_counts, range))
		put_why(out, range);
	else
		put_whose(out, r);
	put_perfdata(out, r);
	print_details(out, r);
}

void
print_trouble(struct buf *out, enum state state, const char *text)
{
	buf_printf(out, "IOT %s - ", verdict_state_names[state]);
	put_name(out, text);
	buf_putc(out, '\n');
}
