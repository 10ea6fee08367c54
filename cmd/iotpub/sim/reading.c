/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "iotpub/values/model.h"

/* When a run with --seed begins: the date of the guide's example. */
enum { SEED_TIME = 1760000000 };

static void
warn_if_large(struct readings *r, size_t n)
{
	bool *warned = &r->config->shared->warned;

	if (n <= LARGE_PAYLOAD || *warned)
		return;
	*warned = true;
	log_warn(_("%s: a reading of %zu bytes: keep them under 1 KB where you can"),
	    r->id, n);
}

/* ms from the first reading to the next one by the plan: readings that were skipped or late do not move it. */
static int64_t
planned(const struct readings *r)
{
	return r->sent * r->profile->interval;
}

int64_t
reading_time(const struct readings *r)
{
	return r->config->args->seed == 0 ? time(NULL) : SEED_TIME + planned(r) / 1000;
}

/* The ESP32's timestamp is millis(): since it was started. */
static int64_t
timestamp_of(const struct readings *r)
{
	const struct reading_config *c = r->config;

	if (c->payload->shape != PAYLOAD_FLAT)
		return reading_time(r);
	return c->args->seed != 0 ? planned(r) : loop_now(c->loop) - c->began;
}

/* NULL: there can be none. */
static const char *
topic_of(struct readings *r)
{
	const struct topic *topic = r->profile->data;

	if (r->topic != NULL && !topic_has(topic, TOPIC_TIMESTAMP))
		return r->topic;
	free(r->topic);
	r->topic = NULL;
	profile_topic(topic, r->id, reading_time(r), &r->topic, NULL);
	return r->topic;
}

static bool
has_properties(struct readings *r)
{
	return r->config->events->has_properties(r);
}

static bool
strikes(struct readings *r, enum fault which)
{
	return fault_strikes(&r->config->shared->faults, which, &r->fault_random);
}

/* With --verify the messages of MQTT 5 carry their number and time beside the payload. `seq` 0: this one
 * has no number. */
static void
send(struct readings *r, struct span payload, uint64_t seq)
{
	char number[24], time[24];
	struct span user[4] = {SPAN("_seq"), {number, 0}, SPAN("_ts"), {time, 0}};
	const struct msg_props props = {.user = user, .users = 2};
	struct session_pub p = {.topic = topic_of(r),
	    .payload = payload,
	    .qos = r->profile->qos,
	    .retain = r->profile->retain};

	if (p.topic == NULL)
		return;
	if (seq > 0 && has_properties(r)) {
		user[1].n = (size_t)snprintf(
		    number, sizeof(number), "%llu", (unsigned long long)seq);
		user[3].n = (size_t)snprintf(
		    time, sizeof(time), "%lld", (long long)clock_wall_us());
		p.props = &props;
	}
	r->config->events->publish(r, &p);
}

/* Over 3.1.1 the stamp is in the payload, where garbage has none. */
static void
send_counted(struct readings *r, struct span payload, uint64_t seq, bool garbage)
{
	send(r, payload, seq);
	if (seq > 0 && (!garbage || has_properties(r)))
		r->config->shared->stamped++;
	if (strikes(r, FAULT_DUPLICATE))
		send(r, payload, seq);
}

void
reading_flush(struct readings *r)
{
	if (r->late.n > 0 && r->config->events->can_send(r))
		send_counted(r, buf_as_span(&r->late), r->late_seq, false);
	buf_clear(&r->late);
}

static void
make_payload(struct readings *r, struct buf *payload, uint64_t seq)
{
	const struct draw draw = {
	    &r->value_random, (uint64_t)r->sent, planned(r), r->walks};
	struct payload_stamp stamp = {.seq = seq};
	struct measured m = {.device = r->id,
	    .sensors = r->profile->sensors,
	    .draw = &draw,
	    .timestamp = timestamp_of(r)};

	if (strikes(r, FAULT_WRONG_ID))
		m.device = r->config->events->other_id(r);
	if (seq > 0 && !has_properties(r)) {
		stamp.us = clock_wall_us();
		m.stamp = &stamp;
	}
	payload_reading(payload, r->config->payload, &m);
	warn_if_large(r, payload->n);
}

/* A late one goes behind the next one. */
static void
publish_reading(struct readings *r)
{
	bool drop = strikes(r, FAULT_DROP);
	uint64_t seq = r->config->stamps && !drop ? ++r->numbered : 0;
	struct buf *payload = &r->config->shared->payload;
	bool garbage;

	buf_clear(payload);
	make_payload(r, payload, seq);
	garbage = strikes(r, FAULT_GARBAGE);
	if (garbage)
		fault_mutilate(payload, &r->fault_random);
	if (drop) {
		buf_clear(payload);
	} else if (r->late.n == 0 && strikes(r, FAULT_LATE)) {
		buf_span(&r->late, buf_as_span(payload));
		r->late_seq = garbage && !has_properties(r) ? 0 : seq;
	} else {
		send_counted(r, buf_as_span(payload), seq, garbage);
		reading_flush(r);
	}
	r->sent++;
	if (strikes(r, FAULT_FLAP))
		r->config->events->flap(r);
}

static void on_due(void *arg);

static void
wait_for_due(struct readings *r, int64_t now)
{
	const struct reading_config *c = r->config;
	double jitter = model_random_part(&r->jitter_random) * (double)c->args->jitter;

	loop_timer_set(c->loop, &r->timer, r->due - now + (int64_t)jitter, on_due, r);
}

/* Readings keep their pace: what the publishing takes does not add up, and what could not be sent
 * is not made up for in a burst. */
static void
on_due(void *arg)
{
	struct readings *r = arg;
	const struct reading_config *c = r->config;
	int64_t now = loop_now(c->loop);

	if (c->events->can_publish(r))
		publish_reading(r);
	if (c->args->count != 0 && r->sent >= c->args->count) {
		c->events->complete(r);
		return;
	}
	r->due += r->profile->interval;
	if (r->due < now)
		r->due = now + r->profile->interval;
	wait_for_due(r, now);
}

/* Devices that were all switched on at one time would go on publishing at one time: their first
 * readings are spread over an interval, unless there is but one each. */
void
reading_begin(struct readings *r, size_t number, size_t fleet)
{
	const struct args *a = r->config->args;
	int64_t now = loop_now(r->config->loop);

	r->due = now;
	if (a->count != 1)
		r->due += r->profile->interval * (int64_t)number / (int64_t)fleet;
	if (r->due == now && a->jitter == 0)
		on_due(r);
	else
		wait_for_due(r, now);
}

void
reading_change(struct readings *r, bool running)
{
	const int64_t now = loop_now(r->config->loop);

	free(r->topic);
	r->topic = NULL;
	free(r->walks);
	r->walks = sensors_walks(r->profile->sensors);
	if (!running)
		return;
	r->due = now + r->profile->interval;
	wait_for_due(r, now);
}

void
reading_stop(struct readings *r)
{
	loop_timer_stop(&r->timer);
}

int
reading_init(struct readings *r, const struct reading_config *config, size_t number,
    const char *id, const struct profile *profile, struct err *err)
{
	*r = (struct readings){.config = config,
	    .id = id,
	    .profile = profile,
	    .walks = sensors_walks(profile->sensors),
	    .value_random = model_random_start(config->seed, number),
	    .jitter_random = model_random_start(~config->seed, number),
	    .fault_random = model_random_start(config->seed ^ 0x5555, number)};
	return profile_topic(profile->data, id, 0, &r->topic, err);
}

void
reading_release(struct readings *r)
{
	reading_stop(r);
	free(r->topic);
	free(r->walks);
	buf_release(&r->late);
}
