/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/broker_session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "mqtt/mqtt_options.h"
#include "mqtt/reason.h"
#include "iotapi/mqtt/delivered.h"
#include "iotapi/event.h"
#include "iotapi/mqtt/batch_queue.h"
#include "iotapi/mqtt/filter_cover.h"
#include "iotapi/mqtt/kept_filters.h"
#include "iotapi/mqtt/store_message.h"

enum {
	CONNECT_MS = 10000,
	AGAIN_FIRST_MS = 500,
	AGAIN_MOST_MS = 5000,
	STABLE_MS = 10000, /* up for longer, what ends it is no more of the same */
	SESSION_SECONDS = 7 * 86400,
	SETTLED_MS = 10000, /* in a connection: no answer to UNSUBSCRIBE is waited for */
};

/* What the topics of messages are matched with; not changed once made. The writer has one while it stores a batch, the loop
 * may take another meanwhile. */
struct templates {
	atomic_int users;
	struct strv patterns;    /* of the database, as given */
	struct topic **compiled; /* each */
};

struct broker_session {
	struct loop *loop;
	struct app *app;
	int64_t broker;
	char *name, *client_id;
	struct broker_address address;
	int keepalive;
	pthread_mutex_t lock; /* of the pointer */
	struct templates *templates;
	struct strv filters; /* of what is to be subscribed */
	struct strv kept; /* those that the session at the broker may have, as stored */
	bool changed;     /* since the consumer was told */
	struct consumer *consume; /* NULL: waiting for `again` */
	struct loop_timer again;
	int64_t wait;
	char *told;       /* the last failure, told once */
	bool away;        /* and that it is back is to be told */
	int64_t up_since; /* loop_now */
	bool asking;  /* the connection is up, and its filters are not all answered yet */
	bool listens; /* they were once: a kept session is not asked again */
	bool answered; /* the session at the broker has `filters`, and no others */
	bool listened; /* to any connection of this broker */
	bool
	    no_clients; /* asked for other clients' coming and going, the broker hung up */
	int64_t
	    lost_us; /* when the last connection was, since 1970; 0: it is there, or never was */
	bool stopping;
	bool over; /* no connection to be closed when it stops */
	broker_session_link_fn *link;
	void *link_arg;
	void (*gone)(void *arg);
	void *gone_arg;
	struct batch_queue *batches;
	struct keeping *keeping;  /* NULL: the writer has none */
	struct loop_timer settle; /* until what was asked for is so */
	bool unkept;              /* the last one could not be stored */
	bool starting;            /* when it is stored */
	size_t refused;           /* subscriptions, since that was told */
	uint64_t held; /* the batch that is not released, as the queue is full; 0: none */
};

static struct templates *
compile_templates(const struct strv *patterns)
{
	struct templates *t = xcalloc(1, sizeof(*t));
	size_t i;

	t->users = 1;
	t->compiled = xcalloc(patterns->n + 1, sizeof(struct topic *));
	for (i = 0; i < patterns->n; i++) {
		if (topic_compile(&t->compiled[t->patterns.n], patterns->v[i], NULL) == 0)
			strv_add(&t->patterns, patterns->v[i]);
	}
	return t;
}

static void
release_templates(struct templates *t)
{
	size_t i;

	if (atomic_fetch_sub(&t->users, 1) > 1)
		return;
	for (i = 0; i < t->patterns.n; i++)
		topic_free(t->compiled[i]);
	free(t->compiled);
	strv_release(&t->patterns);
	free(t);
}

static struct templates *
use_templates(struct broker_session *u)
{
	struct templates *t;

	pthread_mutex_lock(&u->lock);
	t = u->templates;
	atomic_fetch_add(&t->users, 1);
	pthread_mutex_unlock(&u->lock);
	return t;
}

