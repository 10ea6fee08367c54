/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/device_session.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "exec/command_lines.h"
#include "exec/responder.h"

/* How long answers may take to be acknowledged at the end. */
enum { DRAIN = 10000 };

struct device {
	struct device_sessions *all;
	char *id, *filter, *responses;
	struct session *session; /* NULL: it is over */
	struct responder_device commands;
	bool outage, stopping, denied;
};

struct device_sessions {
	struct loop *loop;
	struct device_session_opts opts;
	const struct device_session_events *events;
	void *arg;
	struct responder *responder;
	struct command_lines *lines;
	struct buf line; /* of a command: its memory is used again */
	struct device **v;
	size_t n;
	size_t sessions_lost;
	bool stopping;
};

/* The session is stopped once: it ends when its answers are acknowledged. */
static void
end_if_idle(struct device *d)
{
	if (!d->all->stopping || d->stopping || d->commands.handling > 0)
		return;
	d->stopping = true;
	session_stop(d->session, DRAIN);
}

static void
on_up(void *arg, bool present)
{
	struct device *d = arg;

	(void)present;
	if (d->outage)
		log_warn(_("%s: connected again, to broker %s"), d->id,
		    session_where(d->session).text);
	else
		log_info(_("%s: connected to broker %s"), d->id,
		    session_where(d->session).text);
	d->outage = false;
}

static void
on_forgotten(void *arg, const struct err *why)
{
	struct device *d = arg;

	d->all->sessions_lost++;
	log_warn("%s: %s", d->id, why->text);
}

static void
on_down(void *arg, const struct err *why)
{
	struct device *d = arg;

	d->outage = true;
	log_warn(_("%s: %s; trying again"), d->id, why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct device *d = arg;
	struct err reason = *why; /* the session's own goes with it */

	if (d->denied)
		err_set(&reason, ERR_AUTH, _("may not subscribe to '%s'"), d->filter);
	command_lines_forget(d->all->lines, &d->commands);
	session_free(d->session);
	d->session = NULL;
	d->all->events->ended(d->all->arg, &reason);
}

static struct device *
device_of(const struct device_sessions *s, const struct responder_device *c)
{
	size_t i = 0;

	while (&s->v[i]->commands != c)
		i++;
	return s->v[i];
}

/* A command that waits for its line counts as one that is run. */
static void
on_message(void *arg, const struct msg *m)
{
	struct device *d = arg;
	struct device_sessions *s = d->all;
	enum device_session_verdict verdict;

	verdict = s->events->command(s->arg, m, &s->line);
	if (verdict == DEVICE_SESSION_RUN) {
		d->commands.handling++;
		command_lines_put(s->lines, &d->commands, buf_as_span(&s->line), m);
	} else if (verdict == DEVICE_SESSION_SKIP && d->commands.handling == 0) {
		session_release_acks(d->session);
	}
	buf_clear(&s->line);
	end_if_idle(d);
}

/* c->handling still counts the message while `shown` runs: the last command that is wanted ends the idle
 * devices there, and must not end the one that is about to run it. */
static void
on_shown(void *arg, struct responder_device *c, const struct msg *m)
{
	struct device_sessions *s = arg;
	struct device *d = device_of(s, c);

	s->events->shown(s->arg);
	responder_take(s->responder, c, m);
	c->handling--;
	if (c->handling == 0)
		session_release_acks(d->session);
	end_if_idle(d);
}

static void
on_unwritten(void *arg, const struct err *why)
{
	struct device_sessions *s = arg;

	s->events->unwritten(s->arg, why);
}

static void
on_stalled(void *arg, bool stalled)
{
	struct device_sessions *s = arg;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i]->session != NULL)
			session_pause_messages(s->v[i]->session, stalled || s->stopping);
	}
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct device *d = arg;

	(void)filter;
	(void)qos;
	if (why->code == ERR_OK || d->stopping)
		return;
	d->denied = d->stopping = true;
	session_stop(d->session, 0);
}

/* Answers leave together with the acknowledgements, once all commands that were read have ended. No other is
 * read until then: commands that overlap without end would keep all answers back for ever. */
