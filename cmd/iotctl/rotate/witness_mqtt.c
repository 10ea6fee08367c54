/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto tells nobody who is connected; what it takes from a device is what can be seen. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/presence.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/rotate/witness.h"

enum {
	PATIENCE = 15000,
	GOODBYE = 2000
}; /* ms: for the broker's answers; for the last one */

/* The note on a device whose retained status does not say that it is connected. */
static const char away[] = "away";

struct watching {
	struct rollout *r;
	struct loop *loop;
	struct session *session;
	struct loop_timer timer;
	size_t asked, granted; /* subscriptions */
	bool begun, armed;     /* subscribed; what comes now comes over new connections */
	bool watched;          /* to the end */
	bool late, ended;
	struct err err;
};

static void
fail(struct watching *w, const struct err *why)
{
	if (w->err.code == ERR_OK)
		w->err = *why;
	loop_stop(w->loop);
}

/* At QoS 0: what came before the answer to a subscription is there before it, too. */
static void
subscribe(struct watching *w, const char *filter)
{
	struct err why = {0};

	w->asked++;
	if (filter != NULL && session_subscribe(w->session, filter, 0, false, &why))
		fail(w, &why);
	else if (filter == NULL)
		w->granted++;
}

static void
on_up(void *arg, bool present)
{
	struct watching *w = arg;
	size_t i;

	(void)present;
	for (i = w->r->from; i < w->r->to && !w->begun; i++) {
		subscribe(w, w->r->v[i].status_topic);
		subscribe(w, w->r->v[i].data_filter);
	}
	w->begun = true;
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct watching *w = arg;

	(void)filter;
	(void)qos;
	w->granted++;
	if (why->code != ERR_OK)
		fail(w, why);
	else if (w->granted >= w->asked)
		loop_stop(w->loop);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct watching *w = arg;

	w->ended = true;
	if (why->code != ERR_OK)
		fail(w, why);
	loop_stop(w->loop);
}

/* Whether what a device says now comes over a connection that it made with its new password. */
static bool
is_new_connection(const struct watching *w, const struct rollout_device *d)
{
	return d->stage == PASSWORD_FILE_SENT || (w->armed && d->changed);
}

static void
take_status(struct watching *w, struct rollout_device *d, const struct msg *m)
{
	enum presence state;

	d->heard = true;
	d->connected =
	    presence_by_message(m->payload, &state) && state == PRESENCE_ONLINE;
	if (!d->connected)
		return;
	if (m->retain)
		d->came |= d->stage == PASSWORD_FILE_SENT && d->seen != NULL &&
		    strcmp(d->seen, away) == 0;
	else if (is_new_connection(w, d))
		d->came = true;
	else
		d->maybe = true;
}

static bool
all_came(const struct rollout *r)
{
	size_t i;

	for (i = r->from; i < r->to; i++) {
		if ((r->v[i].stage == PASSWORD_FILE_SENT || r->v[i].changed) &&
		    !r->v[i].came)
			return false;
	}
	return true;
}

static void
on_message(void *arg, const struct msg *m)
{
	struct watching *w = arg;
	size_t i;

	for (i = w->r->from; i < w->r->to; i++) {
		struct rollout_device *d = &w->r->v[i];

		if (d->status_topic != NULL && span_is(m->topic, d->status_topic))
			take_status(w, d, m);
		else if (!m->retain && d->data_filter != NULL &&
		    is_new_connection(w, d) &&
		    topic_filter_matches(d->data_filter, m->topic))
			d->came = true;
	}
	if (all_came(w->r))
		loop_stop(w->loop);
}

static void
on_late(void *arg)
{
	struct watching *w = arg;

	w->late = true;
	loop_stop(w->loop);
}

static bool
is_granted(const struct watching *w)
{
	return w->begun && w->granted >= w->asked;
}

static bool
has_all(const struct watching *w)
{
	return all_came(w->r);
}

static bool
is_ended(const struct watching *w)
{
	return w->ended;
}

/* Until it is so, or too late, which is no error, or it cannot come. */
static int
wait_until(
    struct watching *w, bool (*is)(const struct watching *w), int64_t ms, struct err *err)
{
	int failed = 0;

	w->late = false;
	loop_timer_set(w->loop, &w->timer, ms, on_late, w);
	while (!failed && !w->late && w->err.code == ERR_OK && !is(w))
		failed = loop_run(w->loop, err);
	loop_timer_stop(&w->timer);
	if (!failed && w->err.code != ERR_OK)
		*err = w->err;
	return failed || w->err.code != ERR_OK ? -1 : 0;
}

