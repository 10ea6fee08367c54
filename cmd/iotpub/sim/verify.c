/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/latency.h"

struct verify {
	struct sim *act;
	struct consumer *consume;
	const struct sim_device **devices; /* by id */
	const struct topic **topics;       /* that they publish to, each once */
	size_t topics_n;
	struct latency tally;
	void (*ready)(struct sim *t);
	void (*done)(struct sim *t);
	struct loop_timer timer;
	bool is_ready, finishing;
};

static int
by_id(const void *a, const void *b)
{
	const struct sim_device *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static const struct sim_device *
find_device(const struct verify *v, struct span id)
{
	size_t from = 0, to = v->act->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const char *other = v->devices[middle]->id;
		int order = strncmp(id.p, other, id.n);

		if (order == 0 && other[id.n] == '\0')
			return v->devices[middle];
		if (order > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static bool
same_topic(const struct topic *a, const struct topic *b)
{
	return strcmp(topic_text(a), topic_text(b)) == 0;
}

static bool
take_number(struct span text, int64_t *out)
{
	char digits[24];
	long value;

	if (text.n >= sizeof(digits))
		return false;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	if (text_int(digits, 1, INT64_MAX, "", &value, NULL))
		return false;
	*out = value;
	return true;
}

/* From the user properties, over 3.1.1 from the payload. */
static bool
take_stamp(const struct msg *m, int64_t *seq, int64_t *us)
{
	struct span number = {0}, time = {0}, o;
	size_t i;

	for (i = 0; i < m->props.users; i++) {
		if (span_is(m->props.user[2 * i], "_seq"))
			number = m->props.user[2 * i + 1];
		else if (span_is(m->props.user[2 * i], "_ts"))
			time = m->props.user[2 * i + 1];
	}
	if (number.p == NULL && json_check(m->payload, &o, NULL) &&
	    json_kind(o) == JSON_KIND_OBJECT) {
		json_member(o, "_seq", &number);
		json_member(o, "_ts", &time);
	}
	return number.p != NULL && time.p != NULL && take_number(number, seq) &&
	    take_number(time, us);
}

/* Who published it; one topic may match what another one's device says. */
static const struct sim_device *
sender(const struct verify *v, struct span topic)
{
	size_t i;

	for (i = 0; i < v->topics_n; i++) {
		struct topic_vars vars = {0};
		const struct sim_device *d;

		if (!topic_match(v->topics[i], topic, &vars))
			continue;
		d = find_device(v, vars.v[TOPIC_DEVICE_ID]);
		if (d != NULL && same_topic(d->profile->data, v->topics[i]))
			return d;
	}
	return NULL;
}

static void
look_at(struct verify *v, const struct msg *m)
{
	const struct sim_device *d;
	int64_t seq, us;

	if (m->retain || m->reject != NULL || !take_stamp(m, &seq, &us))
		return;
	d = sender(v, m->topic);
	if (d != NULL)
		latency_take(&v->tally, (size_t)(d - v->act->v), (uint64_t)seq,
		    m->received_us - us);
}

static void
finish(void *arg)
{
	struct verify *v = arg;

	loop_timer_stop(&v->timer);
	v->done(v->act);
}

static bool
has_all(const struct verify *v)
{
	return v->tally.received >= v->tally.sent;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct verify *v = arg;
	size_t i;

	for (i = 0; i < n; i++)
		look_at(v, &m[i]);
	consumer_ack(v->consume, token);
	if (v->finishing && has_all(v))
		loop_timer_set(v->act->loop, &v->timer, 0, finish, v);
}

static void
on_down(void *arg, const struct err *why)
{
	(void)arg;
	log_warn(_("--verify: %s"), why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct verify *v = arg;
	struct sim *t = v->act;

	if (why->code != ERR_OK && t->err->code == ERR_OK) {
		*t->err = *why;
		err_in(t->err, "--verify");
	}
	sim_cut(t);
}

static void
on_ready(void *arg)
{
	struct verify *v = arg;

	if (!v->is_ready)
		v->ready(v->act);
	v->is_ready = true;
}

static int
most_qos(const struct sim *t)
{
	int qos = 0;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->v[i].profile->qos > qos)
			qos = t->v[i].profile->qos;
	}
	return qos;
}

/* Its login is the connection's; without one, the first device's. */
static int
connect_to(struct verify *v, struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch, .down = on_down, .ended = on_ended, .ready = on_ready};
	struct sim *t = v->act;
	struct consumer_filter *filters = xcalloc(v->topics_n, sizeof(*filters));
	struct session_opts o = t->opts;
	char id[32];
	size_t i;

	for (i = 0; i < v->topics_n; i++)
		filters[i] =
		    (struct consumer_filter){.filter = topic_filter(v->topics[i]),
			.qos = most_qos(t),
			.retain_handling = 2};

	snprintf(id, sizeof(id), "iot-verify-%08x", (unsigned)random_number());
	inventory_login(t, t->v[0].profile, &o);
	if (o.username == NULL)
		sim_device_login(&t->v[0], &o);
	o.client_id = id;
	o.clean = true;
	o.hold_acks = false;
	v->consume = consumer_new(t->loop, &o, filters, v->topics_n, &events, v, err);
	for (i = 0; i < v->topics_n; i++)
		free((char *)(uintptr_t)filters[i].filter);
	free(filters);
	if (v->consume == NULL)
		return -1;
	consumer_start(v->consume);
	return 0;
}

static int
take_topic(struct verify *v, const struct sim_device *d, struct err *err)
{
	const struct topic *topic = d->profile->data;
	size_t i = 0;

	while (i < v->topics_n && !same_topic(v->topics[i], topic))
		i++;
	if (i < v->topics_n)
		return 0;
	if (!topic_has(topic, TOPIC_DEVICE_ID))
		return err_set(err, ERR_USAGE,
		    _("--verify: the topic '%s' of '%s' does not say which device "
		      "published: it has no {device_id}"),
		    topic_text(topic), d->id);
	v->topics[v->topics_n++] = topic;
	return 0;
}

/* It is one connection, and changes would move its topics. */
static int
check_reach(const struct sim *t, struct err *err)
{
	size_t i;

	if (t->a->refresh > 0)
		return err_set(err, ERR_USAGE,
		    _("--verify counts what is known at the beginning: not with "
		      "--refresh"));
	for (i = 1; i < t->n; i++) {
		if (inventory_broker(t, t->v[0].profile) !=
		    inventory_broker(t, t->v[i].profile))
			return err_set(err, ERR_USAGE,
			    _("--verify looks at one broker, and '%s' is at another than "
			      "'%s': name the devices of one"),
			    t->v[i].id, t->v[0].id);
	}
	return 0;
}

int
verify_start(struct sim *t, void (*ready)(struct sim *t), struct err *err)
{
	struct verify *v;
	size_t i;

	if (check_reach(t, err))
		return -1;
	t->verify = v = xcalloc(1, sizeof(*v));
	v->act = t;
	v->ready = ready;
	v->devices = xcalloc(t->n, sizeof(struct sim_device *));
	for (i = 0; i < t->n; i++)
		v->devices[i] = &t->v[i];
	qsort(v->devices, t->n, sizeof(*v->devices), by_id);
	latency_init(&v->tally, t->n);
	v->topics = xcalloc(t->n, sizeof(struct topic *));
	for (i = 0; i < t->n; i++) {
		if (take_topic(v, &t->v[i], err))
			return -1;
	}
	return connect_to(v, err);
}

void
verify_sent(struct verify *v)
{
	v->tally.sent++;
}

void
verify_finish(struct verify *v, void (*done)(struct sim *t))
{
	if (v->finishing)
		return;
	v->finishing = true;
	v->done = done;
	loop_timer_set(
	    v->act->loop, &v->timer, has_all(v) ? 0 : v->act->a->drain, finish, v);
}

int
verify_judge(const struct verify *v, struct err *err)
{
	const struct args *a = v->act->a;
	const struct latency *t = &v->tally;
	const uint64_t lost = latency_lost(t);
	const double p99 = (double)latency_delay(t, 0.99) / 1000;

	printf(
	    "sent %llu received %llu lost %llu duplicated %llu p50 %.3g ms p99 %.3g ms\n",
	    (unsigned long long)t->sent, (unsigned long long)t->received,
	    (unsigned long long)lost, (unsigned long long)t->duplicated,
	    (double)latency_delay(t, 0.5) / 1000, p99);
	if (a->max_lost >= 0 && lost > (uint64_t)a->max_lost)
		return err_set(err, ERR_FAILED,
		    _("%llu messages were lost, and --max-lost is %d"),
		    (unsigned long long)lost, a->max_lost);
	if (a->max_p99 > 0 && (t->received == 0 || p99 > (double)a->max_p99))
		return err_set(err, ERR_FAILED,
		    _("1 %% of the messages took longer than %.3g ms, and --max-p99 is "
		      "%lld ms"),
		    p99, (long long)a->max_p99);
	return 0;
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	loop_timer_stop(&v->timer);
	consumer_free(v->consume);
	latency_release(&v->tally);
	free(v->devices);
	free(v->topics);
	free(v);
}
