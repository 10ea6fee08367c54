/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the API does besides create, get, update and delete. */
#include "iotapi/api/actions.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/presence.h"
#include "iotapi/api/object.h"
#include "iotapi/db/rows.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/json_out.h"
#include "iotapi/api/resource.h"
#include "iotapi/mqtt/broker_pool.h"
#include "iotapi/mqtt/broker_test.h"
#include "iotapi/mqtt/store_presence.h"

enum { TEST_S = 10, TEST_MOST_S = 60 };

static int
set_active(struct request *rq, int active, const char *done, struct err *err)
{
	sqlite3_stmt *stmt;

	if (!rows_exists(rq->db, rq->resource, rq->id))
		return answer_not_found(rq);
	if (db_run(rq->db, err, "UPDATE broker SET is_active = ?2 WHERE id = ?1", "ii",
		rq->id, (int64_t)active))
		return -1;
	stmt =
	    db_query(rq->db, err, "SELECT nombre FROM broker WHERE id = ?1", "i", rq->id);
	if (stmt == NULL || db_step(rq->db, stmt, err) != 1)
		return -1;
	answer_text(rq, 200, "message", "Broker %s %s", db_column_text(stmt, 0).p, done);
	sqlite3_reset(stmt);
	return 0;
}

int
actions_activate_broker(struct request *rq, struct err *err)
{
	return set_active(rq, 1, "activated successfully", err);
}

int
actions_deactivate_broker(struct request *rq, struct err *err)
{
	return set_active(rq, 0, "deactivated successfully", err);
}

static void
put_link(struct request *rq, int64_t broker, const char *name)
{
	char *reason;
	enum presence state = broker_pool_link(rq->app->worker, broker, &reason);

	json_out_comma(&rq->out);
	buf_putc(&rq->out, '{');
	json_out_key(&rq->out, "id");
	json_out_int(&rq->out, broker);
	json_out_key(&rq->out, "nombre");
	json_out_string(&rq->out, name);
	json_out_key(&rq->out, "connection_status");
	json_out_string(&rq->out, presence_status_words[state]);
	json_out_key(&rq->out, "reason");
	if (reason != NULL)
		json_out_string(&rq->out, reason);
	else
		buf_puts(&rq->out, "null");
	buf_putc(&rq->out, '}');
	free(reason);
}

int
actions_broker_status(struct request *rq, struct err *err)
{
	sqlite3_stmt *stmt =
	    db_query(rq->db, err, "SELECT id, nombre FROM broker ORDER BY id", "");
	int step = stmt != NULL ? 1 : -1;

	buf_putc(&rq->out, '[');
	while (step == 1 && (step = db_step(rq->db, stmt, err)) == 1)
		put_link(rq, sqlite3_column_int64(stmt, 0), db_column_text(stmt, 1).p);
	buf_putc(&rq->out, ']');
	if (stmt != NULL)
		sqlite3_reset(stmt);
	rq->status = step == 0 ? 200 : 0;
	return step;
}

/* A whole number of the body within limits; `missing` where it may be left out, < 0 where not. */
static int64_t
need_number(struct request *rq, const char *name, int64_t most, int64_t missing)
{
	const json_t *v = json_object_get(rq->json, name);

	if (v == NULL && missing >= 0)
		return missing;
	if (v == NULL)
		field_errs_add(&rq->errs, name, "This field is required.");
	else if (!json_is_integer(v))
		field_errs_add(&rq->errs, name, "A valid integer is required.");
	else if (json_integer_value(v) < 1 || json_integer_value(v) > most)
		field_errs_add(&rq->errs, name, "A number from 1 to %lld is required.",
		    (long long)most);
	return json_integer_value(v);
}

