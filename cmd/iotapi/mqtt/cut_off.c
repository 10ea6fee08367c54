/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/cut_off.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "model/presence.h"
#include "mqtt/consumer.h"
#include "iotapi/mqtt/broker_row.h"

enum {
	CONNECT_MS = 5000,
	QUIET_MS = 500,   /* behind the answer to SUBSCRIBE there is what is retained */
	CHANGE_MS = 3000, /* until our will has come back */
	RANDOM_DIGITS = 8,
};

/* One look at the retained status of a device. */
struct look {
	struct loop *loop;
	struct consumer *consumer;
	struct loop_timer timer;
	int64_t patience;
	bool until_changed; /* a status that says "connected" is not the end */
	bool connected, ended;
	struct err err;
};

static void
on_time(void *arg)
{
	struct look *l = arg;

	loop_stop(l->loop);
}

static void
on_ready(void *arg)
{
	struct look *l = arg;

	loop_timer_set(l->loop, &l->timer, l->patience, on_time, l);
}

static bool
says_connected(struct span payload)
{
	enum presence state;

	return presence_by_message(payload, &state) && state == PRESENCE_ONLINE;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct look *l = arg;

	l->connected = says_connected(m[n - 1].payload);
	consumer_ack(l->consumer, token);
	if (!l->connected || !l->until_changed)
		loop_stop(l->loop);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct look *l = arg;

	l->err = *why;
	l->ended = true;
	loop_stop(l->loop);
}

/* With a DISCONNECT, and so without the will. */
static void
leave(struct look *l)
{
	struct err err = {0};

	if (!l->ended) {
		loop_timer_set(l->loop, &l->timer, CONNECT_MS, on_time, l);
		consumer_stop(l->consumer);
		loop_run(l->loop, &err);
	}
}

/* Reads the status. With a will in `o` one that says "connected" makes it come true: the connection is dropped. */
static int
look_at(struct look *l, const struct session_opts *o, const char *topic, struct err *err)
{
	static const struct consumer_events events = {
	    .batch = on_batch, .ready = on_ready, .ended = on_ended};
	const struct consumer_filter filter = {.filter = topic, .qos = 1};
	int failed;

	l->consumer = consumer_new(l->loop, o, &filter, 1, &events, l, err);
	if (l->consumer == NULL)
		return -1;
	consumer_start(l->consumer);
	failed = loop_run(l->loop, err);
	if (!failed && (o->will_topic == NULL || !l->connected))
		leave(l);
	loop_timer_stop(&l->timer);
	consumer_free(l->consumer);
	if (!failed && l->err.code != ERR_OK)
		*err = l->err;
	return failed || l->err.code != ERR_OK ? -1 : 0;
}

/* Whether it is corrected: 1, need not be: 0. */
static int
correct(struct loop *loop, const struct session_opts *reach, const char *topic,
    const char *device, struct err *err)
{
	struct look first = {.loop = loop, .patience = QUIET_MS};
	struct look then = {.loop = loop, .patience = CHANGE_MS, .until_changed = true};
	struct session_opts o = *reach;
	struct buf will = {0};
	int failed;

	presence_put_message(&will, device, PRESENCE_OFFLINE, (int64_t)time(NULL));
	o.will_topic = topic;
	o.will_payload = buf_as_span(&will);
	o.will_qos = 1;
	o.will_retain = true;
	failed = look_at(&first, &o, topic, err);
	buf_release(&will);
	if (failed || !first.connected)
		return failed;
	if (look_at(&then, reach, topic, err))
		return -1;
	return !then.connected
	    ? 1
	    : err_set(err, ERR_REFUSED, _("'%s' stays as it was: may '%s' publish it?"),
		  topic, reach->username != NULL ? reach->username : "");
}

static int
correct_device(struct loop *loop, const struct app *app, const struct broker_row *x,
    const char *device, struct err *err)
{
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};
	struct session_opts o = {.username = x->address.username,
	    .password = x->address.password,
	    .keepalive = x->keepalive,
	    .clean = true,
	    .connect_timeout = CONNECT_MS};
	char digits[RANDOM_DIGITS + 1], *client_id, *topic = NULL;
	int result;

	if (random_hex(digits, RANDOM_DIGITS, err))
		return -1;
	client_id = xasprintf("iotapi-export-%s", digits);
	o.client_id = client_id;
	session_opts_reach(&o, &x->address);
	result = topic_expand(app->topics.status, &vars, &topic, err)
	    ? -1
	    : correct(loop, &o, topic, device, err);
	free(topic);
	free(client_id);
	return result;
}

/* The one before is told; this one is told by the caller, or before the next. */
static void
keep_reason(struct err *err, const struct err *why, const char *broker)
{
	if (err->code != ERR_OK)
		log_err(err);
	*err = *why;
	err_in(err, _("broker '%s'"), broker);
}

/* A broker that is out of reach is so for all devices. */
static void
correct_broker(struct loop *loop, const struct app *app, const struct broker_row *x,
    const struct strv *devices, size_t *corrected, struct err *err)
{
	struct err why = {0};
	size_t i;

	for (i = 0; i < devices->n && why.code != ERR_UNREACHABLE; i++) {
		int result;

		why = (struct err){0};
		result = correct_device(loop, app, x, devices->v[i], &why);
		if (result < 0)
			keep_reason(err, &why, x->name);
		else
			*corrected += (size_t)result;
	}
}

static int
correct_brokers(struct app *app, struct db *db, const struct strv *devices,
    size_t *corrected, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err, BROKER_ROW_QUERY, "");
	struct loop *loop = loop_new(err);
	int step = stmt != NULL && loop != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		struct broker_row x;
		struct err why = {0};

		if (broker_row_read(app, stmt, &x, &why))
			keep_reason(err, &why, x.name);
		else
			correct_broker(loop, app, &x, devices, corrected, err);
		broker_row_release(&x);
	}
	loop_free(loop);
	return err->code != ERR_OK ? -1 : step;
}

/* A credential that is gone had the name that the toolkit gives one. */
static int
find_devices(struct db *db, const char *username, struct strv *out, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT d.identificador_unico FROM device d LEFT JOIN credential c ON "
	    "c.dispositivo = d.id WHERE coalesce(c.username, 'device_' || "
	    "d.identificador_unico) = ?1 AND d.connection_status = 'online'",
	    "s", username);
	int step = stmt != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1)
		strv_add(out, db_column_text(stmt, 0).p);
	return step;
}

int
cut_off_correct(
    struct app *app, const struct strv *usernames, size_t *corrected, struct err *err)
{
	struct db *db = store_reader(app->store, err);
	struct strv devices = {0};
	int failed = db == NULL;
	size_t i;

	*corrected = 0;
	for (i = 0; i < usernames->n && !failed; i++)
		failed = find_devices(db, usernames->v[i], &devices, err);
	if (!failed && devices.n != 0)
		failed = correct_brokers(app, db, &devices, corrected, err);
	strv_release(&devices);
	store_reader_done(app->store, db);
	return failed ? -1 : 0;
}
