/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "iotstatus/source/source.h"

/*
 * How the broker is asked: one subscription to all status topics brings what it keeps, at once; when it has been
 * quiet for a second, or each device that the API lists has a status, that was all. A broker whose queue is full
 * drops the rest without a word (mosquitto's built-in limit is 1000 messages). So after CONSUMER_QUEUE of them all is
 * asked for again, in a new session, until that brings no device more; then the few that are missing, one topic
 * each. When the answers still differ, the fleet's number would be wrong, and there is none.
 */
enum {
	QUIET_MS = 1000,
	QUIET_LEAST_MS = 100, /* where the second was over before we began to wait */
	TOPICS_AT_ONCE = 500,
	ASKS_MOST = 5,
};

struct source_mqtt {
	struct loop *loop;
	struct source_mqtt_opts opts;
	struct device_table *fleet;
	struct consumer *consume;
	struct loop_timer quiet, deadline;
	bool waiting; /* in source_mqtt_wait */
	bool done;    /* it was quiet, or all that is wanted is here */
	bool over;    /* the connection has ended, or time is up */
	bool whole; /* it was quiet once: what follows only looks for what was dropped */
	bool ready; /* subscribed */
	int64_t
	    last_retained; /* loop_now() of the last retained message, or of `ready` */
	bool
	    has_list; /* the API's devices are known, `missing` of them have no status yet */
	size_t missing;
	size_t heard;    /* devices with a status */
	size_t retained; /* statuses that the present session brought */
	long unreadable;
	struct err err;
};

static void
finish(struct source_mqtt *l, bool over)
{
	l->done = true;
	l->over |= over;
	loop_stop(l->loop);
}

static void
on_quiet(void *arg)
{
	finish(arg, false);
}

static void
on_deadline(void *arg)
{
	struct source_mqtt *l = arg;

	if (!l->ready)
		err_set(&l->err, ERR_UNREACHABLE, _("broker '%s' did not answer in time"),
		    consumer_broker(l->consume));
	else if (!l->whole)
		err_set(&l->err, ERR_TIMEOUT,
		    _("broker '%s' was not quiet for a second before time was up: this "
		      "may "
		      "be a part of the fleet; allow more with --timeout, or say with "
		      "--wait "
		      "how long to collect"),
		    consumer_broker(l->consume));
	finish(l, true);
}

/* As long as it sends what it kept it is not quiet; devices that change meanwhile are no noise. While
 * the API was asked it may have been quiet for long, but what waits in the socket must be read. */
static void
await_quiet(struct source_mqtt *l)
{
	int64_t left = l->last_retained + QUIET_MS - loop_now(l->loop);

	if (l->opts.wait == 0 && l->ready && l->waiting)
		loop_timer_set(l->loop, &l->quiet,
		    left > QUIET_LEAST_MS ? left : QUIET_LEAST_MS, on_quiet, l);
}

/* One larger than a consumer takes (--max-packet of others) is rejected, and no word about its device. */
static void
take_status(struct source_mqtt *l, const struct msg *m, struct span id)
{
	struct device *d;
	struct device_seen s;
	bool first;

	if (m->reject == NULL && m->payload.n == 0) {
		d = device_table_find(l->fleet, id);
		if (d != NULL)
			d->reported[l->opts.view].known = false;
		return;
	}
	if (m->reject != NULL ||
	    !source_message_read(m->payload, !m->retain, m->received_us, &s)) {
		l->unreadable++;
		return;
	}
	l->retained += m->retain;
	d = device_table_get(l->fleet, id);
	first = !d->reported[l->opts.view].known;
	if (m->retain && s.seen < d->reported[l->opts.view].seen)
		s.seen = d->reported[l->opts.view].seen;
	d->reported[l->opts.view] = s;
	l->heard += first;
	if (first && d->listed && l->has_list && --l->missing == 0 && l->opts.wait == 0)
		finish(l, false);
}