static int
store_batch(struct db *db, const struct msg *m, size_t n, void *arg, struct err *err)
{
	struct broker_session *u = arg;
	struct templates *t = use_templates(u);
	const struct store_message in = {
	    &u->app->topics, t->compiled, t->patterns.n, u->app->keys, u->app->devices};
	struct delivered noted = {.broker = u->broker};
	int failed = 0;
	size_t i;

	device_cache_begin(u->app->devices, db);
	for (i = 0; i < n && !failed; i++) {
		if (delivered_has(&noted, db, &m[i]))
			continue;
		failed = store_message(db, &in, &m[i], err);
		delivered_add(&noted, &m[i]);
	}
	failed = failed || delivered_store(&noted, db, err);
	delivered_release(&noted);
	release_templates(t);
	return failed ? -1 : 0;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct broker_session *u = arg;

	batch_queue_put(u->batches, m, n, token);
	if (batch_queue_is_full(u->batches))
		u->held = token;
	else
		consumer_release(u->consume, token);
}

static bool
is_idle(const struct broker_session *u)
{
	return batch_queue_is_empty(u->batches) && u->keeping == NULL;
}

static void
tell_gone(struct broker_session *u)
{
	if (is_idle(u))
		u->gone(u->gone_arg);
}

static void
on_stored(void *arg, uint64_t token)
{
	struct broker_session *u = arg;
	const uint64_t held = u->held;

	if (u->stopping && u->over) {
		tell_gone(u);
		return;
	}
	u->held = batch_queue_is_full(u->batches) ? held : 0;
	consumer_ack(u->consume, token);
	if (held != 0 && u->held == 0)
		consumer_release(u->consume, held);
}

static void
on_not_stored(void *arg, size_t messages, const struct err *why)
{
	struct broker_session *u = arg;
	char *count = xasprintf("%zu", messages);

	event_error("messages", count, "broker '%s': messages wait to be stored: %s",
	    u->name, why->text);
	free(count);
}

static void
tell(struct broker_session *u, enum presence state, const char *text)
{
	u->link(u->link_arg, u->broker, state, text);
	u->away |= state == PRESENCE_ERROR;
	if (u->told != NULL && strcmp(u->told, text) == 0)
		return;
	free(u->told);
	u->told = xstrdup(text);
	log_warn("broker '%s': %s", u->name, text);
}

/* What waited in it would have been readings. */
static void
tell_lost_session(const struct broker_session *u)
{
	struct err why = {0};

	atomic_fetch_add(&u->app->counts.sessions_lost, 1);
	reason_err_session_lost(&why, u->client_id, u->lost_us, clock_wall_us());
	log_warn("broker '%s': %s", u->name, why.text);
}

/* Who was told that it was away is told that it is back. */
static void
tell_listening(struct broker_session *u)
{
	if (u->away)
		event_notice("broker '%s': listening%s, at %s", u->name,
		    u->listened ? " again" : "", consumer_where(u->consume).text);
	else
		log_info("broker '%s': listening", u->name);
	u->away = false;
	u->listened = true;
}

static void
note_loss(struct broker_session *u)
{
	if (u->listens && u->lost_us == 0)
		u->lost_us = clock_wall_us();
}

static int
forget(struct db *db, void *arg, struct err *err)
{
	return delivered_forget(db, *(int64_t *)arg, err);
}

static void
forgotten(void *arg, const struct err *why)
{
	log_err(why);
	free(arg);
}

static void settled(void *arg);

static void
on_up(void *arg, bool session_present)
{
	struct broker_session *u = arg;

	if (!session_present) {
		int64_t *broker = xmalloc(sizeof(*broker));

		*broker = u->broker;
		store_submit(u->app->store, forget, forgotten, broker);
	}
	if (!session_present && u->lost_us > 0)
		tell_lost_session(u);
	u->up_since = loop_now(u->loop);
	u->asking = !session_present || !u->listens;
	u->lost_us = 0;
	free(u->told);
	u->told = NULL;
	u->link(u->link_arg, u->broker, PRESENCE_ONLINE, NULL);
	log_info("broker '%s': connected", u->name);
	if (!u->asking) {
		tell_listening(u);
		loop_timer_set(u->loop, &u->settle, SETTLED_MS, settled, u);
	}
}

static const char *const clients[] = {STORE_CLIENT_CONNECTED, STORE_CLIENT_DISCONNECTED};

