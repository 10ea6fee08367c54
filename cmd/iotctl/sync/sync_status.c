/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A broker that ends a connection by itself may leave the device's last word, "connected", for everybody who looks:
 * mosquitto sends no will then. Of those who lost their logins it is corrected. */
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/presence.h"
#include "iotctl/mqtt/one_shot.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/sync/sync.h"

/* ms: behind the answer to the last SUBSCRIBE there is what is retained; for each answer. */
enum { QUIET = 1000, PATIENCE = 10000 };

/* Where the record of what was sent has the devices whose statuses could not be corrected, by the broker's name: no
 * later run finds logins that are gone. */
static const char uncorrected[] = "uncorrected";

/* One device that is out now. */
struct gone {
	char *device, *topic;
	bool removed;   /* its login is gone, not its connection alone */
	bool connected; /* as its status says */
};

struct correcting {
	struct one_shot shot;
	struct gone *v;
	size_t n, granted, at, corrected;
	struct hash_table index; /* by topic */
	bool in, looking;
};

/* The one of this topic; NULL: none. */
static struct gone *
find(const struct correcting *w, struct span topic)
{
	struct hash_search at = hash_find(&w->index, hash_of(topic));
	size_t i;

	while (hash_next(&at, &i)) {
		if (span_is(topic, w->v[i].topic))
			return &w->v[i];
	}
	return NULL;
}

static void
on_up(void *arg)
{
	struct correcting *w = arg;
	struct err err = {0};
	size_t i;

	w->in = w->looking = true;
	one_shot_wait(&w->shot, PATIENCE);
	for (i = 0; i < w->n; i++) {
		if (session_subscribe(w->shot.session, w->v[i].topic, 1, false, &err)) {
			one_shot_fail(&w->shot, &err);
			return;
		}
	}
}

static void
on_subscribed(void *arg, int qos)
{
	struct correcting *w = arg;

	(void)qos;
	if (++w->granted == w->n)
		one_shot_wait(&w->shot, QUIET);
}

static bool
says_connected(struct span payload)
{
	enum presence state;

	return presence_by_message(payload, &state) && state == PRESENCE_ONLINE;
}

static void
on_message(void *arg, const struct msg *m)
{
	struct gone *g = find(arg, m->topic);

	/* Who says so just now has come again. */
	if (g != NULL)
		g->connected = m->retain && says_connected(m->payload);
}

/* The next one that says what is no longer so. */
static void
correct_next(struct correcting *w)
{
	struct buf payload = {0};
	struct session_pub p = {.qos = 1, .retain = true};

	while (w->at < w->n && !w->v[w->at].connected)
		w->at++;
	if (w->at == w->n) {
		one_shot_done(&w->shot);
		return;
	}
	presence_put_message(
	    &payload, w->v[w->at].device, PRESENCE_OFFLINE, (int64_t)time(NULL));
	p.topic = w->v[w->at++].topic;
	p.payload = buf_as_span(&payload);
	one_shot_wait(&w->shot, PATIENCE);
	one_shot_publish(&w->shot, &p);
	buf_release(&payload);
}

static void
on_published(void *arg, int reason)
{
	struct correcting *w = arg;

	(void)reason;
	w->corrected++;
	correct_next(w);
}

static void
on_late(void *arg)
{
	struct correcting *w = arg;
	struct err err;

	if (w->looking && w->granted == w->n) {
		w->looking = false;
		correct_next(w);
		return;
	}
	err_set(
	    &err, ERR_TIMEOUT, _("%s does not answer"), session_broker(w->shot.session));
	one_shot_fail(&w->shot, &err);
}

static void
add_gone(const struct sync *s, struct correcting *w, struct span device, bool removed)
{
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = device};
	char *topic = NULL;

	if (topic_expand(s->topics.status, &vars, &topic, NULL) != 0 ||
	    find(w, span_of(topic)) != NULL) {
		free(topic);
		return;
	}
	if ((w->n & (w->n - 1)) == 0)
		w->v = xreallocarray(w->v, w->n != 0 ? 2 * w->n : 1, sizeof(*w->v));
	hash_table_add(&w->index, hash_of(span_of(topic)), w->n);
	w->v[w->n++] = (struct gone){
	    .device = xstrndup(device.p, device.n), .topic = topic, .removed = removed};
}

/* Devices that may come in by another login by now, which their statuses may speak of. */
static void
collect_others(const struct sync *s, struct hash_table *out)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].wanted && s->v[i].device != NULL)
			hash_table_add(out, hash_of(span_of(s->v[i].device)), i);
	}
}