static void
put_test(struct request *rq, const struct broker_test *t)
{
	const bool good = t->reason == NULL;

	answer_text(rq, 200, "message",
	    good ? "Connection to the broker %s succeeded"
		 : "Connection to the broker %s failed",
	    t->name);
	rq->out.n--; /* its brace */
	json_out_key(&rq->out, "success");
	buf_puts(&rq->out, good ? "true" : "false");
	json_out_key(&rq->out, "stage");
	json_out_string(&rq->out, t->stage);
	json_out_key(&rq->out, "reason");
	if (good)
		buf_puts(&rq->out, "null");
	else
		json_out_string(&rq->out, t->reason);
	json_out_key(&rq->out, "ms");
	json_out_int(&rq->out, t->ms);
	json_out_key(&rq->out, "broker");
	object_get(&rq->out, rq->db, schema_find("broker"), t->broker, false, NULL);
	buf_putc(&rq->out, '}');
}

void
actions_test_connection_prepare(struct request *rq)
{
	static const char *const names[] = {"broker_id", "timeout", NULL};
	struct broker_test t = {0};
	struct err err = {0};
	int found;

	resource_body_named(rq, names);
	if (rq->status != 0)
		return;
	t.broker = need_number(rq, "broker_id", INT64_MAX, -1);
	t.timeout = need_number(rq, "timeout", TEST_MOST_S, TEST_S) * 1000;
	if (rq->errs.n == 0) {
		/* The broker may take longer than the database has. */
		db_set_deadline(rq->db, 0);
		found = broker_test_run(rq->app, rq->db, &t, &err);
		if (found == 1)
			put_test(rq, &t);
		else if (found == 0)
			field_errs_add(&rq->errs, "broker_id",
			    "The broker does not exist or is not active.");
		else
			log_error("%s %s: %s", rq->method, rq->path, err.text);
	}
	if (rq->errs.n != 0)
		answer_errs(rq);
	broker_test_release(&t);
}

int
actions_answered(struct request *rq, struct err *err)
{
	(void)err;
	return rq->status != 0 ? 0 : -1;
}

/* A bare array of the rows that `where` chooses. */
static int
put_array(struct request *rq, const char *where, struct err *err)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	int step = 1;

	buf_puts(&sql, object_select(rq->resource, false));
	buf_puts(&sql, where);
	stmt = db_query(rq->db, err, buf_str(&sql), "");
	buf_release(&sql);
	if (stmt == NULL)
		return -1;
	buf_putc(&rq->out, '[');
	while (step == 1 && (step = db_step(rq->db, stmt, err)) == 1) {
		json_out_comma(&rq->out);
		if (object_put(&rq->out, rq->db, rq->resource, stmt, false, err) ||
		    !request_may_hold(rq, rq->out.n)) {
			sqlite3_reset(stmt);
			return -1;
		}
	}
	buf_putc(&rq->out, ']');
	sqlite3_reset(stmt);
	rq->status = step == 0 ? 200 : 0;
	return step;
}

int
actions_publish_topics(struct request *rq, struct err *err)
{
	return put_array(
	    rq, " WHERE t.tipo IN ('publish', 'both') ORDER BY t.nombre", err);
}

int
actions_subscribe_topics(struct request *rq, struct err *err)
{
	return put_array(
	    rq, " WHERE t.tipo IN ('subscribe', 'both') ORDER BY t.nombre", err);
}

void
actions_config_status_prepare(struct request *rq)
{
	static const char *const names[] = {"status", NULL};

	resource_body_named(rq, names);
}

int
actions_config_status(struct request *rq, struct err *err)
{
	const char *word = json_string_value(json_object_get(rq->json, "status"));
	enum presence state;
	bool known = presence_by_status(span_of(word), &state);
	int64_t device;
	char now[32];

	if (!rows_exists(rq->db, rq->resource, rq->id))
		return answer_not_found(rq);
	if (rq->status != 0)
		return -1;
	if (!known)
		return answer_text(rq, 400, "error",
		    "Invalid status. Use: connected, disconnected or error");
	device = db_number(rq->db, 0,
	    "SELECT dispositivo FROM \"device-config\" WHERE id = ?1", "i", rq->id);
	rows_now(now);
	if (store_presence(
		rq->db, device, state, state == PRESENCE_ONLINE ? now : NULL, err))
		return -1;
	buf_puts(&rq->out, "{\"message\":\"Connection status updated\",\"config\":");
	if (object_get(&rq->out, rq->db, rq->resource, rq->id, false, err) != 1)
		return -1;
	buf_putc(&rq->out, '}');
	rq->status = 200;
	return 0;
}

