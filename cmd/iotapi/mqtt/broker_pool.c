/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/broker_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotapi/mqtt/broker_row.h"
#include "iotapi/mqtt/broker_session.h"
#include "iotapi/mqtt/kept_filters.h"
#include "iotapi/mqtt/silence.h"

/* Changes are gathered: when ten thousand topics are created in a row, the database is not read as often, nor
 * are sessions made anew for each. Refreshing takes a tenth of the time at most. */
enum {
	REFRESH_MS = 200,
	REFRESH_SHARE = 10,
	AGAIN_MS = 1000,
	SILENCE_MS = 10000,
	STEP_MS = 100
};

/* Of the link to one broker, as requests in other threads are told. */
struct note {
	int64_t broker;
	enum presence state;
	char *reason;
	int64_t
	    since_us; /* the wall clock when it came up, or was set since; 0: it is not up */
};

/* A look at who is silent, on its way through the writer. */
struct listening {
	struct broker_pool *pool;
	struct silence_link *links;
	size_t n, silent;
	bool all;
	int64_t now_us;
};

struct broker_pool {
	struct loop *loop;
	struct app *app;
	atomic_bool asked; /* to refresh, and it has not begun to */
	struct loop_timer later;
	int64_t pause;     /* ms between two refreshes */
	int64_t refreshed; /* clock_ms() after the last one */
	char *id;          /* this database's, part of the client ids */
	struct broker_session **sessions;
	size_t n;
	struct stopping **leaving; /* told to stop, not gone yet */
	size_t leaving_n;
	bool stopping;
	void (*done)(void *arg);
	void *arg;
	pthread_mutex_t lock; /* of the notes */
	struct note *notes;   /* one for each broker that ever had a session */
	size_t notes_n;
	struct loop_timer silence;
	bool more_silent; /* than one look takes */
	struct silence_clock clock;
};

static void refresh(void *arg);

/* NULL: nothing is noted of this broker. */
static struct note *
find_note(struct broker_pool *w, int64_t broker)
{
	size_t i;

	for (i = 0; i < w->notes_n; i++) {
		if (w->notes[i].broker == broker)
			return &w->notes[i];
	}
	return NULL;
}

static void
on_link(void *arg, int64_t broker, enum presence state, const char *reason)
{
	struct broker_pool *w = arg;
	struct note *note;

	pthread_mutex_lock(&w->lock);
	note = find_note(w, broker);
	if (note == NULL) {
		w->notes = xreallocarray(w->notes, w->notes_n + 1, sizeof(struct note));
		note = &w->notes[w->notes_n++];
		*note = (struct note){.broker = broker};
	}
	free(note->reason);
	if (state != PRESENCE_ONLINE)
		note->since_us = 0;
	else if (note->since_us == 0)
		note->since_us = clock_wall_us();
	note->state = state;
	note->reason = reason != NULL ? xstrdup(reason) : NULL;
	pthread_mutex_unlock(&w->lock);
}

enum presence
broker_pool_link(struct broker_pool *w, int64_t broker, char **reason)
{
	enum presence state = PRESENCE_OFFLINE;
	const struct note *note;

	*reason = NULL;
	if (w == NULL)
		return state;
	pthread_mutex_lock(&w->lock);
	note = find_note(w, broker);
	if (note != NULL) {
		state = note->state;
		*reason = note->reason != NULL ? xstrdup(note->reason) : NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return state;
}

static int
make_id(struct db *db, void *arg, struct err *err)
{
	const char *id = arg;

	return db_run(db, err,
	    "INSERT INTO setting (name, value) VALUES ('worker_id', ?1) ON CONFLICT DO "
	    "NOTHING",
	    "s", id);
}

/* The session at the broker is found again by its client id: it belongs to this database. */
static int
read_id(struct broker_pool *w, struct err *err)
{
	char id[16 + 1];
	struct db *db;
	sqlite3_stmt *stmt;
	int failed;

	failed = random_hex(id, sizeof(id) - 1, err) ||
	    store_run(w->app->store, make_id, id, err);
	db = failed ? NULL : store_reader(w->app->store, err);
	if (db == NULL)
		return -1;
	stmt =
	    db_query(db, err, "SELECT value FROM setting WHERE name = 'worker_id'", "");
	failed = stmt == NULL || db_step(db, stmt, err) != 1;
	if (!failed)
		w->id = xstrdup(db_column_text(stmt, 0).p);
	if (stmt != NULL)
		sqlite3_reset(stmt);
	store_reader_done(w->app->store, db);
	return failed ? -1 : 0;
}

struct stopping {
	struct broker_pool *pool;
	struct broker_session *session;
};

/* A round after it said so: not from inside its own callback. */
static void
free_gone(void *arg)
{
	struct stopping *d = arg;
	struct broker_pool *w = d->pool;
	size_t i;

	for (i = 0; i < w->leaving_n && w->leaving[i] != d; i++)
		;
	if (i < w->leaving_n)
		w->leaving[i] = w->leaving[--w->leaving_n];
	broker_session_free(d->session);
	free(d);
	if (w->leaving_n > 0)
		return;
	if (w->stopping && w->done != NULL)
		w->done(w->arg);
	else if (!w->stopping)
		refresh(w);
}

static void
on_gone(void *arg)
{
	struct stopping *d = arg;

	loop_post(d->pool->loop, free_gone, d);
}

static void
stop_session(struct broker_pool *w, size_t i)
{
	struct stopping *d = xmalloc(sizeof(*d));

	*d = (struct stopping){w, w->sessions[i]};
	w->sessions[i] = w->sessions[--w->n];
	w->leaving = xreallocarray(w->leaving, w->leaving_n + 1, sizeof(*w->leaving));
	w->leaving[w->leaving_n++] = d;
	broker_session_stop(d->session, on_gone, d);
}

static void
read_patterns(struct db *db, struct strv *patterns)
{
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT DISTINCT topic_pattern FROM topic WHERE tipo IN ('publish', 'both') "
	    "ORDER BY 1",
	    "");

	while (stmt != NULL && db_step(db, stmt, NULL) == 1)
		strv_add(patterns, db_column_text(stmt, 0).p);
}

