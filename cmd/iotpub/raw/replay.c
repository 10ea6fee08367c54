/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/raw/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "model/topic_set.h"

/* ms */
static const double longest = 1e15; /* as good as never */
static const double a_day = 86400e3;
static const double out_of_order = 60e3;
static const double worth_a_word = 60e3;

static int
take_speed(struct replay *r, struct err *err)
{
	const char *text = r->a->speed;

	r->speed = r->a->replay != NULL ? 1 : 0;
	if (text == NULL)
		return 0;
	if (strcmp(text, "max") == 0) {
		r->speed = 0;
		return 0;
	}
	return text_double(text, &r->speed) && r->speed > 0
	    ? 0
	    : err_set(err, ERR_USAGE,
		  _("--speed: '%s' is not a number above 0, such as 0.5 or 60, nor "
		    "'max'"),
		  text);
}

int
replay_init(struct replay *r, const struct args *a, struct err *err)
{
	size_t i;

	r->a = a;
	r->us = -1;
	if (take_speed(r, err) || topic_set_compile(&r->topics, &a->topics, err))
		return -1;
	for (i = 0; i < a->map.n; i++) {
		if (record_map_add(&r->map, a->map.v[i], err))
			return -1;
	}
	return 0;
}

void
replay_release(struct replay *r)
{
	record_release(&r->record);
	record_map_release(&r->map);
	topic_set_release(&r->topics);
}

/* For people: in the largest unit that there is more than one of. */
static const char *
in_words(double ms, char out[64])
{
	const double seconds = ms / 1e3, minutes = ms / 60e3, hours = ms / 3600e3,
		     days = ms / 86400e3;

	if (days >= 2)
		snprintf(out, 64, P_("%.0f day", "%.0f days", days + 0.5), days);
	else if (hours >= 2)
		snprintf(out, 64, P_("%.0f hour", "%.0f hours", hours + 0.5), hours);
	else if (minutes >= 2)
		snprintf(
		    out, 64, P_("%.0f minute", "%.0f minutes", minutes + 0.5), minutes);
	else
		snprintf(
		    out, 64, P_("%.0f second", "%.0f seconds", seconds + 0.5), seconds);
	return out;
}

/* The clock of the one who received was set: it is not waited for until it is right again, nor is what comes
 * then sent all at once. */
static void
tell_jump(struct replay *r, double ms)
{
	char words[64];

	if (r->told_jump)
		return;
	r->told_jump = true;
	log_warn(ms < 0
		? _("line %zu is %s older than those before it: a clock was set back; "
		    "goes on from there")
		: _("line %zu is %s later than the one before it: taken for a clock that "
		    "was set, and not waited for; see --max-gap"),
	    r->line, in_words(ms < 0 ? -ms : ms, words));
}

/* The time from the latest line to this one, in ms of theirs. Lines may be a little out of order. */
static double
gap_of(struct replay *r)
{
	const double gap = (double)(r->record.us - r->us) / 1000;
	const double most = r->a->max_gap >= 0 ? (double)r->a->max_gap : a_day;

	if (gap > most || gap < -out_of_order) {
		tell_jump(r, gap);
		r->us = r->record.us;
		return 0;
	}
	if (gap < 0)
		return 0;
	r->us = r->record.us;
	return gap;
}

static int64_t
wait_of(struct replay *r, int64_t now)
{
	char words[64];
	double wait;

	if (r->speed == 0 || r->record.us < 0)
		return 0;
	if (r->us < 0) {
		r->us = r->record.us;
		r->began = now;
	}
	r->due += gap_of(r) / r->speed;
	wait = r->due - (double)(now - r->began);
	if (wait > longest)
		wait = longest;
	if (wait > worth_a_word && !r->told_wait) {
		r->told_wait = true;
		log_warn(_("line %zu is due in %s"), r->line, in_words(wait, words));
	}
	return wait > 0 ? (int64_t)wait : 0;
}

bool
replay_line(struct replay *r, struct span *line)
{
	size_t i = 0;

	if (r->line++ == 0)
		*line = encoding_skip_mark(*line);
	while (i < line->n && memchr(" \t\r", line->p[i], 3) != NULL)
		i++;
	return i < line->n;
}

int
replay_take(
    struct replay *r, struct span line, int64_t now, int64_t *wait, struct err *err)
{
	if (record_read(&r->record, line, r->a->topic, err) ||
	    record_rename(&r->record, &r->map, &r->topics, err))
		return err_in(err, _("line %zu"), r->line);
	*wait = wait_of(r, now);
	return 0;
}

struct session_pub
replay_message(const struct replay *r)
{
	const struct record *m = &r->record;

	return (struct session_pub){.topic = m->topic.p,
	    .payload = buf_as_span(&m->payload),
	    .qos = m->qos >= 0 ? m->qos : r->a->qos,
	    .retain = m->retain >= 0 ? m->retain != 0 : r->a->retain,
	    .props = &m->props};
}
