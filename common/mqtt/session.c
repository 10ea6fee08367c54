/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

struct subscription {
	char *filter;
	int qos;
	bool no_local;
	bool
	    answered; /* granted or refused: not asked for again until the broker forgets the session */
	int mid;       /* of the SUBSCRIBE on its way; 0: none */
	int64_t asked; /* when that was sent */
	int unsent;    /* the reason code why it could not be; 0: it could */
};

struct session_subscriptions {
	struct subscription *v;
	size_t n;
};

/* Of one that subscribes to nothing, as most of a fleet. */
static struct session_subscriptions no_subscriptions;

static struct subscription *
find_or_add(struct session_subscriptions *l, const char *filter)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].filter, filter) == 0)
			return &l->v[i];
	}
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct subscription){.filter = xstrdup(filter)};
	return &l->v[l->n++];
}

static void
ask(struct session *s, struct subscription *sub)
{
	sub->asked = loop_now(s->loop);
	sub->unsent =
	    session_mosq_subscribe(s, sub->filter, sub->qos, sub->no_local, &sub->mid);
}

int
session_subscribe(
    struct session *s, const char *filter, int qos, bool no_local, struct err *err)
{
	struct subscription *sub;

	if (topic_check_filter(filter, err))
		return -1;
	if (s->subscriptions == &no_subscriptions)
		s->subscriptions = xcalloc(1, sizeof(*s->subscriptions));
	sub = find_or_add(s->subscriptions, filter);
	sub->qos = qos;
	sub->no_local = no_local;
	sub->answered = false;
	sub->mid = 0;
	if (session_is_up(s))
		ask(s, sub);
	session_socket_soon(s);
	return 0;
}

void
session_subscriptions_send(struct session *s, bool forgotten)
{
	size_t i;

	for (i = 0; i < s->subscriptions->n; i++) {
		struct subscription *sub = &s->subscriptions->v[i];

		if (forgotten)
			sub->answered = false;
		if (!sub->answered && sub->mid == 0)
			ask(s, sub);
	}
}

void
session_subscriptions_lost(struct session *s)
{
	size_t i;

	for (i = 0; i < s->subscriptions->n; i++)
		s->subscriptions->v[i].mid = 0;
}

bool
session_subscriptions_are_late(const struct session *s)
{
	const int64_t least = loop_now(s->loop) - s->link.opts.connect_timeout;
	size_t i;

	for (i = 0; i < s->subscriptions->n; i++) {
		const struct subscription *sub = &s->subscriptions->v[i];

		if (sub->mid != 0 && sub->asked < least)
			return true;
	}
	return false;
}

static void
answer(struct session *s, struct subscription *sub, int reason)
{
	struct err why = {0};

	sub->answered = true;
	sub->mid = 0;
	if (reason_is_failure(reason))
		reason_err_subscription(&why, sub->filter, reason);
	if (s->events->subscribed != NULL)
		s->events->subscribed(s->arg, sub->filter, reason, &why);
}

void
session_subscriptions_tell_unsent(struct session *s)
{
	size_t i;

	for (i = 0; i < s->subscriptions->n; i++) {
		const int reason = s->subscriptions->v[i].unsent;

		s->subscriptions->v[i].unsent = 0;
		if (reason != 0)
			answer(s, &s->subscriptions->v[i], reason);
	}
}

/* A broker may send fewer answers than were asked for (CVE-2024-10525): one is looked at only if it
 * is there. */
void
session_subscriptions_answered(struct session *s, int mid, int count, const int *reasons)
{
	size_t i;

	for (i = 0; i < s->subscriptions->n; i++) {
		if (s->subscriptions->v[i].mid == mid) {
			answer(s, &s->subscriptions->v[i],
			    count > 0 ? reasons[0] : REASON_UNSPECIFIED_ERROR);
			return;
		}
	}
}

static void
subscriptions_free(struct session_subscriptions *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].filter);
	free(l->v);
	if (l != &no_subscriptions)
		free(l);
}

struct session *
session_new(struct loop *loop, const struct session_opts *o,
    const struct session_events *events, void *arg, struct err *err)
{
	struct session *s;

	s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->events = events;
	s->arg = arg;
	s->subscriptions = &no_subscriptions;
	session_queue_open(s);
	session_socket_open(s);
	/* With an id of no bytes, which a connector does not take, mosquitto_new closes descriptor 0. */
	if (connector_open(&s->link, loop, o, &session_socket_ops, s, err) == 0 &&
	    session_mosq_open(s, o, err) == 0)
		return s;
	session_free(s);
	return NULL;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_socket_close(s);
	session_mosq_close(s);
	session_queue_close(s);
	subscriptions_free(s->subscriptions);
	connector_close(&s->link);
	free(s->url);
	free(s);
}

bool
session_is_up(const struct session *s)
{
	return s->link.state == CONNECTOR_UP;
}

int
session_version(const struct session *s)
{
	return s->link.version;
}

const char *
session_broker(struct session *s)
{
	const struct broker *b = &s->link.broker;

	free(s->url);
	s->url = xasprintf("%s%s://%s%s", b->ws_path != NULL ? "ws" : "mqtt",
	    s->link.opts.tls ? "s" : "", b->name, b->ws_path != NULL ? b->ws_path : "");
	return s->url;
}

const char *
session_name(const struct session *s)
{
	return s->link.broker.name;
}

const char *
session_address(const struct session *s)
{
	return connector_address(&s->link);
}

struct broker_where
session_where(const struct session *s)
{
	return connector_where(&s->link);
}
