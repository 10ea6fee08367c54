/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/latency.h"

/* Where some of the devices are. */
struct place {
	struct verify *verify;
	const struct device *first; /* of those that are there */
	struct consumer *consume;
	bool is_ready;
	bool away; /* which was told */
};

struct verify {
	struct loop *loop;
	const struct args *args;
	const struct roster *roster;
	struct place *places; /* one a broker */
	size_t places_n, ready;
	const struct device **devices; /* by id */
	size_t n;
	const struct topic **topics; /* that they publish to, each once */
	size_t topics_n;
	struct latency tally;
	const struct verify_events *events;
	void *arg;
	struct loop_timer timer;
	bool finishing;
};

static int
by_id(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;

	return strcmp(device_id(*x), device_id(*y));
}

static const struct device *
find_device(const struct verify *v, struct span id)
{
	size_t from = 0, to = v->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const char *other = device_id(v->devices[middle]);
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

	if (text.n >= sizeof(digits))
		return false;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	return text_int(digits, 1, INT64_MAX, "", out, NULL) == 0;
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

static bool
is_at(const struct device *d, const struct place *place)
{
	return device_profile(d)->broker == device_profile(place->first)->broker;
}

/* Who published it; one topic may match what another one's device says. */
static const struct device *
sender(const struct place *place, struct span topic)
{
	const struct verify *v = place->verify;
	size_t i;

	for (i = 0; i < v->topics_n; i++) {
		struct topic_vars vars = {0};
		const struct device *d;

		if (!topic_match(v->topics[i], topic, &vars))
			continue;
		d = find_device(v, vars.v[TOPIC_DEVICE_ID]);
		if (d != NULL && is_at(d, place) &&
		    same_topic(device_profile(d)->data, v->topics[i]))
			return d;
	}
	return NULL;
}

static void
look_at(const struct place *place, const struct msg *m)
{
	const struct device *d;
	int64_t seq, us;

	if (m->retain || m->reject != NULL || !take_stamp(m, &seq, &us))
		return;
	d = sender(place, m->topic);
	if (d != NULL)
		latency_take(&place->verify->tally, device_number(d), (uint64_t)seq,
		    m->received_us - us);
}

static void
finish(void *arg)
{
	struct verify *v = arg;

	loop_timer_stop(&v->timer);
	v->events->done(v->arg);
}

static bool
has_all(const struct verify *v)
{
	return v->tally.received >= v->tally.sent;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	const struct place *place = arg;
	struct verify *v = place->verify;
	size_t i;

	for (i = 0; i < n; i++)
		look_at(place, &m[i]);
	consumer_ack(place->consume, token);
	if (v->finishing && has_all(v))
		loop_timer_set(v->loop, &v->timer, 0, finish, v);
}

static void
on_up(void *arg, bool session_present)
{
	struct place *place = arg;

	(void)session_present;
	if (place->away)
		log_warn(_("--verify: connected again, to broker %s"),
		    consumer_where(place->consume).text);
	place->away = false;
}

static void
on_down(void *arg, const struct err *why)
{
	struct place *place = arg;

	place->away = true;
	log_warn(_("--verify: %s"), why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	const struct place *place = arg;

	place->verify->events->failed(place->verify->arg, why);
}

static bool
is_used_at(const struct place *place, const char *filter)
{
	const struct verify *v = place->verify;
	bool used = false;
	size_t i;

	for (i = 0; i < v->n && !used; i++) {
		char *text = topic_filter(device_profile(v->devices[i])->data);

		used = is_at(v->devices[i], place) && strcmp(text, filter) == 0;
		free(text);
	}
	return used;
}

/* What is published there would be counted as lost; but it may be the topic of another broker's devices. */
static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	if (is_used_at(arg, filter))
		on_ended(arg, why);
}

/* Each of them once, and all before the first device publishes. */
static void
on_ready(void *arg)
{
	struct place *place = arg;
	struct verify *v = place->verify;

	if (place->is_ready)
		return;
	place->is_ready = true;
	if (++v->ready == v->places_n)
		v->events->ready(v->arg);
}

static int
most_qos(const struct verify *v)
{
	int qos = 0;
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (device_profile(v->devices[i])->qos > qos)
			qos = device_profile(v->devices[i])->qos;
	}
	return qos;
}

/* Its login is the connection's; without one, that of the first device there. All topics: a broker is asked for a
 * filter more, and nothing comes. */
