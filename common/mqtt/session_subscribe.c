/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mqtt/session_int.h"

static struct session_sub *
find_or_add(struct session_subs *l, const char *filter)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].filter, filter) == 0)
			return &l->v[i];
	}
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct session_sub){.filter = xstrdup(filter)};
	return &l->v[l->n++];
}

static void
ask(struct session *s, struct session_sub *sub)
{
	sub->asked = loop_now(s->loop);
	session_wire_subscribe(s, sub);
}

int
session_subscribe(
    struct session *s, const char *filter, int qos, bool no_local, struct err *err)
{
	struct session_sub *sub;

	if (topic_check_filter(filter, err))
		return -1;
	sub = find_or_add(&s->subs, filter);
	sub->qos = qos;
	sub->no_local = no_local;
	sub->granted = false;
	sub->mid = 0;
	if (session_is_up(s))
		ask(s, sub);
	session_fsm_soon(s);
	return 0;
}

void
session_subs_send(struct session *s, bool forgotten)
{
	size_t i;

	for (i = 0; i < s->subs.n; i++) {
		struct session_sub *sub = &s->subs.v[i];

		if (forgotten)
			sub->granted = false;
		if (!sub->granted && sub->mid == 0)
			ask(s, sub);
	}
}

void
session_subs_lost(struct session *s)
{
	size_t i;

	for (i = 0; i < s->subs.n; i++)
		s->subs.v[i].mid = 0;
}

bool
session_subs_are_late(const struct session *s)
{
	const int64_t least = loop_now(s->loop) - s->opts.connect_timeout;
	size_t i;

	for (i = 0; i < s->subs.n; i++) {
		if (s->subs.v[i].mid != 0 && s->subs.v[i].asked < least)
			return true;
	}
	return false;
}

static void
answered(struct session *s, struct session_sub *sub, int granted)
{
	struct err why = {0};

	sub->granted = true;
	sub->mid = 0;
	if (granted >= 128)
		session_err_suback(&why, sub->filter, granted);
	if (s->events.subscribed != NULL)
		s->events.subscribed(s->arg, sub->filter, granted, &why);
}

/* A broker may send fewer answers than were asked for (CVE-2024-10525): one is looked at only if it
 * is there. A refused filter is not asked for again until the broker forgets the session. */
void
session_subs_answered(struct session *s, int mid, int count, const int *granted)
{
	size_t i;

	for (i = 0; i < s->subs.n; i++) {
		if (s->subs.v[i].mid == mid) {
			answered(s, &s->subs.v[i], count > 0 ? granted[0] : 128);
			return;
		}
	}
}

void
session_subs_release(struct session_subs *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].filter);
	free(l->v);
	*l = (struct session_subs){0};
}