/* Leaves, starts or keeps the session with one broker. One that has to go first is started when it
 * is gone: its client id is the same. */
static void
sync_session(struct broker_pool *w, const struct broker_session_opts *o, bool *kept)
{
	size_t i;

	for (i = 0; i < w->leaving_n; i++) {
		if (broker_session_broker(w->leaving[i]->session) == o->broker)
			return;
	}
	for (i = 0; i < w->n; i++) {
		if (broker_session_broker(w->sessions[i]) != o->broker)
			continue;
		kept[i] = broker_session_is(w->sessions[i], o);
		if (kept[i])
			broker_session_listen(w->sessions[i], o->patterns);
		return;
	}
	w->sessions =
	    xreallocarray(w->sessions, w->n + 1, sizeof(struct broker_session *));
	w->sessions[w->n++] = broker_session_new(w->loop, w->app, o, on_link, w);
}

static void
sync_broker(struct broker_pool *w, struct db *db, const struct broker_row *x,
    const struct strv *patterns, bool *kept)
{
	struct strv filters = {0};
	char *client_id = xasprintf("iotapi-worker-%s-%lld", w->id, (long long)x->id);
	const struct broker_session_opts o = {.broker = x->id,
	    .name = x->name,
	    .address = &x->address,
	    .client_id = client_id,
	    .keepalive = x->keepalive,
	    .patterns = patterns,
	    .kept = &filters};

	kept_filters_read(db, x->id, &filters);
	sync_session(w, &o, kept);
	strv_release(&filters);
	free(client_id);
}

/* Nobody leaves for brokers that could not be read. */
static int
sync_sessions(struct broker_pool *w, struct db *db, struct err *err)
{
	sqlite3_stmt *stmt;
	size_t before = w->n, i;
	bool *kept = xcalloc(before + 1, sizeof(*kept));
	struct strv patterns = {0};
	struct broker_row x;
	int failed;

	read_patterns(db, &patterns);
	stmt = db_query(db, NULL, BROKER_ROW_QUERY, "");
	while (!db_failed(db, err) && db_step(db, stmt, NULL) == 1) {
		struct err why = {0};

		if (broker_row_read(w->app, stmt, &x, &why) == 0)
			sync_broker(w, db, &x, &patterns, kept);
		else
			log_warn("broker '%s': %s", x.name, why.text);
		broker_row_release(&x);
	}
	failed = db_failed(db, err);
	for (i = before; i-- > 0 && !failed;) {
		if (!kept[i])
			stop_session(w, i);
	}
	free(kept);
	strv_release(&patterns);
	return failed;
}

