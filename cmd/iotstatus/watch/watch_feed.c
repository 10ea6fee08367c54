/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/watch/watch_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer.h"

enum { CONNECT_AGAIN_MS = 5000 };

struct watch_feed {
	struct device_check *check;
	struct watch_model *model;
	struct consumer *consume; /* NULL: it could not be made, `again` is set */
	struct topic *templates[TRAFFICS];
	struct loop_timer again;
	bool unlisted; /* see watch_feed_found_unlisted */
	bool ready, settled;
	size_t kept; /* retained status messages since the last watch_feed_is_settled */
	char trouble[512]; /* "" or why there is no connection */
	void (*changed)(void *arg);
	void *arg;
};

static void
take_status(struct watch_feed *f, const struct msg *m, struct span id)
{
	struct device_table *fleet = f->model->fleet;
	struct device *d;
	struct device_seen s;

	if (m->payload.n == 0) {
		d = device_table_find(fleet, id);
		if (d != NULL)
			d->reported[VIEW_OTHER].known = false;
		return;
	}
	if (!source_message_read(m->payload, !m->retain, m->received_us, &s))
		return;
	d = device_table_get(fleet, id);
	/* What the broker kept is the past, no change that we see. */
	if (m->retain && !d->reported[VIEW_OTHER].known)
		watch_model_forget(f->model, (size_t)(d - fleet->v));
	f->kept += m->retain;
	d->reported[VIEW_OTHER] = s;
	f->unlisted |= !d->listed;
	f->changed(f->arg);
}

static void
take_sign_of_life(struct watch_feed *f, const struct msg *m, struct span id)
{
	struct device *d = id.p != NULL ? device_table_find(f->model->fleet, id) : NULL;

	if (d != NULL)
		d->reported[d->reported[VIEW_OTHER].known ? VIEW_OTHER : VIEW_SOURCE]
		    .seen = m->received_us;
}

static void
take(struct watch_feed *f, const struct msg *m)
{
	struct topic_vars vars;
	int t;

	for (t = 0; t < TRAFFICS; t++) {
		if (topic_match(f->templates[t], m->topic, &vars))
			break;
	}
	if (t == TRAFFICS)
		return;
	if (t == TRAFFIC_STATUS)
		take_status(f, m, vars.v[TOPIC_DEVICE_ID]);
	if (m->retain)
		return;
	f->model->traffic[t][f->model->second % WATCH_RATE_SECONDS]++;
	if (t == TRAFFIC_DATA)
		take_sign_of_life(f, m, vars.v[TOPIC_DEVICE_ID]);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct watch_feed *f = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		if (m[i].reject == NULL)
			take(f, &m[i]);
	}
	consumer_release(f->consume, token);
	consumer_ack(f->consume, token);
}

static void
on_up(void *arg, bool session_present)
{
	struct watch_feed *f = arg;

	(void)session_present;
	f->trouble[0] = '\0';
	f->changed(f->arg);
}

static void
on_ready(void *arg)
{
	struct watch_feed *f = arg;

	f->ready = true;
}

static void
on_down(void *arg, const struct err *why)
{
	struct watch_feed *f = arg;

	snprintf(f->trouble, sizeof(f->trouble), "%s", why->text);
	f->changed(f->arg);
}

/* Without statuses there is no picture, until there is another connection; without the rest it lacks a rate. */
static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	struct watch_feed *f = arg;
	char *status = topic_filter(f->templates[TRAFFIC_STATUS]);

	if (strcmp(filter, status) == 0)
		on_down(f, why);
	else
		log_info("%s", why->text);
	free(status);
}

/* A warning would stand in the middle of the screen. */
static void
on_part(void *arg)
{
	(void)arg;
}

static void on_ended(void *arg, const struct err *why);

static int
connect_broker(struct watch_feed *f, struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch,
	    .up = on_up,
	    .ready = on_ready,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	    .part = on_part,
	};
	struct consumer_filter filters[TRAFFICS];
	char *text[TRAFFICS];
	int t;

	consumer_free(f->consume);
	for (t = 0; t < TRAFFICS; t++) {
		text[t] = topic_filter(f->templates[t]);
		filters[t] = (struct consumer_filter){
		    .filter = text[t], .retain_handling = t == TRAFFIC_STATUS ? 0 : 2};
	}
	f->consume = consumer_new(
	    f->check->loop, &f->check->session, filters, TRAFFICS, &events, f, err);
	for (t = 0; t < TRAFFICS; t++)
		free(text[t]);
	if (f->consume == NULL)
		return -1;
	consumer_start(f->consume);
	return 0;
}

static void
on_again(void *arg)
{
	struct watch_feed *f = arg;
	struct err why = {0};

	if (connect_broker(f, &why))
		on_ended(f, &why);
}

/* What is final for one connection is worth another try: the picture stays, and says what is wrong. */
static void
on_ended(void *arg, const struct err *why)
{
	struct watch_feed *f = arg;

	on_down(f, why);
	loop_timer_set(f->check->loop, &f->again, CONNECT_AGAIN_MS, on_again, f);
}

struct watch_feed *
watch_feed_new(struct device_check *check, struct watch_model *m,
    void (*changed)(void *arg), void *arg, struct err *err)
{
	struct topic *const templates[TRAFFICS] = {
	    [TRAFFIC_STATUS] = check->topics.status,
	    [TRAFFIC_DATA] = check->topics.data,
	    [TRAFFIC_COMMANDS] = check->topics.commands,
	    [TRAFFIC_RESPONSES] = check->topics.responses,
	    [TRAFFIC_ALERTS] = check->topics.alerts,
	};
	struct watch_feed *f = xcalloc(1, sizeof(*f));

	*f = (struct watch_feed){
	    .check = check, .model = m, .changed = changed, .arg = arg};
	memcpy(f->templates, templates, sizeof(templates));
	check->session.retry = true;
	if (connect_broker(f, err)) {
		watch_feed_free(f);
		return NULL;
	}
	return f;
}

bool
watch_feed_is_settled(struct watch_feed *f)
{
	if (f == NULL)
		return true;
	f->settled |= f->consume == NULL || (f->ready && f->kept == 0);
	f->kept = 0;
	return f->settled;
}

bool
watch_feed_found_unlisted(struct watch_feed *f)
{
	bool found = f != NULL && f->unlisted;

	if (found)
		f->unlisted = false;
	return found;
}

const char *
watch_feed_trouble(const struct watch_feed *f)
{
	return f != NULL ? f->trouble : "";
}

void
watch_feed_free(struct watch_feed *f)
{
	if (f == NULL)
		return;
	loop_timer_stop(&f->again);
	consumer_free(f->consume);
	free(f);
}
