/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a deleted device leaves on the broker: its last status, for everybody who looks. */
#include "iotctl/mqtt/retained.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "mqtt/reason.h"
#include "mqtt/session.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/output/cell.h"

struct clearing {
	struct ctl *c;
	struct session *session;
	struct loop_timer timer;
	char *topic;
	int id;
	bool over;  /* done, or failed */
	bool ended; /* and disconnected */
	struct err err;
};

static void
finish(struct clearing *w)
{
	loop_timer_stop(&w->timer);
	w->over = true;
	session_stop(w->session, 1000);
}

static void
on_up(void *arg, bool present)
{
	struct clearing *w = arg;
	struct session_pub p = {.topic = w->topic, .qos = 1, .retain = true};

	(void)present;
	if (session_publish(w->session, &p, &w->id, &w->err))
		finish(w);
}

static void
on_published(void *arg, int id, int reason)
{
	struct clearing *w = arg;

	(void)id;
	if (reason_is_failure(reason)) {
		reason_err(&w->err, REASON_IN_PUBACK, reason, NULL);
		err_in(&w->err, _("%s refused the message on '%s'"),
		    session_broker(w->session), w->topic);
	}
	finish(w);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct clearing *w = arg;

	if (!w->over)
		w->err = *why;
	w->over = w->ended = true;
	loop_timer_stop(&w->timer);
	loop_stop(w->c->loop);
}

static void
on_silence(void *arg)
{
	struct clearing *w = arg;

	err_set(&w->err, ERR_TIMEOUT, _("%s did not acknowledge it"),
	    session_broker(w->session));
	finish(w);
}

static void
run(struct clearing *w, const struct session_opts *o)
{
	static const struct session_events events = {
	    .up = on_up, .ended = on_ended, .published = on_published};

	w->session = session_new(w->c->loop, o, &events, w, &w->err);
	if (w->session == NULL)
		return;
	session_start(w->session);
	loop_timer_set(w->c->loop, &w->timer, w->c->args->api.timeout, on_silence, w);
	/* An answer to a request that is under way stops the loop too. */
	while (!w->ended && loop_run(w->c->loop, &w->err) == 0)
		;
	loop_timer_stop(&w->timer);
	session_free(w->session);
}

/* Who deletes a hundred devices knows it then. */
static void
say_once(void)
{
	static bool said;

	if (!said)
		log_warn(
		    _("retained statuses of deleted devices stay on the broker: give "
		      "--mqtt-url to clear them"));
	said = true;
}

static void
clear(struct ctl *c, const char *device)
{
	struct clearing w = {.c = c};
	struct target t = {0};
	struct session_opts o = {0};
	struct topic_set topics = {0};
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};

	if (!target_has_broker(c)) {
		say_once();
		return;
	}
	if (topic_set_compile(&topics, &c->args->topics, &w.err) == 0 &&
	    topic_expand(topics.status, &vars, &w.topic, &w.err) == 0 &&
	    target_connection(c, &t, &o, &w.err) == 0)
		run(&w, &o);
	if (w.err.code != ERR_OK)
		log_warn(_("the retained status of '%s' stays on the broker: %s"), device,
		    w.err.text);
	topic_set_release(&topics);
	target_release(&t);
	free(w.topic);
}

void
retained_clear(struct ctl *c, const struct schema_resource *r, struct span object)
{
	struct buf id = {0};

	if (strcmp(r->name, "device") == 0 &&
	    cell_member(object, "identificador_unico", &id))
		clear(c, buf_str(&id));
	buf_release(&id);
}