static void
on_handled(void *arg, struct responder_device *c)
{
	struct device *d = device_of(arg, c);

	responder_hold(c, c->handling > 0);
	if (c->handling > 0 || d->session == NULL)
		return;
	session_release_acks(d->session);
	end_if_idle(d);
}

int
device_session_new(struct device_sessions **out, struct loop *loop,
    const struct device_session_opts *opts, const struct device_session_events *events,
    void *arg, struct err *err)
{
	static const struct command_lines_events lines = {
	    .shown = on_shown, .failed = on_unwritten, .stalled = on_stalled};
	const struct responder_opts o = {.exec = opts->exec,
	    .reply = opts->reply,
	    .timeout = opts->timeout,
	    .jobs = opts->jobs};
	struct device_sessions *s = *out = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->opts = *opts;
	s->events = events;
	s->arg = arg;
	s->lines = command_lines_new(opts->lines, &lines, s);
	return responder_new(&s->responder, loop, &o, on_handled, s, err);
}

int
device_session_add(struct device_sessions *s, const struct session_opts *opts,
    const char *device, const char *filter, struct err *err)
{
	static const struct session_events events = {.up = on_up,
	    .forgotten = on_forgotten,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .subscribed = on_subscribed};
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};
	struct session_opts own = *opts;
	struct device *d = xcalloc(1, sizeof(*d));

	s->v = xreallocarray(s->v, s->n + 1, sizeof(struct device *));
	s->v[s->n++] = d;
	d->all = s;
	d->id = xstrdup(device);
	d->filter = xstrdup(filter);
	own.hold_acks = true;
	/* Where only one can be under way (MQTT 5): of several unread ones libmosquitto may read the next together with the
	 * last that is wanted, whose answer then waits behind an acknowledgement that must not leave. */
	if (s->opts.exec->n == 0 || s->opts.jobs == 1)
		own.receive_maximum = 1;
	if (topic_expand(s->opts.responses, &vars, &d->responses, err))
		return -1;
	d->commands = (struct responder_device){
	    .id = d->id, .responses = d->responses, .session = &d->session};
	d->session = session_new(s->loop, &own, &events, d, err);
	return d->session != NULL
	    ? session_subscribe(d->session, filter, s->opts.qos, false, err)
	    : -1;
}

size_t
device_session_count(const struct device_sessions *s)
{
	return s != NULL ? s->n : 0;
}

size_t
device_session_sessions_lost(const struct device_sessions *s)
{
	return s != NULL ? s->sessions_lost : 0;
}

const char *
device_session_broker_away(const struct device_sessions *s)
{
	size_t i;

	for (i = 0; i < device_session_count(s); i++) {
		const struct session *session = s->v[i]->session;

		if (session != NULL && !session_is_up(session))
			return session_name(session);
	}
	return NULL;
}

void
device_session_start(struct device_sessions *s)
{
	size_t i;

	for (i = 0; i < device_session_count(s); i++)
		session_start(s->v[i]->session);
}

void
device_session_stop(struct device_sessions *s)
{
	size_t i;

	if (s != NULL)
		s->stopping = true;
	for (i = 0; i < device_session_count(s); i++) {
		if (s->v[i]->session == NULL)
			continue;
		session_pause_messages(s->v[i]->session, true);
		end_if_idle(s->v[i]);
	}
}

void
device_session_leave(struct device_sessions *s, int64_t timeout)
{
	size_t i;

	if (s != NULL)
		s->stopping = true;
	for (i = 0; i < device_session_count(s); i++) {
		struct device *d = s->v[i];

		if (d->session == NULL || d->stopping)
			continue;
		d->stopping = true;
		session_stop(d->session, timeout);
	}
}

bool
device_session_is_stalled(const struct device_sessions *s)
{
	return s != NULL && command_lines_are_stalled(s->lines);
}

void
device_session_free(struct device_sessions *s)
{
	size_t i;

	if (s == NULL)
		return;
	responder_free(s->responder);
	command_lines_free(s->lines);
	buf_release(&s->line);
	for (i = 0; i < s->n; i++) {
		struct device *d = s->v[i];

		session_free(d->session);
		free(d->id);
		free(d->filter);
		free(d->responses);
		free(d);
	}
	free(s->v);
	free(s);
}
