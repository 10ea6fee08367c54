/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/broker_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "loop/loop.h"
#include "mqtt/consumer.h"
#include "iotapi/mqtt/broker_row.h"

enum { LOOK_MS = 100, LEAVE_MS = 1000, RANDOM_DIGITS = 8 };

/* A connection on a loop of its own. */
struct attempt {
	const struct app *app;
	struct loop *loop;
	struct consumer *consumer;
	struct loop_timer timer;
	bool up, ended;
	int64_t until; /* clock_ms */
	struct err why;
};

static void
on_up(void *arg, bool session_present)
{
	struct attempt *a = arg;

	(void)session_present;
	a->up = true;
	loop_stop(a->loop);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct attempt *a = arg;

	a->ended = true;
	if (!a->up)
		a->why = *why;
	loop_stop(a->loop);
}

/* Its own time-out ends an attempt; this one is for a server that is told to stop, and a goodbye that stalls. */
static void
look(void *arg)
{
	struct attempt *a = arg;

	if (atomic_load(&a->app->stopping) || clock_ms() > a->until) {
		err_set(&a->why, ERR_UNREACHABLE, _("the server stops"));
		loop_stop(a->loop);
	} else {
		loop_timer_set(a->loop, &a->timer, LOOK_MS, look, a);
	}
}

/* With a DISCONNECT. */
static void
leave(struct attempt *a)
{
	struct err err = {0};

	a->until = clock_ms() + LEAVE_MS;
	consumer_stop(a->consumer);
	if (!a->ended)
		loop_run(a->loop, &err);
}

static int
try_broker(const struct app *app, const struct broker_row *x, struct broker_test *t,
    struct err *err)
{
	static const struct consumer_events events = {.up = on_up, .ended = on_ended};
	struct attempt a = {.app = app, .until = clock_ms() + t->timeout + LEAVE_MS};
	char digits[RANDOM_DIGITS + 1], client_id[32];
	struct session_opts o = {.client_id = client_id,
	    .username = x->address.username,
	    .password = x->address.password,
	    .keepalive = x->keepalive,
	    .clean = true,
	    .connect_timeout = t->timeout};
	const int64_t began = clock_ms();

	if (random_hex(digits, RANDOM_DIGITS, err) || (a.loop = loop_new(err)) == NULL)
		return -1;
	snprintf(client_id, sizeof(client_id), "iotapi-test-%s", digits);
	session_opts_reach(&o, &x->address);
	/* What cannot even be begun, such as a bad certificate, is the broker's row's fault. */
	a.consumer = consumer_new(a.loop, &o, NULL, 0, &events, &a, &a.why);
	t->stage = "TLS";
	if (a.consumer != NULL) {
		consumer_start(a.consumer);
		look(&a);
		loop_run(a.loop, &a.why);
		t->stage = consumer_stage(a.consumer);
		t->ms = clock_ms() - began;
	}
	if (!a.up)
		t->reason = xstrdup(a.why.text);
	else
		leave(&a);
	loop_timer_stop(&a.timer);
	consumer_free(a.consumer);
	loop_free(a.loop);
	return 1;
}

int
broker_test_run(
    const struct app *app, struct db *db, struct broker_test *t, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err, BROKER_ROW_QUERY, "");
	struct broker_row x = {0};
	struct err why = {0};
	int step = stmt != NULL ? 1 : -1, failed = 0;

	while (step == 1 && x.id != t->broker && (step = db_step(db, stmt, err)) == 1) {
		broker_row_release(&x);
		failed = broker_row_read(app, stmt, &x, &why);
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	if (step == 1) {
		t->name = x.name != NULL ? xstrdup(x.name) : xstrdup("");
		if (failed) {
			t->stage = "CONNACK";
			t->reason = xstrdup(why.text);
		} else {
			step = try_broker(app, &x, t, err);
		}
	}
	broker_row_release(&x);
	return step;
}

void
broker_test_release(struct broker_test *t)
{
	free(t->name);
	free(t->reason);
}
