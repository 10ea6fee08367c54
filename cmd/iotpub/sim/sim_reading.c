/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The readings of a device, each at its time. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "iotpub/sim/sim.h"
#include "iotpub/sim/verify.h"

/* More readings than this without an acknowledgement: none is made until some arrive. */
enum { WINDOW = 1000 };

static void
warn_if_large(struct sim_device *d, size_t n)
{
	if (n <= LARGE_PAYLOAD || d->act->warned)
		return;
	d->act->warned = true;
	log_warn(_("%s: a reading of %zu bytes: keep them under 1 KB where you can"),
	    d->id, n);
}

/* When the plan has it: what was skipped or came late moves nothing. */
static int64_t
planned(const struct sim_device *d)
{
	return d->sent * d->profile->interval;
}

/* The ESP32's timestamp is millis(): since it was started. */
static int64_t
timestamp_of(const struct sim_device *d)
{
	const struct sim *t = d->act;

	if (t->payload.shape != PAYLOAD_FLAT)
		return sim_device_time(d);
	return t->a->seed != 0 ? planned(d) : loop_now(t->loop) - t->began;
}

/* NULL: there can be none. */
static const char *
topic_of(struct sim_device *d)
{
	const struct topic *topic = d->profile->data;

	if (d->data_topic != NULL && !topic_has(topic, TOPIC_TIMESTAMP))
		return d->data_topic;
	free(d->data_topic);
	d->data_topic = NULL;
	sim_device_expand(topic, d->id, sim_device_time(d), &d->data_topic, NULL);
	return d->data_topic;
}

/* With --verify the messages of MQTT 5 carry their number and time beside the payload. */
static void
send(struct sim_device *d, struct span payload, uint64_t seq)
{
	const struct profile *as = d->profile;
	char number[24], time[24];
	struct span user[4] = {SPAN("_seq"), {number, 0}, SPAN("_ts"), {time, 0}};
	const struct msg_props props = {.user = user, .users = 2};
	struct session_pub p = {.topic = topic_of(d),
	    .payload = payload,
	    .qos = as->qos,
	    .retain = as->retain};

	if (p.topic == NULL)
		return;
	if (seq > 0 && session_version(d->session) == 5) {
		user[1].n = (size_t)snprintf(
		    number, sizeof(number), "%llu", (unsigned long long)seq);
		user[3].n = (size_t)snprintf(
		    time, sizeof(time), "%lld", (long long)clock_wall_us());
		p.props = &props;
	}
	sim_device_publish(d, &p);
}

/* Over 3.1.1 the stamp is in the payload, where garbage has none. */
static void
send_counted(struct sim_device *d, struct span payload, uint64_t seq, bool garbage)
{
	struct sim *t = d->act;

	send(d, payload, seq);
	if (seq > 0 && (!garbage || session_version(d->session) == 5))
		verify_sent(t->verify);
	if (fault_strikes(&t->faults, FAULT_DUPLICATE, &d->mischief))
		send(d, payload, seq);
}

void
sim_reading_flush(struct sim_device *d)
{
	if (d->late.n > 0 && (d->profile->qos > 0 || session_is_up(d->session)))
		send_counted(d, buf_as_span(&d->late), d->late_seq, false);
	buf_clear(&d->late);
}

static const char *
another_id(const struct sim_device *d)
{
	const struct sim *t = d->act;

	return t->n > 1 ? t->v[((size_t)(d - t->v) + 1) % t->n].id : "UNKNOWN";
}

static void
make_payload(struct sim_device *d, struct buf *payload, uint64_t seq)
{
	struct sim *t = d->act;
	const struct draw draw = {&d->random, (uint64_t)d->sent, planned(d), d->walks};
	struct payload_stamp stamp = {.seq = seq};
	struct measured m = {.device = d->id,
	    .sensors = d->profile->sensors,
	    .draw = &draw,
	    .timestamp = timestamp_of(d)};

	if (fault_strikes(&t->faults, FAULT_WRONG_ID, &d->mischief))
		m.device = another_id(d);
	if (seq > 0 && session_version(d->session) != 5) {
		stamp.us = clock_wall_us();
		m.stamp = &stamp;
	}
	payload_reading(payload, &t->payload, &m);
	warn_if_large(d, payload->n);
}

/* A late one goes behind the next one. */
static void
publish_reading(struct sim_device *d)
{
	struct faults *f = &d->act->faults;
	bool drop = fault_strikes(f, FAULT_DROP, &d->mischief);
	uint64_t seq = d->act->verify != NULL && !drop ? ++d->stamped : 0;
	struct buf *payload = &d->act->reading;
	bool garbage;

	buf_clear(payload);
	make_payload(d, payload, seq);
	garbage = fault_strikes(f, FAULT_GARBAGE, &d->mischief);
	if (garbage)
		fault_mutilate(payload, &d->mischief);
	if (drop) {
		buf_clear(payload);
	} else if (d->late.n == 0 && fault_strikes(f, FAULT_LATE, &d->mischief)) {
		buf_span(&d->late, buf_as_span(payload));
		d->late_seq = garbage && session_version(d->session) != 5 ? 0 : seq;
	} else {
		send_counted(d, buf_as_span(payload), seq, garbage);
		sim_reading_flush(d);
	}
	d->sent++;
	if (fault_strikes(f, FAULT_FLAP, &d->mischief))
		sim_device_flap(d);
}

static bool
can_publish(const struct sim_device *d)
{
	return !d->flapping && !d->moving &&
	    session_unacknowledged(d->session) < WINDOW &&
	    (d->profile->qos > 0 || session_is_up(d->session));
}

static void on_due(void *arg);

static void
wait_for_due(struct sim_device *d, int64_t now)
{
	double jitter = model_random_part(&d->timing) * (double)d->act->a->jitter;

	loop_timer_set(
	    d->act->loop, &d->timer, d->due - now + (int64_t)jitter, on_due, d);
}

/* Readings keep their pace: what the publishing takes does not add up, and what could not be sent
 * is not made up for in a burst. */
static void
on_due(void *arg)
{
	struct sim_device *d = arg;
	const struct args *a = d->act->a;
	int64_t now = loop_now(d->act->loop);

	if (can_publish(d))
		publish_reading(d);
	if (a->count != 0 && d->sent >= a->count) {
		sim_device_finish(d, false);
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
sim_reading_begin(struct sim_device *d)
{
	const struct sim *t = d->act;
	int64_t now = loop_now(t->loop);

	d->due = now;
	if (t->a->count != 1)
		d->due += d->profile->interval * (int64_t)(d - t->v) / (int64_t)t->n;
	if (d->due == now && t->a->jitter == 0)
		on_due(d);
	else
		wait_for_due(d, now);
}

void
sim_reading_change(struct sim_device *d)
{
	const int64_t now = loop_now(d->act->loop);

	free(d->data_topic);
	d->data_topic = NULL;
	free(d->walks);
	d->walks = sensors_walks(d->profile->sensors);
	if (!d->was_up || d->leaving)
		return;
	d->due = now + d->profile->interval;
	wait_for_due(d, now);
}