/* A whole number of the body, 0 when it is none. */
static int64_t
body_id(struct request *rq, const char *name)
{
	const json_t *v = json_object_get(rq->json, name);
	int64_t id;

	if (json_is_string(v))
		return text_int(json_string_value(v), 1, INT64_MAX, name, &id, NULL) ? 0
										     : id;
	return json_integer_value(v);
}

static int
put_assignment(struct request *rq, int64_t id, struct err *err)
{
	sqlite3_stmt *stmt =
	    db_query(rq->db, err, OBJECT_ASSIGNMENTS " WHERE a.id = ?1", "i", id);
	int failed = stmt == NULL || db_step(rq->db, stmt, err) != 1 ||
	    object_put_assignment(&rq->out, rq->db, stmt, err);

	if (stmt != NULL)
		sqlite3_reset(stmt);
	return failed ? -1 : 0;
}

static int
insert_assignment(struct request *rq, int64_t sensor, struct err *err)
{
	const json_t *config = json_object_get(rq->json, "configuracion_json");
	struct buf text = {0};
	char now[32];
	int failed;

	if (config != NULL)
		json_out_value(&text, config);
	else
		buf_puts(&text, "{}");
	failed = db_run(rq->db, err,
	    "INSERT INTO assignment (dispositivo, sensor, configuracion_json, "
	    "fecha_asignacion) VALUES (?1, ?2, ?3, ?4)",
	    "iits", rq->id, sensor, buf_as_span(&text), rows_now(now));
	buf_release(&text);
	return failed;
}

void
actions_assign_prepare(struct request *rq)
{
	static const char *const names[] = {"sensor_id", "configuracion_json", NULL};

	resource_body_named(rq, names);
}

int
actions_assign_device(struct request *rq, struct err *err)
{
	int64_t sensor = body_id(rq, "sensor_id");

	if (!rows_exists(rq->db, rq->resource, rq->id))
		return answer_not_found(rq);
	if (rq->status != 0)
		return -1;
	if (!rows_exists(rq->db, schema_find("sensor"), sensor)) {
		field_errs_add(&rq->errs, "sensor_id",
		    json_object_get(rq->json, "sensor_id") == NULL
			? "This field is required."
			: "The sensor does not exist.");
		return answer_errs(rq);
	}
	if (db_number(rq->db, 0,
		"SELECT 1 FROM assignment WHERE dispositivo = ?1 AND sensor = ?2", "ii",
		rq->id, sensor) == 1)
		return answer_text(
		    rq, 400, "error", "The sensor is already assigned to this device");
	if (insert_assignment(rq, sensor, err))
		return -1;
	buf_puts(
	    &rq->out, "{\"message\":\"Sensor assigned successfully\",\"asignacion\":");
	if (put_assignment(rq, db_last_id(rq->db), err))
		return -1;
	buf_putc(&rq->out, '}');
	rq->status = 201;
	return 0;
}

int
actions_remove_device(struct request *rq, struct err *err)
{
	const char *sensor = request_arg(rq, "sensor_id");
	int64_t id;

	if (!rows_exists(rq->db, rq->resource, rq->id))
		return answer_not_found(rq);
	if (sensor == NULL)
		return answer_text(
		    rq, 400, "error", "The parameter sensor_id is required");
	if (text_int(sensor, 1, INT32_MAX, "sensor_id", &id, NULL)) {
		field_errs_add(&rq->errs, "sensor_id", "A valid integer is required.");
		return answer_errs(rq);
	}
	if (db_run(rq->db, err,
		"DELETE FROM assignment WHERE dispositivo = ?1 AND sensor = ?2", "ii",
		rq->id, id))
		return -1;
	if (db_changes(rq->db) == 0)
		return answer_text(rq, 404, "error", "The assignment does not exist");
	answer_text(rq, 200, "message", "Sensor removed successfully");
	return 0;
}

