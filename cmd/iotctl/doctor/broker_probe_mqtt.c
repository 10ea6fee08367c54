/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the broker: login, subscription, a message there and back at each quality of service. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/reason.h"
#include "iotctl/doctor/broker_probe.h"

enum { GOODBYE = 1000, STAGE_TIME = 5000 };

struct visit {
	struct ctl *c;
	struct broker_probe *p;
	const struct session_opts *o;
	struct session *session;
	struct loop_timer timer;
	enum broker_probe_stage stage, last;
	int64_t since;
	char *topic;
	int sent; /* id of the publication under way */
	bool over;
};

static void
leave(struct visit *v)
{
	v->over = true;
	loop_timer_stop(&v->timer);
	session_stop(v->session, GOODBYE);
}

static void
fail(struct visit *v, const struct err *why)
{
	if (v->over)
		return;
	broker_probe_fail(v->p, v->stage, v->since, why);
	leave(v);
}

static void
on_late(void *arg)
{
	struct visit *v = arg;
	struct err why;

	if (v->stage < BROKER_PROBE_QOS_0)
		err_set(
		    &why, ERR_UNREACHABLE, _("no answer within %d s"), STAGE_TIME / 1000);
	else
		err_set(&why, ERR_UNREACHABLE,
		    _("sent to '%s', but it did not come back within %d s: brokers drop "
		      "what an ACL forbids"),
		    v->topic, STAGE_TIME / 1000);
	fail(v, &why);
}

static void
enter(struct visit *v, enum broker_probe_stage stage)
{
	struct err err = {0};
	struct session_pub m = {
	    .topic = v->topic, .payload = span_of(probe_names[stage])};

	v->stage = stage;
	v->since = clock_wall_us();
	loop_timer_set(v->c->loop, &v->timer, STAGE_TIME, on_late, v);
	if (stage < BROKER_PROBE_QOS_0)
		return;
	m.qos = (int)(stage - BROKER_PROBE_QOS_0);
	if (session_publish(v->session, &m, &v->sent, &err))
		fail(v, &err);
}

/* This stage is done: the next one, or goodbye. */
static void
go_on(struct visit *v, char *detail)
{
	broker_probe_ok(v->p, v->stage, v->since, detail);
	if (v->stage == v->last)
		leave(v);
	else
		enter(v, (enum broker_probe_stage)(v->stage + 1));
}

static void
on_up(void *arg, bool present)
{
	struct visit *v = arg;
	struct err err = {0};
	const char *user = v->o->username;

	(void)present;
	if (v->over || v->stage != BROKER_PROBE_CONNACK)
		return;
	go_on(v,
	    xasprintf(_("MQTT %s%s%s"), session_version(v->session) >= 5 ? "5" : "3.1.1",
		user != NULL ? _(", as ") : _(", without a login"),
		user != NULL ? user : ""));
	if (!v->over && session_subscribe(v->session, v->topic, 2, false, &err))
		fail(v, &err);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct visit *v = arg;

	(void)filter;
	if (v->over || v->stage != BROKER_PROBE_SUBACK)
		return;
	if (why->code != ERR_OK)
		fail(v, why);
	else
		go_on(v, xasprintf(_("'%s' at QoS %d"), v->topic, qos));
}

static void
on_published(void *arg, int id, int reason)
{
	struct visit *v = arg;
	struct err err;

	if (v->over || id != v->sent || !reason_is_failure(reason))
		return;
	reason_err(&err, REASON_IN_PUBACK, reason, NULL);
	err_in(&err, _("%s refused the message on '%s'"), session_broker(v->session),
	    v->topic);
	fail(v, &err);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct visit *v = arg;
	int sent = (int)v->stage - (int)BROKER_PROBE_QOS_0;

	if (v->over || v->stage < BROKER_PROBE_QOS_0 ||
	    !span_is(m->payload, probe_names[v->stage]))
		return;
	go_on(v,
	    m->qos == sent ? NULL
			   : xasprintf(_("came back at QoS %d only: use QoS %d with this "
					 "broker"),
				 m->qos, m->qos));
}

static void
on_down(void *arg, const struct err *why)
{
	fail(arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct visit *v = arg;

	if (!v->over)
		broker_probe_fail(v->p, v->stage, v->since, why);
	v->over = true;
	loop_timer_stop(&v->timer);
	loop_stop(v->c->loop);
}

int
broker_probe_mqtt(struct ctl *c, const struct session_opts *o,
    enum broker_probe_stage last, struct broker_probe *p, struct err *err)
{
	static const struct session_events events = {.up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .published = on_published,
	    .subscribed = on_subscribed};
	struct visit v = {
	    .c = c, .p = p, .o = o, .stage = BROKER_PROBE_CONNACK, .last = last};
	struct session_opts own = *o;
	char id[BROKER_PROBE_ID];
	int failed;

	if (broker_probe_id(id, err))
		return -1;
	own.client_id = id;
	own.clean = true;
	own.retry = false;
	own.will_topic = NULL;
	v.topic = xasprintf("iot/probe/%s", id);
	v.session = session_new(c->loop, &own, &events, &v, err);
	failed = v.session == NULL;
	if (!failed) {
		v.since = clock_wall_us();
		session_start(v.session);
		failed = loop_run(c->loop, err);
	}
	loop_timer_stop(&v.timer);
	session_free(v.session);
	free(v.topic);
	return failed ? -1 : 0;
}