static void
refresh(void *arg)
{
	struct broker_pool *w = arg;
	int64_t began = clock_ms(), took;
	struct err err = {0};
	struct db *db;

	/* Cleared before the database is read: a change that comes meanwhile asks for another refresh. */
	atomic_store(&w->asked, false);
	if (w->stopping)
		return;
	db = store_reader(w->app->store, &err);
	if (db == NULL || sync_sessions(w, db, &err))
		loop_timer_set(w->loop, &w->later, AGAIN_MS, refresh, w);
	store_reader_done(w->app->store, db);
	log_err(&err);
	w->refreshed = clock_ms();
	took = w->refreshed - began;
	w->pause = took * REFRESH_SHARE > REFRESH_MS ? took * REFRESH_SHARE : REFRESH_MS;
}

/* The first change is seen at once, those that follow close together. */
static void
refresh_soon(void *arg)
{
	struct broker_pool *w = arg;
	int64_t rest = w->refreshed + w->pause - clock_ms();

	loop_timer_set(w->loop, &w->later, rest > 0 ? rest : 0, refresh, w);
}

/* The links that are up, and since when silence counts there. */
static void
read_links(struct broker_pool *w, struct listening *l, bool set)
{
	size_t i;

	l->links = xcalloc(w->n + 1, sizeof(*l->links));
	l->all = true;
	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->n; i++) {
		struct note *note = find_note(w, broker_session_broker(w->sessions[i]));

		if (note != NULL && note->since_us != 0 && set)
			note->since_us = l->now_us;
		if (note != NULL && note->since_us != 0)
			l->links[l->n++] =
			    (struct silence_link){note->broker, note->since_us};
		else
			l->all = false;
	}
	pthread_mutex_unlock(&w->lock);
}

static int
judge_silence(struct db *db, void *arg, struct err *err)
{
	struct listening *l = arg;

	return silence_judge(db, l->links, l->n, l->all, l->now_us, &l->silent, err);
}

static void listen_again(void *arg);

/* On the writer's thread; the loop reads what it leaves behind what it posts. */
static void
silence_judged(void *arg, const struct err *why)
{
	struct listening *l = arg;

	if (why->code != ERR_OK)
		log_err(why);
	else if (l->silent != 0)
		log_info("%zu devices are silent: disconnected", l->silent);
	l->pool->more_silent = l->silent == SILENCE_STEP;
	loop_post(l->pool->loop, listen_again, l->pool);
	free(l->links);
	free(l);
}

static void
look_for_silence(void *arg)
{
	struct broker_pool *w = arg;
	struct listening *l = xcalloc(1, sizeof(*l));
	const struct silence_clock now = {clock_wall_us(), clock_us()};

	l->pool = w;
	l->now_us = now.wall_us;
	read_links(w, l, silence_was_set(&w->clock, &now));
	store_submit(w->app->store, judge_silence, silence_judged, l);
}

static void
listen_again(void *arg)
{
	struct broker_pool *w = arg;

	if (!w->stopping)
		loop_timer_set(w->loop, &w->silence,
		    w->more_silent ? STEP_MS : SILENCE_MS, look_for_silence, w);
}

struct broker_pool *
broker_pool_new(struct loop *loop, struct app *app, struct err *err)
{
	struct broker_pool *w = xcalloc(1, sizeof(*w));

	w->loop = loop;
	w->app = app;
	pthread_mutex_init(&w->lock, NULL);
	if (read_id(w, err)) {
		broker_pool_free(w);
		return NULL;
	}
	broker_pool_refresh(w);
	listen_again(w);
	return w;
}

void
broker_pool_refresh(struct broker_pool *w)
{
	if (w != NULL && !atomic_exchange(&w->asked, true))
		loop_post(w->loop, refresh_soon, w);
}

void
broker_pool_stop(struct broker_pool *w, void (*done)(void *arg), void *arg)
{
	w->stopping = true;
	loop_timer_stop(&w->silence);
	w->done = done;
	w->arg = arg;
	if (w->n == 0 && w->leaving_n == 0)
		loop_post(w->loop, done, arg);
	while (w->n > 0)
		stop_session(w, w->n - 1);
}

void
broker_pool_free(struct broker_pool *w)
{
	struct err err = {0};

	if (w == NULL)
		return;
	/* Batches that are with the writer still point here. */
	store_run(w->app->store, store_nothing, NULL, &err);
	loop_timer_stop(&w->later);
	loop_timer_stop(&w->silence);
	while (w->n > 0)
		broker_session_free(w->sessions[--w->n]);
	while (w->leaving_n > 0) {
		struct stopping *d = w->leaving[--w->leaving_n];

		broker_session_free(d->session);
		free(d);
	}
	while (w->notes_n > 0)
		free(w->notes[--w->notes_n].reason);
	free(w->notes);
	pthread_mutex_destroy(&w->lock);
	free(w->sessions);
	free(w->leaving);
	free(w->id);
	free(w);
}