/* Readings tell that it lives, not what it is. */
static void
take_data(struct source_mqtt *l, const struct msg *m, struct span id)
{
	struct device *d = m->retain ? NULL : device_table_find(l->fleet, id);

	if (d != NULL)
		d->reported[l->opts.view].seen = m->received_us;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct source_mqtt *l = arg;
	struct topic_vars vars;
	bool heard = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (topic_match(l->opts.topics->status, m[i].topic, &vars)) {
			take_status(l, &m[i], vars.v[TOPIC_DEVICE_ID]);
			heard |= m[i].retain;
		} else if (l->opts.data && m[i].reject == NULL &&
		    topic_match(l->opts.topics->data, m[i].topic, &vars)) {
			take_data(l, &m[i], vars.v[TOPIC_DEVICE_ID]);
		}
	}
	if (heard) {
		l->last_retained = loop_now(l->loop);
		await_quiet(l);
	}
	consumer_release(l->consume, token);
	consumer_ack(l->consume, token);
}

/* Nobody would ever know that nothing comes. */
static void
refuse_nothing_kept(struct source_mqtt *l)
{
	err_set(&l->err, ERR_PROTOCOL,
	    _("broker '%s' says that it keeps no retained messages, and so no statuses; "
	      "ask the API, or say with --wait how long to collect those that are sent"),
	    consumer_broker(l->consume));
	finish(l, true);
}

static void
on_ready(void *arg)
{
	struct source_mqtt *l = arg;

	l->ready = true;
	if (l->opts.wait == 0 && !consumer_retains(l->consume)) {
		refuse_nothing_kept(l);
		return;
	}
	l->last_retained = loop_now(l->loop);
	if (l->opts.wait != 0)
		loop_timer_set(l->loop, &l->quiet, l->opts.wait, on_quiet, l);
	await_quiet(l);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct source_mqtt *l = arg;

	l->err = *why;
	finish(l, true);
}

/* Without readings there are signs of life in the statuses; without statuses there is nothing to tell. */
static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	struct source_mqtt *l = arg;
	char *data = topic_filter(l->opts.topics->data);
	const bool is_data = l->opts.data && strcmp(filter, data) == 0;

	free(data);
	if (is_data) {
		log_warn("%s", why->text);
	} else if (!l->done) {
		l->err = *why;
		l->err.code = ERR_AUTH;
		finish(l, true);
	}
}

/* What it said so far may be half of it. */
static void
on_down(void *arg, const struct err *why)
{
	struct source_mqtt *l = arg;

	if (l->done)
		return;
	l->err = *why;
	finish(l, true);
}

/* Asked again by source_mqtt_wait: no warning. */
static void
on_part(void *arg)
{
	(void)arg;
}

static int
start(struct source_mqtt *l, const struct consumer_filter *filters, size_t n,
    struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch,
	    .ready = on_ready,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	    .part = on_part,
	};

	consumer_free(l->consume);
	l->ready = l->done = false;
	l->retained = 0;
	l->consume = consumer_new(l->loop, &l->opts.session, filters, n, &events, l, err);
	if (l->consume == NULL)
		return -1;
	consumer_start(l->consume);
	return 0;
}

/* At QoS 0 a broker sends what it keeps without waiting for us in between. */
static int
start_broad(struct source_mqtt *l, struct err *err)
{
	char *status = topic_filter(l->opts.topics->status);
	char *data = topic_filter(l->opts.topics->data);
	const struct consumer_filter filters[] = {
	    {.filter = status}, {.filter = data, .retain_handling = 2}};
	int failed = start(l, filters, l->opts.data ? 2 : 1, err);

	free(status);
	free(data);
	return failed;
}

struct source_mqtt *
source_mqtt_new(struct loop *loop, const struct source_mqtt_opts *opts,
    struct device_table *f, struct err *err)
{
	struct source_mqtt *l = xcalloc(1, sizeof(*l));

	*l = (struct source_mqtt){.loop = loop, .opts = *opts, .fleet = f};
	if (start_broad(l, err)) {
		source_mqtt_free(l);
		return NULL;
	}
	return l;
}

/* How many of the API's devices have no status yet. */
static void
count_missing(struct source_mqtt *l)
{
	size_t i;

	l->missing = 0;
	l->has_list = false;
	for (i = 0; i < l->fleet->n; i++) {
		l->has_list |= l->fleet->v[i].listed;
		l->missing +=
		    l->fleet->v[i].listed && !l->fleet->v[i].reported[l->opts.view].known;
	}
}