static int
wait_for_grants(struct watching *w, struct err *err)
{
	if (wait_until(w, is_granted, PATIENCE, err) == 0 && w->late)
		err_set(err, ERR_TIMEOUT, _("%s does not answer"),
		    session_broker(w->session));
	else if (is_granted(w) && w->err.code == ERR_OK)
		return 0;
	return err_in(err, _("nobody would see whether devices come"));
}

/* The topic of one device, other variables left open; NULL: the template does not name the device. */
static char *
filter_of(const struct topic *template, const char *device)
{
	static const char variable[] = "{device_id}";
	const char *text = topic_text(template), *at;
	struct buf own = {0};
	struct topic *t = NULL;
	char *filter = NULL;

	if (!topic_has(template, TOPIC_DEVICE_ID))
		return NULL;
	while ((at = strstr(text, variable)) != NULL) {
		buf_put(&own, text, (size_t)(at - text));
		buf_puts(&own, device);
		text = at + strlen(variable);
	}
	buf_puts(&own, text);
	if (topic_compile(&t, buf_str(&own), NULL) == 0)
		filter = topic_filter(t);
	topic_free(t);
	buf_release(&own);
	return filter;
}

static void
name_topics(struct rollout *r)
{
	size_t i;

	for (i = r->from; i < r->to; i++) {
		struct rollout_device *d = &r->v[i];

		d->status_topic = filter_of(r->sync.topics.status, d->id);
		d->data_filter = filter_of(r->sync.topics.data, d->id);
	}
}

static int
before(struct rollout *r, struct err *err)
{
	static const struct session_events events = {.up = on_up,
	    .ended = on_ended,
	    .message = on_message,
	    .subscribed = on_subscribed};
	struct watching *w = r->own = xcalloc(1, sizeof(*w));
	struct target t = {0};
	struct session_opts o = {0};
	int failed = ctl_loop(r->c, err) ||
	    target_broker(r->c, r->broker_name, &t, err) ||
	    target_connection(r->c, &t, &o, err);

	w->r = r;
	w->loop = r->c->loop;
	name_topics(r);
	o.client_id = NULL;
	if (!failed) {
		w->session = session_new(w->loop, &o, &events, w, err);
		failed = w->session == NULL;
	}
	target_release(&t);
	if (failed)
		return -1;
	session_start(w->session);
	return wait_for_grants(w, err);
}

/* What the broker took before it let nobody in with the old passwords is here before its answer to this. */
static int
after(struct rollout *r, struct err *err)
{
	struct watching *w = r->own;
	size_t i;

	for (i = r->from; i < r->to; i++) {
		if (!r->v[i].changed)
			continue;
		free(r->v[i].seen);
		r->v[i].seen = xstrdup("");
	}
	subscribe(w,
	    r->v[r->from].status_topic != NULL ? r->v[r->from].status_topic
					       : r->v[r->from].data_filter);
	if (wait_for_grants(w, err))
		return -1;
	w->armed = true;
	return 0;
}

static int
wait_for_all(struct rollout *r, int64_t ms, struct err *err)
{
	struct watching *w = r->own;

	if (wait_until(w, has_all, ms, err))
		return -1;
	w->watched = true;
	return 0;
}

static void
stop(struct watching *w)
{
	struct err why = {0};

	if (w->session != NULL && !w->ended) {
		w->err = (struct err){0};
		session_stop(w->session, GOODBYE);
		wait_until(w, is_ended, 2 * GOODBYE, &why);
	}
	session_free(w->session);
	free(w);
}

/* Files that say the same again end no connection. */
static bool
was_cut(const struct rollout *r, const struct rollout_device *d)
{
	return d->changed && !d->came && d->connected && !d->maybe &&
	    !(d->resent && r->sync.driver->reads_late);
}

/* Of who was connected when the broker changed, and has said nothing since, the status is not so any more. Nothing is
 * known of a status that did not come: mosquitto does not tell who may not read it. */
static void
note_away(struct rollout *r)
{
	bool corrected;
	size_t i;

	for (i = r->from; i < r->to; i++)
		r->sync.v[r->v[i].user].cut = was_cut(r, &r->v[i]);
	corrected = sync_correct(&r->sync) == 0;
	for (i = r->from; i < r->to; i++) {
		struct rollout_device *d = &r->v[i];
		bool *cut = &r->sync.v[d->user].cut;

		if (!d->came && d->heard && (!d->connected || (*cut && corrected))) {
			free(d->seen);
			d->seen = xstrdup(away);
		}
		*cut = false;
	}
}

static void
end(struct rollout *r)
{
	struct watching *w = r->own;
	bool watched;

	if (w == NULL)
		return;
	watched = w->watched;
	stop(w);
	r->own = NULL;
	if (watched)
		note_away(r);
}

const struct witness witness_mqtt = {
    .before = before, .after = after, .wait = wait_for_all, .end = end};