static bool
has_other(const struct sync *s, const struct hash_table *others, struct span device)
{
	struct hash_search at = hash_find(others, hash_of(device));
	size_t i;

	while (hash_next(&at, &i)) {
		if (span_is(device, s->v[i].device))
			return true;
	}
	return false;
}

/* The platform does not know any more whose login it was: the broker's rules do, by the status that it could write. */
static void
add_by_rules(const struct sync *s, struct correcting *w, const struct hash_table *others,
    const char *rules)
{
	struct strv lines = {0}, words = {0};
	struct topic_vars vars;
	size_t i;

	strv_split(&lines, rules, '\n');
	for (i = 0; i < lines.n; i++)
		strv_split(&words, lines.v[i], ' ');
	for (i = 0; i < words.n; i++) {
		const struct span *device = &vars.v[TOPIC_DEVICE_ID];

		if (topic_match(s->topics.status, span_of(words.v[i]), &vars) &&
		    topic_check_id(*device, "", NULL) == 0 &&
		    !has_other(s, others, *device))
			add_gone(s, w, *device, true);
	}
	strv_release(&words);
	strv_release(&lines);
}

/* Those that an earlier run could not correct, unless they are let in by now. */
static void
add_uncorrected(
    const struct sync *s, struct correcting *w, const struct hash_table *others)
{
	json_t *left =
	    json_object_get(json_object_get(s->sent.all, uncorrected), s->name);
	const char *device;
	json_t *one;

	json_object_foreach (left, device, one) {
		if (!has_other(s, others, span_of(device)))
			add_gone(s, w, span_of(device), true);
	}
}

static void
collect(const struct sync *s, struct correcting *w)
{
	struct hash_table others = {0};
	size_t i;

	collect_others(s, &others);
	for (i = 0; i < s->n; i++) {
		const struct sync_user *u = &s->v[i];

		const bool removed = (u->todo & SYNC_REMOVE) != 0 && u->there && u->done;

		if (!removed && !u->cut)
			continue;
		if (u->device != NULL)
			add_gone(s, w, span_of(u->device), removed);
		else if (u->rules_there != NULL)
			add_by_rules(s, w, &others, u->rules_there);
	}
	add_uncorrected(s, w, &others);
	hash_table_release(&others);
}

static void
remember(struct sync *s, const struct correcting *w, bool failed)
{
	json_t *all = json_object_get(s->sent.all, uncorrected), *left = json_object();
	size_t i;

	for (i = 0; i < w->n && failed; i++) {
		if (w->v[i].removed)
			json_object_set_new(left, w->v[i].device, json_true());
	}
	s->sent.changed |=
	    json_object_size(left) != 0 || json_object_get(all, s->name) != NULL;
	if (all == NULL && json_object_size(left) != 0)
		json_object_set_new(s->sent.all, uncorrected, all = json_object());
	json_object_del(all, s->name);
	if (json_object_size(left) != 0)
		json_object_set(all, s->name, left);
	json_decref(left);
}

static void
tell_who_may(const struct sync *s)
{
	const char *user = s->c->args->mqtt.username;
	char *filter = topic_filter(s->topics.status);

	if (user != NULL)
		log_warn(_("user '%s' has to be allowed to read and publish '%s': %s"),
		    user, filter, _(s->driver->let_read_and_publish));
	free(filter);
}

int
sync_correct(struct sync *s)
{
	static const struct one_shot_events events = {.up = on_up,
	    .subscribed = on_subscribed,
	    .published = on_published,
	    .message = on_message,
	    .late = on_late};
	struct correcting w = {0};
	struct target t = {0};
	struct session_opts o = {0};
	struct err err = {0};
	int failed = 0;
	size_t i;

	collect(s, &w);
	if (w.n != 0)
		failed = target_broker(s->c, s->name, &t, &err) ||
		    target_connection(s->c, &t, &o, &err) || ctl_loop(s->c, &err) ||
		    one_shot_run(&w.shot, s->c->loop, &o, &events, &w, PATIENCE, &err);
	if (failed)
		log_warn(_("devices whose connections were ended may go on saying that "
			   "they are connected: %s"),
		    err.text);
	if (failed && w.in && err.code == ERR_AUTH)
		tell_who_may(s);
	/* What the wills have said by now need not be said again. */
	failed = failed && !s->driver->sends_wills;
	remember(s, &w, failed);
	if (w.corrected != 0)
		ctl_say(s->c, _("statuses corrected: %zu"), w.corrected);
	for (i = 0; i < w.n; i++) {
		free(w.v[i].device);
		free(w.v[i].topic);
	}
	free(w.v);
	hash_table_release(&w.index);
	target_release(&t);
	return failed ? -1 : 0;
}
