/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/subscription.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/reason.h"

struct subscription {
	struct consumer *consume;
	struct subscription_events events;
	void *arg;
	char *name;
	bool kept; /* the session outlasts its connection */
	bool was_up;
	int64_t
	    lost; /* since when there is no connection, in us since 1970; 0: there is, or never was any */
	size_t sessions_lost;
	bool waits;     /* for subscription_settle, */
	bool over;      /* with a batch that was not wanted whole, */
	uint64_t token; /* of this token */
};

static void
on_up(void *arg, bool session_present)
{
	struct subscription *r = arg;
	struct err why = {0};

	r->was_up = true;
	if (r->lost == 0) {
		log_info(_("connected to broker %s"), consumer_where(r->consume).text);
		return;
	}
	log_warn(_("connected again as '%s', to broker %s"), r->name,
	    consumer_where(r->consume).text);
	if (r->kept && !session_present) {
		reason_err_session_lost(&why, r->name, r->lost, clock_wall_us());
		log_warn("%s", why.text);
		r->sessions_lost++;
	}
	r->lost = 0;
}

static void
on_down(void *arg, const struct err *why)
{
	struct subscription *r = arg;

	if (r->was_up && r->lost == 0)
		r->lost = clock_wall_us();
	log_warn(_("%s; trying again"), why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct subscription *r = arg;

	r->events.ended(r->arg, why);
}

static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	(void)arg;
	(void)filter;
	log_err(why);
}

void
subscription_settle(struct subscription *r)
{
	if (!r->waits)
		return;
	r->waits = false;
	if (r->over) {
		consumer_leave(r->consume);
		return;
	}
	consumer_limit(r->consume, r->events.wanted(r->arg));
	consumer_ack(r->consume, r->token);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct subscription *r = arg;
	size_t taken = 0;
	int left;

	while (taken < n && r->events.message(r->arg, &m[taken]))
		taken++;
	left = r->events.flush(r->arg);
	if (left < 0)
		return;
	r->waits = true;
	r->over = taken < n;
	r->token = token;
	if (left == 0)
		subscription_settle(r);
}

static int
open_consume(struct subscription *r, struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count, struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	};

	r->consume = consumer_new(loop, opts, filters, count, &events, r, err);
	if (r->consume == NULL)
		return -1;
	consumer_limit(r->consume, r->events.wanted(r->arg));
	return 0;
}

struct subscription *
subscription_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count,
    const struct subscription_events *events, void *arg, struct err *err)
{
	struct subscription *r = xcalloc(1, sizeof(*r));

	r->events = *events;
	r->arg = arg;
	r->kept = !opts->clean;
	r->name = xstrdup(opts->client_id != NULL ? opts->client_id : log_name());
	if (open_consume(r, loop, opts, filters, count, err) == 0)
		return r;
	subscription_free(r);
	return NULL;
}

size_t
subscription_sessions_lost(const struct subscription *r)
{
	return r->sessions_lost;
}

const char *
subscription_broker_away(const struct subscription *r)
{
	return r->was_up && r->lost == 0 ? NULL : consumer_broker(r->consume);
}

void
subscription_start(struct subscription *r)
{
	consumer_start(r->consume);
}

void
subscription_stop(struct subscription *r)
{
	consumer_stop(r->consume);
}

void
subscription_leave(struct subscription *r)
{
	consumer_leave(r->consume);
}

void
subscription_free(struct subscription *r)
{
	if (r == NULL)
		return;
	consumer_free(r->consume);
	free(r->name);
	free(r);
}
