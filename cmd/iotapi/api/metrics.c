/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/metrics.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "iotapi/mqtt/broker_pool.h"

static void
head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(
	    out, "# HELP iotapi_%s %s\n# TYPE iotapi_%s %s\n", name, help, name, type);
}

static void
one(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
	head(out, name, type, help);
	buf_printf(out, "iotapi_%s %lld\n", name, (long long)value);
}

static int
put_devices(struct request *rq, struct err *err)
{
	int64_t n[PRESENCE_ERROR + 1] = {0};
	sqlite3_stmt *stmt = db_query(rq->db, err,
	    "SELECT connection_status, count(*) FROM device WHERE mqtt_enabled GROUP BY "
	    "1",
	    "");
	int step = stmt != NULL ? 1 : -1, i;
	enum presence state;

	while (step == 1 && (step = db_step(rq->db, stmt, err)) == 1) {
		if (presence_by_name(db_column_text(stmt, 0), &state))
			n[state] = sqlite3_column_int64(stmt, 1);
	}
	head(&rq->out, "devices", "gauge", "Devices that speak MQTT, by their presence.");
	for (i = 0; i <= PRESENCE_ERROR; i++)
		buf_printf(&rq->out, "iotapi_devices{status=\"%s\"} %lld\n",
		    presence_names[i], (long long)n[i]);
	return step;
}

/* A label's value: only these three are escaped. */
static void
put_label(struct buf *out, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_puts(out, "\\n");
		else
			buf_printf(out, "%s%c",
			    s.p[i] == '"' || s.p[i] == '\\' ? "\\" : "", s.p[i]);
	}
}

static int
put_brokers(struct request *rq, struct err *err)
{
	sqlite3_stmt *stmt = db_query(
	    rq->db, err, "SELECT id, nombre FROM broker WHERE is_active ORDER BY id", "");
	int step = stmt != NULL ? 1 : -1;

	head(&rq->out, "broker_up", "gauge",
	    "Whether the worker is connected to a broker in use.");
	while (step == 1 && (step = db_step(rq->db, stmt, err)) == 1) {
		char *reason;
		const bool up =
		    broker_pool_link(rq->app->worker, sqlite3_column_int64(stmt, 0),
			&reason) == PRESENCE_ONLINE;

		free(reason);
		buf_puts(&rq->out, "iotapi_broker_up{broker=\"");
		put_label(&rq->out, db_column_text(stmt, 1));
		buf_printf(&rq->out, "\"} %d\n", up);
	}
	return step;
}

static int64_t
given_out(struct request *rq, const char *table)
{
	return db_number(
	    rq->db, 0, "SELECT seq FROM sqlite_sequence WHERE name = ?1", "s", table);
}

static void
put_counts(struct request *rq)
{
	struct app_counts *c = &rq->app->counts;
	int kind;

	one(&rq->out, "readings_total", "counter",
	    "Readings that were stored since the database was made.",
	    given_out(rq, "reading"));
	one(&rq->out, "rejects_total", "counter",
	    "Messages that were no readings, since the database was made.",
	    given_out(rq, "reject"));
	one(&rq->out, "database_bytes", "gauge",
	    "The size of the database, without its WAL.",
	    db_number(rq->db, 0,
		"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
		""));
	one(&rq->out, "sessions_lost_total", "counter",
	    "Kept sessions that a broker had ended before a reconnect, since the start.",
	    (int64_t)atomic_load(&c->sessions_lost));
	head(&rq->out, "http_responses_total", "counter",
	    "Answers since the start, by the class of their status.");
	for (kind = 2; kind <= 5; kind++)
		buf_printf(&rq->out, "iotapi_http_responses_total{code=\"%dxx\"} %llu\n",
		    kind, atomic_load(&c->answers[kind]));
	one(&rq->out, "logins_refused_total", "counter",
	    "Logins with a wrong password, or of a name that has to wait, since the "
	    "start.",
	    (int64_t)atomic_load(&c->logins_refused));
}

int
metrics_get(struct request *rq, struct err *err)
{
	head(&rq->out, "info", "gauge", "Which iotapi this is.");
	buf_printf(&rq->out, "iotapi_info{version=\"%s\"} 1\n", IOT_VERSION);
	one(&rq->out, "start_time_seconds", "gauge", "When it was started, since 1970.",
	    rq->app->started_s);
	if (put_devices(rq, err) || put_brokers(rq, err))
		return -1;
	put_counts(rq);
	rq->type = "text/plain; version=0.0.4; charset=utf-8";
	rq->status = 200;
	return 0;
}
