/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/mqtt/one_shot.h"

#include "base/text.h"
#include "mqtt/reason.h"

enum { GOODBYE = 2000 }; /* ms for DISCONNECT */

static void
end(struct one_shot *shot, const struct err *why)
{
	shot->over = true;
	loop_timer_stop(&shot->timer);
	if (why->code == ERR_OK)
		return;
	if (shot->events->failed != NULL)
		shot->events->failed(shot->arg, why);
	else
		shot->err = *why;
}

void
one_shot_fail(struct one_shot *shot, const struct err *why)
{
	if (shot->over)
		return;
	end(shot, why);
	session_stop(shot->session, GOODBYE);
}

void
one_shot_done(struct one_shot *shot)
{
	one_shot_fail(shot, &(struct err){0});
}

void
one_shot_publish(struct one_shot *shot, const struct session_pub *p)
{
	struct err err = {0};

	shot->topic = p->topic;
	if (session_publish(shot->session, p, &shot->id, &err))
		one_shot_fail(shot, &err);
}

static void
on_late(void *arg)
{
	struct one_shot *shot = arg;

	if (shot->events->late != NULL)
		shot->events->late(shot->arg);
}

void
one_shot_wait(struct one_shot *shot, int64_t time)
{
	loop_timer_set(shot->loop, &shot->timer, time, on_late, shot);
}

static void
on_up(void *arg, bool session_present)
{
	struct one_shot *shot = arg;

	(void)session_present;
	if (shot->over || shot->was_up)
		return;
	shot->was_up = true;
	shot->events->up(shot->arg);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct one_shot *shot = arg;

	(void)filter;
	if (why->code != ERR_OK)
		one_shot_fail(shot, why);
	else if (!shot->over && shot->events->subscribed != NULL)
		shot->events->subscribed(shot->arg, qos);
}

static void
on_published(void *arg, int id, int reason)
{
	struct one_shot *shot = arg;
	struct err err;

	if (shot->over || id != shot->id)
		return;
	if (reason_is_failure(reason)) {
		reason_err(&err, REASON_IN_PUBACK, reason, NULL);
		err_in(&err, _("%s refused the message on '%s'"),
		    session_broker(shot->session), shot->topic);
		one_shot_fail(shot, &err);
	} else if (shot->events->published != NULL) {
		shot->events->published(shot->arg, reason);
	}
}

static void
on_message(void *arg, const struct msg *m)
{
	struct one_shot *shot = arg;

	if (!shot->over && shot->events->message != NULL)
		shot->events->message(shot->arg, m);
}

static void
on_down(void *arg, const struct err *why)
{
	struct one_shot *shot = arg;

	if (!shot->over && shot->events->down != NULL)
		shot->events->down(shot->arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct one_shot *shot = arg;

	if (!shot->over)
		end(shot, why);
	shot->ended = true;
	loop_stop(shot->loop);
}

int
one_shot_run(struct one_shot *shot, struct loop *loop, const struct session_opts *opts,
    const struct one_shot_events *events, void *arg, int64_t time, struct err *err)
{
	static const struct session_events mine = {.up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .published = on_published,
	    .subscribed = on_subscribed};
	int failed;

	shot->loop = loop;
	shot->events = events;
	shot->arg = arg;
	shot->session = session_new(loop, opts, &mine, shot, err);
	if (shot->session == NULL)
		return -1;
	session_start(shot->session);
	if (time > 0)
		one_shot_wait(shot, time);
	do
		failed = loop_run(loop, err);
	while (!failed && !shot->ended && shot->nested);
	loop_timer_stop(&shot->timer);
	session_free(shot->session);
	shot->session = NULL;
	if (!failed && shot->err.code != ERR_OK)
		*err = shot->err;
	return failed || shot->err.code != ERR_OK ? -1 : 0;
}
