/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum { STOP_TIME = 3000 };

struct receiver {
	struct consume *consume; /* up to QoS 1 */
	struct session *session; /* QoS 2 */
	struct receiver_events events;
	void *arg;
	char *name;
	size_t filters, refused;
	struct err refusal;
	bool outage;
};

static void
on_up(void *arg, bool session_present)
{
	struct receiver *r = arg;

	(void)session_present;
	if (r->outage)
		log_warn(_("connected again as '%s'"), r->name);
	r->outage = false;
}

static void
on_down(void *arg, const struct err *why)
{
	struct receiver *r = arg;

	r->outage = true;
	log_warn(_("%s; trying again"), why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct receiver *r = arg;

	r->events.ended(r->arg, r->refusal.code != ERR_OK ? &r->refusal : why);
}

static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	(void)arg;
	(void)filter;
	log_err(why);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct receiver *r = arg;
	const struct err none = {0};
	size_t taken = 0;

	while (taken < n && r->events.message(r->arg, &m[taken]))
		taken++;
	if (r->events.flush(r->arg) != 0)
		return;
	if (taken < n) {
		r->events.ended(r->arg, &none);
		return;
	}
	consume_limit(r->consume, r->events.wanted(r->arg));
	consume_durable(r->consume, token);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct receiver *r = arg;

	r->events.message(r->arg, m);
}

static void
on_dry(void *arg)
{
	struct receiver *r = arg;

	r->events.flush(r->arg);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct receiver *r = arg;

	(void)filter;
	(void)qos;
	if (why->code == ERR_OK)
		return;
	if (++r->refused < r->filters) {
		log_err(why);
		return;
	}
	r->refusal = *why;
	session_stop(r->session, STOP_TIME);
}

static int
open_consume(struct receiver *r, struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count, struct err *err)
{
	static const struct consume_events events = {
	    .batch = on_batch,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	};

	r->consume = consume_new(loop, opts, filters, count, &events, r, err);
	if (r->consume == NULL)
		return -1;
	consume_limit(r->consume, r->events.wanted(r->arg));
	return 0;
}

static int
open_session(struct receiver *r, struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count, struct err *err)
{
	static const struct session_events events = {
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .dry = on_dry,
	    .subscribed = on_subscribed,
	};
	size_t i;

	r->session = session_new(loop, opts, &events, r, err);
	if (r->session == NULL)
		return -1;
	for (i = 0; i < count; i++) {
		if (session_subscribe(
			r->session, filters[i].filter, filters[i].qos, false, err))
			return -1;
	}
	return 0;
}

struct receiver *
receiver_new(struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count, int qos,
    const struct receiver_events *events, void *arg, struct err *err)
{
	struct receiver *r = xcalloc(1, sizeof(*r));

	r->events = *events;
	r->arg = arg;
	r->filters = count;
	r->name = xstrdup(opts->client_id != NULL ? opts->client_id : log_name());
	if ((qos < 2 ? open_consume : open_session)(r, loop, opts, filters, count, err) ==
	    0)
		return r;
	receiver_free(r);
	return NULL;
}

void
receiver_start(struct receiver *r)
{
	if (r->consume != NULL)
		consume_start(r->consume);
	else
		session_start(r->session);
}

void
receiver_stop(struct receiver *r)
{
	if (r->consume != NULL)
		consume_stop(r->consume);
	else
		session_stop(r->session, STOP_TIME);
}

void
receiver_free(struct receiver *r)
{
	if (r == NULL)
		return;
	consume_free(r->consume);
	session_free(r->session);
	free(r->name);
	free(r);
}