static int
count_devices(struct db *db, int64_t n[PRESENCES], struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT connection_status, count(*) FROM device WHERE mqtt_enabled = 1 GROUP "
	    "BY "
	    "connection_status",
	    "");
	int step = stmt != NULL ? 1 : -1;
	enum presence state;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		if (presence_by_name(db_column_text(stmt, 0), &state))
			n[state] = sqlite3_column_int64(stmt, 1);
	}
	return step;
}

/* While nothing is written it is counted once: many ask for it all the time. */
int
actions_device_status(struct request *rq, struct err *err)
{
	static const char key[] = "device-status";
	int64_t n[PRESENCES] = {0}, all;
	struct span known;

	rq->status = 200;
	if (db_recall(rq->db, span_of(key), &known)) {
		buf_span(&rq->out, known);
		return 0;
	}
	if (count_devices(rq->db, n, err)) {
		rq->status = 0;
		return -1;
	}
	all = n[PRESENCE_ONLINE] + n[PRESENCE_OFFLINE] + n[PRESENCE_ERROR];
	buf_printf(&rq->out,
	    "{\"total_mqtt_devices\":%lld,\"online\":%lld,\"offline\":%lld,\"error\":%"
	    "lld,\"percentage_online\":",
	    (long long)all, (long long)n[PRESENCE_ONLINE], (long long)n[PRESENCE_OFFLINE],
	    (long long)n[PRESENCE_ERROR]);
	/* Hundredths first, so that 66.67 is printed and not 66.66999. */
	json_out_float(&rq->out,
	    all > 0 ? (double)((n[PRESENCE_ONLINE] * 20000 + all) / (2 * all)) / 100 : 0);
	buf_putc(&rq->out, '}');
	db_remember(rq->db, span_of(key), buf_as_span(&rq->out));
	return 0;
}

/* A row as the API shows it, with what belongs to it. */
static int
try_row(struct db *db, const struct schema_resource *r, struct err *err)
{
	struct buf sql = {0}, row = {0};
	sqlite3_stmt *stmt;
	int step = -1;

	buf_puts(&sql, object_select(r, true));
	buf_puts(&sql, " LIMIT 1");
	stmt = db_query(db, err, buf_str(&sql), "");
	if (stmt != NULL)
		step = db_step(db, stmt, err);
	if (step == 1)
		step = object_put(&row, db, r, stmt, true, err);
	if (stmt != NULL)
		sqlite3_reset(stmt);
	buf_release(&sql);
	buf_release(&row);
	/* One that is too long to be shown is no failure of the database. */
	if (step < 0 && err->code == ERR_REFUSED) {
		*err = (struct err){0};
		step = 1;
	}
	return step;
}

int
actions_health(struct request *rq, struct err *err)
{
	const struct schema_resource *r;
	struct buf bad = {0};

	for (r = schema; r->name != NULL; r++) {
		if (r->optional || try_row(rq->db, r, err) >= 0)
			continue;
		log_error("%s: %s: %s", rq->path, r->name, err->text);
		buf_printf(&bad, "%s%s", bad.n != 0 ? ", " : "", r->name);
	}
	db_forgive(rq->db); /* all is told here */
	if (bad.n != 0)
		answer_text(rq, 503, "error", "Cannot be read: %s", buf_str(&bad));
	else
		answer_text(rq, 200, "status", "ok");
	buf_release(&bad);
	return rq->status == 200 ? 0 : -1;
}