/* All that is to be subscribed (free); the texts stay the session's. What is to be given up of those that the broker had
 * before comes last, as far as there is room: what one of the others takes, too, is not lost in between. */
static struct consumer_filter *
list_filters(const struct broker_session *u, const struct strv *before, size_t *n)
{
	struct consumer_filter *filters =
	    xcalloc(before->n + u->filters.n + ARRAY_LEN(clients), sizeof(*filters));
	size_t i;

	*n = 0;
	/* First: when all are refused it is the last whose refusal is told. */
	for (i = 0; i < ARRAY_LEN(clients) && !u->no_clients; i++)
		filters[(*n)++] = (struct consumer_filter){clients[i], .qos = 1};
	for (i = 0; i < u->filters.n; i++)
		filters[(*n)++] = (struct consumer_filter){u->filters.v[i], .qos = 1};
	for (i = 0; i < before->n && *n < UINT16_MAX; i++) {
		if (!filter_cover_has(&u->filters, before->v[i]))
			filters[(*n)++] =
			    (struct consumer_filter){before->v[i], .unsubscribe = true};
	}
	return filters;
}

static bool
is_same(const struct strv *a, const struct strv *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++) {
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	}
	return a->n == b->n;
}

/* A list of filters on its way through the writer. */
struct keeping {
	struct broker_session *u;
	int64_t broker;
	struct strv filters;
	bool failed;
};

static void
free_keeping(struct keeping *k)
{
	if (k == NULL)
		return;
	strv_release(&k->filters);
	free(k);
}

static int
keep(struct db *db, void *arg, struct err *err)
{
	const struct keeping *k = arg;

	return kept_filters_store(db, k->broker, &k->filters, err);
}

static void filters_kept(void *arg);

/* On the writer's thread. */
static void
kept(void *arg, const struct err *why)
{
	struct keeping *k = arg;

	k->failed = why->code != ERR_OK;
	log_err(why);
	loop_post(k->u->loop, filters_kept, k);
}

