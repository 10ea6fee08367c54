/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/raw/replay.h"

#include <string.h>

#include "base/text.h"
#include "model/topic_set.h"

static const double longest = 1e15; /* ms; as good as never */

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

static int64_t
wait_of(struct replay *r, int64_t now)
{
	double due;

	if (r->speed == 0 || r->record.us < 0)
		return 0;
	if (r->us < 0) {
		r->us = r->record.us;
		r->began = now;
	}
	due = (double)(r->record.us - r->us) / 1000 / r->speed;
	if (due > longest)
		due = longest;
	return due > (double)(now - r->began) ? (int64_t)due - (now - r->began) : 0;
}

int
replay_take(
    struct replay *r, struct span line, int64_t now, int64_t *wait, struct err *err)
{
	r->line++;
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
