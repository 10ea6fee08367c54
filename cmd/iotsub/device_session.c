/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/device_session.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "exec/responder.h"

/* How long answers may take to be acknowledged at the end. */
enum { DRAIN = 10000 };

struct obedient {
	struct device_session *obey;
	char *id, *filter, *responses;
	struct session *session;
	struct responder_device commands;
	bool outage, stopping, denied;
};

struct device_session {
	struct sub *sub;
	struct responder *responder;
	struct obedient **v;
	size_t n;
};

/* The session is stopped once: it ends when its answers are acknowledged. */
static void
end_if_idle(struct obedient *d)
{
	if (!d->obey->sub->stopping || d->stopping || d->commands.handling > 0)
		return;
	d->stopping = true;
	session_stop(d->session, DRAIN);
}

static void
on_up(void *arg, bool present)
{
	struct obedient *d = arg;

	(void)present;
	if (d->outage)
		log_warn(_("%s: connected again"), d->id);
	d->outage = false;
}

static void
on_down(void *arg, const struct err *why)
{
	struct obedient *d = arg;

	d->outage = true;
	log_warn(_("%s: %s; trying again"), d->id, why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct obedient *d = arg;
	struct err reason = *why; /* the session's own goes with it */

	if (d->denied)
		err_set(&reason, ERR_AUTH, _("may not subscribe to '%s'"), d->filter);
	session_free(d->session);
	d->session = NULL;
	sub_ended(d->obey->sub, &reason);
}

/* Shown before it is run. The last one that is wanted stops the others, not itself. */
static void
on_message(void *arg, const struct msg *m)
{
	struct obedient *d = arg;
	struct sub *s = d->obey->sub;
	const size_t before = s->wanted;
	bool gone;

	if (d->stopping || !sub_message(s, m))
		return;
	d->commands.handling++;
	gone = sub_flush(s) != 0;
	if (!gone && s->wanted < before)
		responder_take(d->obey->responder, &d->commands, m);
	d->commands.handling--;
	if (!gone && d->commands.handling == 0)
		session_release_acks(d->session);
	end_if_idle(d);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct obedient *d = arg;

	(void)filter;
	(void)qos;
	if (why->code == ERR_OK || d->stopping)
		return;
	d->denied = d->stopping = true;
	session_stop(d->session, 0);
}

/* Answers leave together with the acknowledgements, which wait for every command that was read: until then
 * no other is. A stream of commands that overlap would keep all answers back for ever. */
static void
on_handled(void *arg, struct responder_device *c)
{
	struct device_session *o = arg;
	size_t i = 0;

	while (&o->v[i]->commands != c)
		i++;
	responder_hold(c, c->handling > 0);
	if (c->handling > 0 || o->v[i]->session == NULL)
		return;
	session_release_acks(o->v[i]->session);
	end_if_idle(o->v[i]);
}

static int
get_ready(struct sub *s, struct err *err)
{
	const struct responder_opts o = {.exec = &s->args->exec,
	    .reply = s->args->reply,
	    .timeout = s->args->timeout,
	    .jobs = (size_t)s->args->jobs};

	if (s->obey != NULL)
		return 0;
	s->obey = xcalloc(1, sizeof(*s->obey));
	s->obey->sub = s;
	return responder_new(&s->obey->responder, s->loop, &o, on_handled, s->obey, err);
}

int
device_session_add(struct sub *s, const struct session_opts *opt, const char *device,
    const char *filter, struct err *err)
{
	static const struct session_events events = {.up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .subscribed = on_subscribed};
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};
	struct session_opts own = *opt;
	struct obedient *d;
	struct device_session *o;

	if (get_ready(s, err))
		return -1;
	o = s->obey;
	d = xcalloc(1, sizeof(*d));
	o->v = xreallocarray(o->v, o->n + 1, sizeof(struct obedient *));
	o->v[o->n++] = d;
	d->obey = o;
	d->id = xstrdup(device);
	d->filter = xstrdup(filter);
	own.hold_acks = true;
	if (topic_expand(s->topics.responses, &vars, &d->responses, err))
		return -1;
	d->commands = (struct responder_device){
	    .id = d->id, .responses = d->responses, .session = &d->session};
	d->session = session_new(s->loop, &own, &events, d, err);
	return d->session != NULL
	    ? session_subscribe(d->session, filter, s->args->qos == 0 ? 0 : 1, false, err)
	    : -1;
}

size_t
device_session_count(const struct sub *s)
{
	return s->obey != NULL ? s->obey->n : 0;
}

void
device_session_start(struct sub *s)
{
	size_t i;

	for (i = 0; i < device_session_count(s); i++)
		session_start(s->obey->v[i]->session);
}

void
device_session_stop(struct sub *s)
{
	size_t i;

	for (i = 0; i < device_session_count(s); i++) {
		if (s->obey->v[i]->session != NULL)
			end_if_idle(s->obey->v[i]);
	}
}

void
device_session_release(struct sub *s)
{
	size_t i;

	if (s->obey == NULL)
		return;
	responder_free(s->obey->responder);
	for (i = 0; i < s->obey->n; i++) {
		struct obedient *d = s->obey->v[i];

		session_free(d->session);
		free(d->id);
		free(d->filter);
		free(d->responses);
		free(d);
	}
	free(s->obey->v);
	free(s->obey);
}