static int
connect_to(struct place *place, const struct session_opts *opts, struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	    .ready = on_ready,
	};
	const struct verify *v = place->verify;
	struct consumer_filter *filters = xcalloc(v->topics_n, sizeof(*filters));
	struct session_opts o = *opts;
	size_t i;

	for (i = 0; i < v->topics_n; i++)
		filters[i] =
		    (struct consumer_filter){.filter = topic_filter(v->topics[i]),
			.qos = most_qos(v),
			.retain_handling = 2};

	inventory_set_broker(device_profile(place->first)->broker, &o);
	if (o.username == NULL)
		device_set_login(place->first, &o);
	o.client_id = NULL; /* those of devices are taken */
	o.clean = true;
	o.hold_acks = false;
	place->consume =
	    consumer_new(v->loop, &o, filters, v->topics_n, &events, place, err);
	for (i = 0; i < v->topics_n; i++)
		free((char *)(uintptr_t)filters[i].filter);
	free(filters);
	if (place->consume == NULL)
		return -1;
	consumer_start(place->consume);
	return 0;
}

/* One for each broker; there are few of them. */
static int
connect_all(struct verify *v, const struct session_opts *opts, struct err *err)
{
	size_t i, j;
	int failed = 0;

	v->places = xcalloc(v->n, sizeof(*v->places));
	for (i = 0; i < v->n; i++) {
		const struct device *d = roster_device(v->roster, i);

		for (j = 0; j < v->places_n && !is_at(d, &v->places[j]); j++)
			;
		if (j == v->places_n)
			v->places[v->places_n++] =
			    (struct place){.verify = v, .first = d};
	}
	for (i = 0; !failed && i < v->places_n; i++)
		failed = connect_to(&v->places[i], opts, err);
	return failed;
}

static int
take_topic(struct verify *v, const struct device *d, struct err *err)
{
	const struct topic *topic = device_profile(d)->data;
	size_t i = 0;

	while (i < v->topics_n && !same_topic(v->topics[i], topic))
		i++;
	if (i < v->topics_n)
		return 0;
	if (!topic_has(topic, TOPIC_DEVICE_ID))
		return err_set(err, ERR_USAGE,
		    _("--verify: the topic '%s' of '%s' does not say which device "
		      "published: it has no {device_id}"),
		    topic_text(topic), device_id(d));
	v->topics[v->topics_n++] = topic;
	return 0;
}

int
verify_start(struct verify **out, struct loop *loop, const struct args *args,
    const struct session_opts *opts, const struct roster *roster,
    const struct verify_events *events, void *arg, struct err *err)
{
	const size_t n = roster_count(roster);
	struct verify *v;
	size_t i;

	if (args->refresh > 0)
		return err_set(err, ERR_USAGE,
		    _("--verify counts what is known at the beginning: not with "
		      "--refresh"));
	*out = v = xcalloc(1, sizeof(*v));
	v->loop = loop;
	v->args = args;
	v->roster = roster;
	v->events = events;
	v->arg = arg;
	v->n = n;
	v->devices = xcalloc(n, sizeof(struct device *));
	for (i = 0; i < n; i++)
		v->devices[i] = roster_device(roster, i);
	qsort(v->devices, n, sizeof(*v->devices), by_id);
	latency_init(&v->tally, n);
	v->topics = xcalloc(n, sizeof(struct topic *));
	for (i = 0; i < n; i++) {
		if (take_topic(v, roster_device(roster, i), err))
			return -1;
	}
	return connect_all(v, opts, err);
}

void
verify_finish(struct verify *v, uint64_t sent)
{
	if (v->finishing)
		return;
	v->finishing = true;
	v->tally.sent = sent;
	loop_timer_set(v->loop, &v->timer, has_all(v) ? 0 : v->args->drain, finish, v);
}

int64_t
verify_delay(const struct verify *v, double part)
{
	return latency_delay(&v->tally, part);
}

static void
print_rows(const struct latency *t)
{
	struct buf rows = {0};

	latency_put_rows(&rows, t);
	fwrite(rows.p, 1, rows.n, stdout);
	buf_release(&rows);
}

int
verify_judge(struct verify *v, uint64_t sent, struct err *err)
{
	const struct args *a = v->args;
	struct latency *t = &v->tally;
	const double p99 = (double)latency_delay(t, 0.99) / 1000;
	uint64_t lost;

	t->sent = sent;
	lost = latency_lost(t);
	printf(
	    "sent %llu received %llu lost %llu duplicated %llu p50 %.3g ms p99 %.3g ms\n",
	    (unsigned long long)t->sent, (unsigned long long)t->received,
	    (unsigned long long)lost, (unsigned long long)t->duplicated,
	    (double)latency_delay(t, 0.5) / 1000, p99);
	if (a->histogram)
		print_rows(t);
	if (a->max_lost >= 0 && lost > (uint64_t)a->max_lost)
		return err_set(err, ERR_FAILED,
		    P_("%llu message was lost, and --max-lost is %d",
			"%llu messages were lost, and --max-lost is %d", lost),
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
	size_t i;

	if (v == NULL)
		return;
	loop_timer_stop(&v->timer);
	for (i = 0; i < v->places_n; i++)
		consumer_free(v->places[i].consume);
	free(v->places);
	latency_release(&v->tally);
	free(v->devices);
	free(v->topics);
	free(v);
}
