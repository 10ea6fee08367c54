/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

enum { LEAST_KEEPALIVE = 5 };

void
session_opts_reach(struct session_opts *o, const struct broker_address *a)
{
	o->host = a->host;
	o->port = a->host[0] == '/' ? 0 : a->port;
	o->ws_path = a->ws_path;
	o->tls = a->tls;
	if (o->cafile == NULL && o->capath == NULL)
		o->ca_pem = a->ca_pem;
}

static char *
make_id(const char *given)
{
	if (given != NULL)
		return xstrdup(given);
	return xasprintf("%s-%08x", log_name(), (unsigned)random_number());
}

struct session *
session_new(struct loop *loop, const struct session_opts *o,
    const struct session_events *events, void *arg, struct err *err)
{
	struct session *s;

	/* With an id of no bytes mosquitto_new closes descriptor 0. */
	if (o->client_id != NULL && o->client_id[0] == '\0') {
		err_set(err, ERR_USAGE, _("the client id is empty"));
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->opts = *o;
	s->opts.host = xstrdup(o->host);
	if (s->opts.keepalive < LEAST_KEEPALIVE)
		s->opts.keepalive = LEAST_KEEPALIVE;
	s->events = *events;
	s->arg = arg;
	s->version = o->version == 4 ? 4 : 5;
	s->name = o->host[0] == '/'        ? xstrdup(o->host)
	    : strchr(o->host, ':') != NULL ? xasprintf("[%s]:%d", o->host, o->port)
					   : xasprintf("%s:%d", o->host, o->port);
	s->id = make_id(o->client_id);
	s->url = xasprintf("%s%s://%s%s", o->ws_path != NULL ? "ws" : "mqtt",
	    o->tls ? "s" : "", s->name, o->ws_path != NULL ? o->ws_path : "");
	if (session_tls_open(s, o, err) == 0 && session_wire_open(s, o, err) == 0)
		return s;
	session_free(s);
	return NULL;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_fsm_halt(s);
	session_wire_close(s);
	tls_free(s->tls);
	session_ws_close(s);
	free(s->tls_log);
	free(s->why);
	session_queue_release(&s->outs);
	buf_release(&s->rest);
	session_subs_release(&s->subs);
	strv_release(&s->addresses);
	free((void *)(uintptr_t)s->opts.host);
	free(s->name);
	free(s->url);
	free(s->id);
	free(s);
}

bool
session_is_up(const struct session *s)
{
	return s->state == SESSION_UP;
}

int
session_version(const struct session *s)
{
	return s->version;
}

const char *
session_broker(const struct session *s)
{
	return s->url;
}

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
	sub->unsent = session_wire_subscribe(s, sub);
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
	if (reason_is_failure(granted))
		reason_err_subscription(&why, sub->filter, granted);
	if (s->events.subscribed != NULL)
		s->events.subscribed(s->arg, sub->filter, granted, &why);
}

/* Outside of session_subscribe, whose caller may not expect an answer from within. */
void
session_subs_tell(struct session *s)
{
	size_t i;

	for (i = 0; i < s->subs.n; i++) {
		const int reason = s->subs.v[i].unsent;

		s->subs.v[i].unsent = 0;
		if (reason != 0)
			answered(s, &s->subs.v[i], reason);
	}
}

/* A broker may send fewer answers than were asked for (CVE-2024-10525): one is looked at only if it
 * is there. A refused filter is not asked for again until the broker forgets the session. */
void
session_subs_answered(struct session *s, int mid, int count, const int *granted)
{
	size_t i;

	for (i = 0; i < s->subs.n; i++) {
		if (s->subs.v[i].mid == mid) {
			answered(s, &s->subs.v[i],
			    count > 0 ? granted[0] : REASON_UNSPECIFIED_ERROR);
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
