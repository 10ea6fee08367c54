/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/listener.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotpub/values/profile.h"

/* With MQTT 5 the broker sends the next command when this one is acknowledged: none comes that was not waited for,
 * whose acknowledgement would hold back readings while nobody reads the commands (libmosquitto 2.1 reads ahead). */
enum { QOS = 1, AT_A_TIME = 1 };

struct listener {
	const struct listener_config *config;
	void *owner;
	char *commands, *responses; /* topics */
	struct responder_device responder;
	enum err_code denied;
	bool leaving;
	struct loop_timer deferred;
	void (*fn)(void *owner);
};

static struct session *
session_of(const struct listener *l)
{
	return *l->responder.session;
}

struct listener *
listener_new(const struct listener_config *config, const struct topic_set *topics,
    const char *id, struct session **session, void *owner, struct err *err)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->config = config;
	l->owner = owner;
	if (profile_topic(topics->commands, id, 0, &l->commands, err) ||
	    profile_topic(topics->responses, id, 0, &l->responses, err)) {
		listener_free(l);
		return NULL;
	}
	l->responder = (struct responder_device){
	    .id = id, .responses = l->responses, .session = session};
	return l;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	loop_timer_stop(&l->deferred);
	free(l->commands);
	free(l->responses);
	free(l);
}

void
listener_set_opts(const struct listener *l, struct session_opts *o)
{
	if (l == NULL)
		return;
	o->hold_acks = true;
	o->receive_maximum = AT_A_TIME;
}

void
listener_subscribe(struct listener *l)
{
	struct err err = {0};

	if (l == NULL)
		return;
	if (session_subscribe(session_of(l), l->commands, QOS, false, &err))
		log_err(&err);
	session_pause_messages(
	    session_of(l), command_lines_are_stalled(l->config->lines));
}

void
listener_denied(struct listener *l, const struct err *why)
{
	if (l != NULL)
		l->denied = why->code;
}

void
listener_explain(const struct listener *l, struct err *why)
{
	if (l != NULL && l->denied != ERR_OK)
		err_set(why, l->denied, _("may not subscribe to '%s'"), l->commands);
}

static bool
leaves_out(const struct listener *l)
{
	return l->leaving && !l->config->keep_session &&
	    command_lines_are_stalled(l->config->lines);
}

void
listener_take(struct listener *l, const struct msg *m)
{
	if (l == NULL)
		return;
	if (leaves_out(l)) {
		++*l->config->left_out;
		session_release_acks(session_of(l));
		return;
	}
	l->config->command(l->owner, m);
}

void
listener_pause(struct listener *l, bool paused)
{
	if (l == NULL || session_of(l) == NULL)
		return;
	session_pause_messages(session_of(l), paused || l->leaving);
	if (!leaves_out(l))
		return;
	*l->config->left_out += command_lines_forget(l->config->lines, &l->responder);
	session_release_acks(session_of(l));
}

void
listener_leave(struct listener *l)
{
	if (l == NULL)
		return;
	l->leaving = true;
	listener_pause(l, true);
}

/* Who leaves owes them until its commands are run: with several answers on their way libmosquitto reads on behind the
 * acknowledgement of one, and takes a command there, which, acknowledged, would bring the next one, and so on. */
void
listener_acknowledge(struct listener *l)
{
	if (l != NULL && !(l->leaving && listener_is_running(l)))
		listener_settle(l);
}

void
listener_settle(struct listener *l)
{
	if (l != NULL)
		session_release_acks(session_of(l));
}

static void
on_deferred(void *arg)
{
	const struct listener *l = arg;

	l->fn(l->owner);
}

void
listener_defer(struct listener *l, void (*fn)(void *owner))
{
	if (l == NULL)
		return;
	l->fn = fn;
	loop_timer_set(l->config->loop, &l->deferred, 0, on_deferred, l);
}

void
listener_ended(struct listener *l)
{
	if (l != NULL && leaves_out(l))
		*l->config->left_out += session_untaken(session_of(l));
}

void
listener_drop(struct listener *l)
{
	if (l == NULL)
		return;
	loop_timer_stop(&l->deferred);
	command_lines_forget(l->config->lines, &l->responder);
}

bool
listener_is_running(const struct listener *l)
{
	return l != NULL && l->responder.handling > 0;
}

bool
listener_is_showing(const struct listener *l)
{
	return l != NULL && command_lines_has(l->config->lines, &l->responder);
}

bool
listener_is_busy(const struct listener *l)
{
	return listener_is_running(l) ||
	    (listener_is_showing(l) && !command_lines_are_stalled(l->config->lines));
}

struct responder_device *
listener_responder(struct listener *l)
{
	return &l->responder;
}

void *
listener_owner(struct responder_device *r)
{
	const struct listener *l =
	    (struct listener *)(void *)((char *)r - offsetof(struct listener, responder));

	return l->owner;
}
