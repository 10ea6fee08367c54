/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The readings of a device, each at its time. */
#include <stdlib.h>

#include "act.h"
#include "base/log.h"
#include "base/text.h"

/* More readings than this without an acknowledgement: none is made until some arrive. */
enum { WINDOW = 1000 };

static void
warn_if_large(struct device *d, size_t n)
{
	if (n <= LARGE_PAYLOAD || d->act->warned)
		return;
	d->act->warned = true;
	log_warn(_("%s: a reading of %zu bytes: keep them under 1 KB where you can"),
	    d->id, n);
}

/* When the plan has it: what was skipped or came late moves nothing. */
static int64_t
planned(const struct device *d)
{
	return d->sent * d->profile->interval;
}

/* The ESP32's timestamp is millis(): since it was started. */
static int64_t
timestamp_of(const struct device *d)
{
	const struct act *t = d->act;

	if (t->payload.shape != PAYLOAD_FLAT)
		return device_time(d);
	return t->a->seed != 0 ? planned(d) : loop_now(t->loop) - t->began;
}

static void
publish_reading(struct device *d)
{
	const struct draw draw = {&d->random, (uint64_t)d->sent, planned(d), d->walks};
	const struct measured reading = {.device = d->id,
	    .sensors = d->profile->sensors,
	    .draw = &draw,
	    .timestamp = timestamp_of(d)};
	struct session_pub p = {.qos = d->profile->qos, .retain = d->profile->retain};
	struct buf payload = {0};
	char *topic = NULL;

	payload_reading(&payload, &d->act->payload, &reading);
	warn_if_large(d, payload.n);
	if (device_expand(d->profile->data, d->id, device_time(d), &topic, NULL) == 0) {
		p.topic = topic;
		p.payload = buf_as_span(&payload);
		device_publish(d, &p);
	}
	d->sent++;
	free(topic);
	buf_release(&payload);
}

static bool
can_publish(const struct device *d)
{
	return session_unacknowledged(d->session) < WINDOW &&
	    (d->profile->qos > 0 || session_is_up(d->session));
}

static void on_due(void *arg);

static void
wait_for_due(struct device *d, int64_t now)
{
	double jitter = random_part(&d->timing) * (double)d->act->a->jitter;

	loop_timer_set(
	    d->act->loop, &d->timer, d->due - now + (int64_t)jitter, on_due, d);
}

/* Readings keep their pace: what the publishing takes does not add up, and what could not be sent
 * is not made up for in a burst. */
static void
on_due(void *arg)
{
	struct device *d = arg;
	const struct args *a = d->act->a;
	int64_t now = loop_now(d->act->loop);

	if (can_publish(d))
		publish_reading(d);
	if (a->count != 0 && d->sent >= a->count) {
		device_finish(d, false);
		return;
	}
	d->due += d->profile->interval;
	if (d->due < now)
		d->due = now + d->profile->interval;
	wait_for_due(d, now);
}

/* Devices that were all switched on at one time would go on publishing at one time: their first
 * readings are spread over an interval, unless there is but one each. */
void
reading_begin(struct device *d)
{
	const struct act *t = d->act;
	int64_t now = loop_now(t->loop);

	d->due = now;
	if (t->a->count != 1)
		d->due += d->profile->interval * (int64_t)(d - t->v) / (int64_t)t->n;
	if (d->due == now && t->a->jitter == 0)
		on_due(d);
	else
		wait_for_due(d, now);
}