static int
collect(struct source_mqtt *l, struct err *err)
{
	int64_t left = l->opts.until - loop_now(l->loop);

	count_missing(l);
	if (l->has_list && l->missing == 0 && l->opts.wait == 0)
		l->done = true;
	l->waiting = true;
	loop_timer_set(l->loop, &l->deadline, left > 0 ? left : 0, on_deadline, l);
	await_quiet(l);
	while (!l->done) {
		if (loop_run(l->loop, err))
			return -1;
	}
	l->waiting = false;
	l->whole = true;
	loop_timer_stop(&l->quiet);
	loop_timer_stop(&l->deadline);
	if (l->err.code == ERR_OK)
		return 0;
	*err = l->err;
	return -1;
}

/* The topics of up to `most` devices, from the *at'th on, that have no status yet. */
static size_t
missing_topics(struct source_mqtt *l, size_t *at, char **topics, size_t most)
{
	size_t n = 0;

	for (; *at < l->fleet->n && n < most; (*at)++) {
		const struct device *d = &l->fleet->v[*at];
		struct topic_vars vars = {0};

		vars.v[TOPIC_DEVICE_ID] = span_of(d->id);
		if (d->listed && !d->reported[l->opts.view].known &&
		    topic_expand(l->opts.topics->status, &vars, &topics[n], NULL) == 0)
			n++;
	}
	return n;
}

static int
ask_one_by_one(struct source_mqtt *l, struct err *err)
{
	char *topics[TOPICS_AT_ONCE];
	struct consumer_filter filters[TOPICS_AT_ONCE];
	size_t at = 0, n = missing_topics(l, &at, topics, TOPICS_AT_ONCE), i;
	int failed;

	for (i = 0; i < n; i++)
		filters[i] = (struct consumer_filter){.filter = topics[i]};
	failed = n > 0 && (start(l, filters, n, err) || collect(l, err));
	for (i = 0; i < n; i++)
		free(topics[i]);
	return failed ? -1 : 0;
}

/* Some devices may take their status back between two answers. */
static bool
is_complete(const struct source_mqtt *l)
{
	return l->retained * 100 >= l->heard * 99;
}

/* A broker that drops what does not fit into its queue says nothing of it; but then its answers differ. */
static int
refuse_part(const struct source_mqtt *l, struct err *err)
{
	return err_set(err, ERR_PROTOCOL,
	    P_("broker '%s' sent only %zu of the %zu status, or more, that it keeps: its "
	       "queue is too short for them (mosquitto: max_queued_messages; EMQX: "
	       "mqtt.max_mqueue_len); ask the API",
		"broker '%s' sent only %zu of the %zu statuses, or more, that it keeps: "
		"its queue is too short for them (mosquitto: max_queued_messages; EMQX: "
		"mqtt.max_mqueue_len); ask the API",
		l->heard),
	    consumer_broker(l->consume), l->retained, l->heard);
}

/* Asks for everything again as long as that brings news, then for the few that are left. */
static int
ask_again(struct source_mqtt *l, struct err *err)
{
	size_t before, heard = l->heard;
	int failed = 0, asks = 1;

	if (heard < CONSUMER_QUEUE || l->opts.wait != 0)
		return 0;
	do {
		before = l->heard;
		if (l->over || (l->has_list && l->missing == 0))
			return 0;
		failed = start_broad(l, err) || collect(l, err);
		asks++;
	} while (!failed && (l->heard > before || (!is_complete(l) && asks < ASKS_MOST)));
	if (failed || l->over || (l->has_list && l->missing == 0))
		return failed;
	if (l->has_list && l->missing <= TOPICS_AT_ONCE)
		return ask_one_by_one(l, err);
	return is_complete(l) ? 0 : refuse_part(l, err);
}

int
source_mqtt_wait(struct source_mqtt *l, struct err *err)
{
	int failed = collect(l, err) || ask_again(l, err);

	if (l->unreadable > 0)
		log_warn(P_("%ld status message could not be read",
			     "%ld status messages could not be read", l->unreadable),
		    l->unreadable);
	return failed ? -1 : 0;
}

void
source_mqtt_free(struct source_mqtt *l)
{
	if (l == NULL)
		return;
	loop_timer_stop(&l->quiet);
	loop_timer_stop(&l->deadline);
	consumer_free(l->consume);
	free(l);
}