/* Both lists are sorted. */
static void
unite(const struct strv *a, const struct strv *b, struct strv *out)
{
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		const int order = i == a->n ? 1
		    : j == b->n             ? -1
					    : strcmp(a->v[i], b->v[j]);

		strv_add(out, order <= 0 ? a->v[i] : b->v[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/* Has the database say what the session at the broker has: from before anything is asked until the last answer both
 * what it had and what it shall have, for nobody knows which of them it has when we are killed in between. */
static void
keep_filters(struct broker_session *u)
{
	static const struct strv none;
	struct keeping *k;

	if (u->keeping != NULL || u->stopping)
		return;
	k = xcalloc(1, sizeof(*k));
	k->u = u;
	k->broker = u->broker;
	unite(u->answered ? &none : &u->kept, &u->filters, &k->filters);
	if (is_same(&u->kept, &k->filters)) {
		free_keeping(k);
		return;
	}
	u->keeping = k;
	store_submit(u->app->store, keep, kept, k);
}

static void
settled(void *arg)
{
	struct broker_session *u = arg;

	u->answered = u->listens && u->lost_us == 0 && !u->changed;
	keep_filters(u);
}

/* Whether what is subscribed may be asked for: the database knows of all of it, or cannot be told, which is tried again
 * meanwhile. */
static bool
may_ask(struct broker_session *u)
{
	size_t i;

	for (i = 0; i < u->filters.n && !u->unkept; i++) {
		if (!filter_cover_has(&u->kept, u->filters.v[i])) {
			keep_filters(u);
			return u->keeping == NULL;
		}
	}
	return true;
}

/* While answers are missing it waits for the last of them. The consumer knows itself what is gone. */
static void
change_filters(struct broker_session *u)
{
	static const struct strv none;
	struct consumer_filter *filters;
	struct err err = {0};
	size_t n;

	if (!u->changed || u->consume == NULL || u->stopping || !may_ask(u))
		return;
	filters = list_filters(u, &none, &n);
	u->changed = consumer_change(u->consume, filters, n, &err) > 0;
	u->answered = false;
	loop_timer_set(u->loop, &u->settle, SETTLED_MS, settled, u);
	log_err(&err);
	free(filters);
}

/* Hundreds, at each attempt, would be the whole log. */
static void
tell_refused(struct broker_session *u)
{
	if (u->refused > 1)
		log_warn(
		    P_("broker '%s': it refused %zu more subscription",
			"broker '%s': it refused %zu more subscriptions", u->refused - 1),
		    u->name, u->refused - 1);
	u->refused = 0;
}

static void
on_ready(void *arg)
{
	struct broker_session *u = arg;

	u->asking = false;
	u->listens = true;
	tell_listening(u);
	tell_refused(u);
	loop_timer_set(u->loop, &u->settle, SETTLED_MS, settled, u);
	change_filters(u);
}

/* EMQX can be told to hang up on who asks for what is denied (deny_action): then once more without that. */
static void
on_down(void *arg, const struct err *why)
{
	struct broker_session *u = arg;

	note_loss(u);
	loop_timer_stop(&u->settle);
	tell(u, PRESENCE_ERROR, why->text);
	if (u->asking && !u->no_clients && !u->stopping) {
		u->no_clients = true;
		consumer_stop(u->consume);
	}
	u->asking = false;
	change_filters(u);
}

static bool
is_client_filter(const char *filter)
{
	return strcmp(filter, clients[0]) == 0 || strcmp(filter, clients[1]) == 0;
}

/* That others come and go is not for everybody to know: devices' own statuses must do then. */
static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	struct broker_session *u = arg;

	if (is_client_filter(filter)) {
		log_debug("%s", why->text);
		return;
	}
	if (u->refused++ == 0)
		tell(u, PRESENCE_ONLINE, why->text);
	else
		log_debug("%s", why->text);
}

static void start(void *arg);

static void
on_ended(void *arg, const struct err *why)
{
	struct broker_session *u = arg;

	tell_refused(u);
	if (u->stopping) {
		u->over = true;
		tell_gone(u);
		return;
	}
	note_loss(u);
	loop_timer_stop(&u->settle);
	if (why->code != ERR_OK) /* else we stopped it, to begin anew */
		tell(u, PRESENCE_ERROR, why->text);
	if (u->up_since != 0 && loop_now(u->loop) - u->up_since > STABLE_MS)
		u->wait = 0;
	u->up_since = 0;
	u->wait = u->wait == 0 ? AGAIN_FIRST_MS : u->wait * 2;
	if (u->wait > AGAIN_MOST_MS)
		u->wait = AGAIN_MOST_MS;
	loop_timer_set(u->loop, &u->again, u->wait, start, u);
}

static struct session_opts
session_of(const struct broker_session *u)
{
	struct session_opts opts = {
	    .client_id = u->client_id,
	    .username = u->address.username,
	    .password = u->address.password,
	    .keepalive = u->keepalive,
	    .clean = false,
	    .session_expiry = SESSION_SECONDS,
	    .connect_timeout = CONNECT_MS,
	};

	session_opts_reach(&opts, &u->address);
	return opts;
}

static void
start(void *arg)
{
	static const struct consumer_events events = {
	    .batch = on_batch,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused,
	    .ready = on_ready,
	};
	struct broker_session *u = arg;
	const struct session_opts opts = session_of(u);
	struct consumer_filter *filters;
	struct err err = {0};
	size_t n;

	u->starting = !may_ask(u);
	if (u->starting)
		return;
	/* Tokens of the old one: they go when their messages are stored. */
	if (!batch_queue_is_empty(u->batches)) {
		loop_timer_set(u->loop, &u->again, AGAIN_FIRST_MS, start, u);
		return;
	}
	consumer_free(u->consume);
	u->held = 0;
	u->changed = u->listens = u->answered = false;
	filters = list_filters(u, &u->kept, &n);
	u->consume = consumer_new(u->loop, &opts, filters, n, &events, u, &err);
	free(filters);
	if (u->consume != NULL)
		consumer_start(u->consume);
	else
		on_ended(u, &err);
}

static void
filters_kept(void *arg)
{
	struct keeping *k = arg;
	struct broker_session *u = k->u;
	const bool failed = k->failed;

	u->keeping = NULL;
	u->unkept = failed;
	if (!failed) {
		strv_release(&u->kept);
		u->kept = k->filters;
		k->filters = (struct strv){0};
	}
	free_keeping(k);
	if (u->stopping) {
		if (u->over)
			tell_gone(u);
		return;
	}
	if (u->starting)
		start(u);
	else
		change_filters(u);
	if (failed)
		loop_timer_set(u->loop, &u->settle, AGAIN_MOST_MS, settled, u);
	else
		keep_filters(u);
}

static void
add_template(struct broker_session *u, const struct topic *t)
{
	char *filter = topic_filter(t);

	strv_add(&u->filters, filter);
	free(filter);
}

static void
add_filters(struct broker_session *u)
{
	size_t i;

	strv_release(&u->filters);
	add_template(u, u->app->topics.data);
	add_template(u, u->app->topics.status);
	for (i = 0; i < u->templates->patterns.n; i++)
		add_template(u, u->templates->compiled[i]);
	filter_cover_reduce(&u->filters);
}

struct broker_session *
broker_session_new(struct loop *loop, struct app *app,
    const struct broker_session_opts *o, broker_session_link_fn *link, void *arg)
{
	struct broker_session *u = xcalloc(1, sizeof(*u));
	size_t i;

	*u = (struct broker_session){.loop = loop,
	    .app = app,
	    .link = link,
	    .link_arg = arg,
	    .broker = o->broker,
	    .name = o->name != NULL ? xstrdup(o->name) : NULL,
	    .address = broker_address_copy(o->address),
	    .client_id = xstrdup(o->client_id),
	    .keepalive = o->keepalive,
	    .templates = compile_templates(o->patterns)};
	for (i = 0; i < o->kept->n; i++)
		strv_add(&u->kept, o->kept->v[i]);
	pthread_mutex_init(&u->lock, NULL);
	u->batches = batch_queue_new(&(struct batch_queue_opts){.loop = loop,
	    .store = app->store,
	    .put = store_batch,
	    .stored = on_stored,
	    .failed = on_not_stored,
	    .arg = u});
	add_filters(u);
	u->link(u->link_arg, u->broker, PRESENCE_OFFLINE, NULL);
	start(u);
	return u;
}

int64_t
broker_session_broker(const struct broker_session *u)
{
	return u->broker;
}

bool
broker_session_is(const struct broker_session *u, const struct broker_session_opts *o)
{
	return u->keepalive == o->keepalive &&
	    broker_address_equal(&u->address, o->address);
}

void
broker_session_listen(struct broker_session *u, const struct strv *patterns)
{
	struct templates *before = u->templates, *t;

	if (is_same(&before->patterns, patterns))
		return;
	t = compile_templates(patterns);
	pthread_mutex_lock(&u->lock);
	u->templates = t;
	pthread_mutex_unlock(&u->lock);
	release_templates(before);
	add_filters(u);
	u->changed = true;
	u->answered = false;
	change_filters(u);
}

void
broker_session_stop(struct broker_session *u, void (*gone)(void *arg), void *arg)
{
	u->over = u->consume == NULL || u->again.slot != 0 || u->starting;
	u->stopping = true;
	u->gone = gone;
	u->gone_arg = arg;
	loop_timer_stop(&u->again);
	loop_timer_stop(&u->settle);
	if (!u->over)
		consumer_stop(u->consume);
	else if (is_idle(u))
		loop_post(u->loop, gone, arg);
}

void
broker_session_free(struct broker_session *u)
{
	if (u == NULL)
		return;
	u->link(u->link_arg, u->broker, PRESENCE_OFFLINE, NULL);
	loop_timer_stop(&u->again);
	loop_timer_stop(&u->settle);
	free_keeping(u->keeping);
	batch_queue_free(u->batches);
	consumer_free(u->consume);
	release_templates(u->templates);
	pthread_mutex_destroy(&u->lock);
	strv_release(&u->filters);
	strv_release(&u->kept);
	free(u->name);
	broker_address_release(&u->address);
	free(u->client_id);
	free(u->told);
	free(u);
}
