/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the broker: login, subscription, a message there and back at each quality of service. */
#include <stdio.h>
#include <stdlib.h>

#include "access/access_rules.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/mqtt/one_shot.h"

enum { STAGE_TIME = 5000 }; /* ms */

struct visit {
	struct one_shot shot;
	struct broker_probe *p;
	const char *username;
	enum broker_probe_stage stage, last;
	int64_t since;
	char *topic;
};

static void
on_failed(void *arg, const struct err *why)
{
	struct visit *v = arg;

	broker_probe_fail(v->p, v->stage, v->since, why);
}

static void
on_down(void *arg, const struct err *why)
{
	struct visit *v = arg;

	one_shot_fail(&v->shot, why);
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
	one_shot_fail(&v->shot, &why);
}

static void
enter(struct visit *v, enum broker_probe_stage stage)
{
	struct session_pub m = {
	    .topic = v->topic, .payload = span_of(broker_probe_names[stage])};

	v->stage = stage;
	v->since = clock_wall_us();
	one_shot_wait(&v->shot, STAGE_TIME);
	if (stage < BROKER_PROBE_QOS_0)
		return;
	m.qos = (int)(stage - BROKER_PROBE_QOS_0);
	one_shot_publish(&v->shot, &m);
}

/* This stage is done: the next one, or goodbye. */
static void
go_on(struct visit *v, char *detail)
{
	broker_probe_ok(v->p, v->stage, v->since, detail);
	if (v->stage == v->last)
		one_shot_done(&v->shot);
	else
		enter(v, (enum broker_probe_stage)(v->stage + 1));
}

static void
on_up(void *arg)
{
	struct visit *v = arg;
	struct err err = {0};
	const char *version = session_version(v->shot.session) >= 5 ? "5" : "3.1.1";

	go_on(v,
	    v->username != NULL ? xasprintf(_("MQTT %s, as %s"), version, v->username)
				: xasprintf(_("MQTT %s, without a login"), version));
	if (v->stage == BROKER_PROBE_SUBACK &&
	    session_subscribe(v->shot.session, v->topic, 2, false, &err))
		one_shot_fail(&v->shot, &err);
}

static void
on_subscribed(void *arg, int qos)
{
	struct visit *v = arg;

	if (v->stage == BROKER_PROBE_SUBACK)
		go_on(v, xasprintf(_("'%s' at QoS %d"), v->topic, qos));
}

static void
on_message(void *arg, const struct msg *m)
{
	struct visit *v = arg;
	int sent = (int)v->stage - (int)BROKER_PROBE_QOS_0;

	if (sent < 0 || !span_is(m->payload, broker_probe_names[v->stage]))
		return;
	go_on(v,
	    m->qos == sent ? NULL
			   : xasprintf(_("came back at QoS %d only: use QoS %d with this "
					 "broker"),
				 m->qos, m->qos));
}

int
broker_probe_mqtt(struct ctl *c, const struct session_opts *o,
    enum broker_probe_stage last, struct broker_probe *p, struct err *err)
{
	static const struct one_shot_events events = {.up = on_up,
	    .subscribed = on_subscribed,
	    .message = on_message,
	    .down = on_down,
	    .late = on_late,
	    .failed = on_failed};
	struct visit v = {
	    .p = p, .username = o->username, .stage = BROKER_PROBE_CONNACK, .last = last};
	struct session_opts own = *o;
	char id[BROKER_PROBE_ID];
	int failed;

	if (broker_probe_id(id, err))
		return -1;
	own.client_id = id;
	own.clean = true;
	own.retry = false;
	own.will_topic = NULL;
	v.topic = xasprintf(ACCESS_PROBE "%s", id);
	v.since = clock_wall_us();
	failed = one_shot_run(&v.shot, c->loop, &own, &events, &v, 0, err);
	free(v.topic);
	return failed;
}
