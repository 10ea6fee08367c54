/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which method and path is which handler. Resources of the schema table have the rows of
 * `generic` each; the other rows come first. */
#include "iotapi/http/routes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "iotapi/api/actions.h"
#include "iotapi/api/auth.h"
#include "iotapi/api/broker_auth.h"
#include "iotapi/api/metrics.h"
#include "iotapi/api/object.h"
#include "iotapi/api/query.h"
#include "iotapi/api/readings.h"
#include "iotapi/api/resource.h"
#include "iotapi/event.h"
#include "iotapi/http/answer.h"
#include "iotapi/mqtt/broker_pool.h"

enum {
	READ_MS = 10000,
	MANY_ROUNDS = 10000, /* of a hash: 5 ms */
};

static const struct route routes[] = {
    {"POST", "/api/auth/login/", NULL, auth_login_prepare, auth_login,
	ROUTE_OPEN | ROUTE_WRITE | ROUTE_HASHES},
    {"POST", "/api/auth/refresh/", NULL, auth_refresh_prepare, auth_refresh,
	ROUTE_OPEN | ROUTE_WRITE},
    {"GET", "/api/users/me/", NULL, NULL, auth_me, 0},
    {"POST", "/api/mqtt/brokers/{id}/activate/", "broker", NULL, actions_activate_broker,
	ROUTE_WRITE},
    {"POST", "/api/mqtt/brokers/{id}/deactivate/", "broker", NULL,
	actions_deactivate_broker, ROUTE_WRITE},
    {"POST", "/api/mqtt/test-connection/", NULL, actions_test_connection_prepare,
	actions_answered, ROUTE_ADMIN | ROUTE_DIALS},
    {"POST", "/api/mqtt/auth/", NULL, broker_auth_prepare, broker_auth_login, 0},
    {"POST", "/api/mqtt/acl/", NULL, NULL, broker_auth_rule, ROUTE_OPEN},
    {"GET", "/api/mqtt/broker-status/", NULL, NULL, actions_broker_status, 0},
    {"GET", "/api/mqtt/topics/publish_topics/", "topic", NULL, actions_publish_topics, 0},
    {"GET", "/api/mqtt/topics/subscribe_topics/", "topic", NULL, actions_subscribe_topics,
	0},
    {"POST", "/api/mqtt/device-config/{id}/update_connection_status/", "device-config",
	actions_config_status_prepare, actions_config_status, ROUTE_WRITE},
    {"GET", "/api/mqtt/device-status/", NULL, NULL, actions_device_status, 0},
    {"POST", "/api/devices/{id}/assign_sensor/", "device", actions_assign_prepare,
	actions_assign_device, ROUTE_WRITE},
    {"DELETE", "/api/devices/{id}/remove_sensor/", "device", NULL, actions_remove_device,
	ROUTE_WRITE},
    {"POST", "/api/readings/bulk/", "reading", readings_bulk_prepare, readings_bulk,
	ROUTE_WRITE},
    {"DELETE", "/api/readings/", "reading", readings_delete_prepare, actions_answered,
	ROUTE_ADMIN},
    {"GET", "/api/readings/rejects/", NULL, NULL, readings_rejects, 0},
    {"GET", "/healthz/", NULL, NULL, actions_health, ROUTE_OPEN},
    {"GET", "/metrics/", NULL, NULL, metrics_get, 0},
};

static const struct {
	enum schema_verb verb;
	bool object;
	struct route route;
} generic[] = {
    {SCHEMA_LIST, false, {.method = "GET", .run = query_list}},
    {SCHEMA_CREATE, false,
	{.method = "POST",
	    .prepare = resource_body_whole,
	    .run = resource_create,
	    .flags = ROUTE_WRITE}},
    {SCHEMA_GET, true, {.method = "GET", .run = resource_get}},
    {SCHEMA_SET, true,
	{.method = "PUT",
	    .prepare = resource_body_whole,
	    .run = resource_update,
	    .flags = ROUTE_WRITE}},
    {SCHEMA_SET, true,
	{.method = "PATCH",
	    .prepare = resource_body_partial,
	    .run = resource_update,
	    .flags = ROUTE_WRITE}},
    {SCHEMA_DELETE, true,
	{.method = "DELETE",
	    .prepare = readings_force_prepare,
	    .run = resource_delete,
	    .flags = ROUTE_WRITE}},
};

/* Whether the path is the pattern with a number for {id}. */
static bool
matches(const char *pattern, const char *path, int64_t *id)
{
	const char *hole = strstr(pattern, "{id}");
	size_t before = hole != NULL ? (size_t)(hole - pattern) : 0;
	char *end;

	if (hole == NULL)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0 || path[before] < '0' ||
	    path[before] > '9')
		return false;
	*id = strtoll(path + before, &end, 10);
	return strcmp(hole + 4, end) == 0;
}

/* HEAD is a GET whose body stays here. */
static bool
is_method(const struct request *rq, const char *method)
{
	return strcmp(rq->method, method) == 0 ||
	    (strcmp(rq->method, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

static void
consider(struct request *rq, const struct route *route, const struct schema_resource *r)
{
	size_t n = strlen(rq->allow);

	snprintf(rq->allow + n, sizeof(rq->allow) - n, "%s%s", n != 0 ? ", " : "",
	    route->method);
	if (rq->route != NULL || !is_method(rq, route->method))
		return;
	rq->route = route;
	rq->resource = r;
}

static void
find_generic(struct request *rq)
{
	const struct schema_resource *r;
	char object[64];
	int64_t id = 0;
	bool one;
	size_t i;

	for (r = schema; r->name != NULL; r++) {
		snprintf(object, sizeof(object), "%s{id}/", r->path);
		one = matches(object, rq->path, &id);
		if (r->optional || (!one && strcmp(r->path, rq->path) != 0))
			continue;
		rq->id = id;
		for (i = 0; i < ARRAY_LEN(generic); i++) {
			if ((r->verbs & generic[i].verb) != 0 && generic[i].object == one)
				consider(rq, &generic[i].route, r);
		}
	}
}

void
routes_find(struct request *rq)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *route = &routes[i];

		if (matches(route->path, rq->path, &rq->id))
			consider(rq, route,
			    route->resource != NULL ? schema_find(route->resource)
						    : NULL);
	}
	find_generic(rq);
}

bool
routes_is_hashing(const struct request *rq)
{
	const char *name = rq->resource != NULL ? rq->resource->name : "";

	return (rq->route->flags & ROUTE_HASHES) != 0 ||
	    (rq->app->hash_rounds >= MANY_ROUNDS &&
		(rq->route->flags & ROUTE_WRITE) != 0 &&
		(strcmp(name, "credential") == 0 || strcmp(name, "broker") == 0));
}

void
routes_refuse(struct request *rq, int seconds)
{
	if (rq->route->prepare == broker_auth_prepare) {
		broker_auth_full(rq);
	} else if (rq->route->prepare == auth_login_prepare) {
		auth_login_full(rq, seconds);
	} else {
		rq->retry_after = seconds;
		answer_detail(rq, 429, "throttled", "Too many wait: try again later.");
	}
}

/* Deleting readings, of which there may be millions. */
bool
routes_is_long(const struct request *rq)
{
	return rq->route->prepare == readings_delete_prepare ||
	    (rq->route->prepare == readings_force_prepare && resource_is_forced(rq));
}

size_t
routes_body_limit(const struct request *rq)
{
	static const char logins[] = "/api/auth/";

	if (strncmp(rq->path, logins, sizeof(logins) - 1) == 0)
		return ROUTES_BODY_OF_ANYBODY;
	return strcmp(rq->path, "/api/readings/bulk/") == 0 ? 8 << 20 : 1 << 20;
}

static int
run_write(struct db *db, void *arg, struct err *err)
{
	struct request *rq = arg;
	int failed;

	rq->db = db;
	failed = rq->route->run(rq, err);
	/* Told to come again, nobody may find it done already. */
	if (!failed && !request_may_hold(rq, rq->body.n + rq->out.n))
		failed = -1;
	/* An answer of its own is no failure of the database, but undoes what was done. */
	if (failed && rq->status != 0)
		err_set(err, ERR_REFUSED, "%u", rq->status);
	return failed;
}

/* The MQTT worker goes by these two. */
static bool
concerns_worker(const struct schema_resource *r)
{
	return r != NULL &&
	    (strcmp(r->name, "broker") == 0 || strcmp(r->name, "topic") == 0);
}

static void
run_on_writer(struct request *rq, struct err *err)
{
	if (store_run(rq->app->store, run_write, rq, err) == 0) {
		if (concerns_worker(rq->resource))
			broker_pool_refresh(rq->app->worker);
		return;
	}
	if (err->code == ERR_REFUSED && rq->status != 0)
		err->code = ERR_OK;
}

/* One snapshot for the whole answer, so that count and results agree. */
static void
run_on_reader(struct request *rq, struct err *err)
{
	if (db_run(rq->db, err, "BEGIN", "") == 0) {
		if (rq->route->run(rq, err) && rq->status != 0)
			err->code = ERR_OK;
		db_run(rq->db, NULL, "COMMIT", "");
	}
}

/* Who asks may: else answered. */
static bool
is_allowed(struct request *rq)
{
	const unsigned flags = rq->route->flags;

	if ((flags & ROUTE_OPEN) != 0)
		return true;
	if (auth_check(rq))
		return false;
	if (!rq->read_only || (flags & (ROUTE_WRITE | ROUTE_ADMIN)) == 0)
		return true;
	answer_detail(
	    rq, 403, NULL, "You do not have permission to perform this action.");
	return false;
}

/* What a request reads takes READ_MS at most, so that questions which are long cannot keep all threads. */
static struct db *
begin_reading(struct request *rq, struct err *err)
{
	rq->db = store_reader(rq->app->store, err);
	if (rq->db != NULL)
		db_set_deadline(rq->db, clock_ms() + READ_MS);
	return rq->db;
}

static void
end_reading(struct request *rq, struct db *reader, struct err *err)
{
	if (reader == NULL)
		return;
	db_failed(reader, err);
	db_set_deadline(reader, 0);
	store_reader_done(rq->app->store, reader);
}

static void
answer_failure(struct request *rq, const struct err *err)
{
	if (err->code == ERR_REFUSED) {
		answer_detail(rq, 400, "too_large",
		    "An object with what belongs to it has more than %d MiB here: let "
		    "it have less.",
		    OBJECT_MOST >> 20);
		return;
	}
	event_error("path", rq->path, "%s failed: %s",
	    rq->route != NULL ? rq->route->method : "a request", err->text);
	if (err->code == ERR_OUTPUT)
		answer_detail(rq, 507, NULL,
		    "There is no room on the disk: nothing of this was stored.");
	else if (err->code == ERR_TIMEOUT)
		answer_detail(
		    rq, 503, NULL, "This takes too long: ask for less at once.");
	else
		answer_detail(rq, 503, NULL, "The database is not available.");
}

bool
routes_may_send(struct request *rq)
{
	struct err err = {0};
	struct db *reader = begin_reading(rq, &err);

	if (reader != NULL)
		auth_check(rq);
	end_reading(rq, reader, &err);
	if (err.code != ERR_OK)
		answer_failure(rq, &err);
	return rq->status == 0;
}

static void
run_route(struct request *rq, struct err *err)
{
	struct db *reader = begin_reading(rq, err);
	bool runs = false;

	if (reader != NULL && is_allowed(rq)) {
		if (rq->route->prepare != NULL)
			rq->route->prepare(rq);
		/* Nothing of a login that was refused is the writer's. */
		runs = rq->status == 0 || (rq->route->flags & ROUTE_OPEN) == 0;
		if ((rq->route->flags & ROUTE_WRITE) == 0)
			run_on_reader(rq, err);
	}
	end_reading(rq, reader, err);
	if (runs && err->code == ERR_OK && (rq->route->flags & ROUTE_WRITE) != 0)
		run_on_writer(rq, err);
}

void
routes_serve(struct request *rq)
{
	struct err err = {0};
	struct db *reader;

	if (rq->allow[0] == '\0') {
		answer_not_found(rq);
		return;
	}
	if (rq->route == NULL) {
		reader = begin_reading(rq, &err);
		if (reader != NULL && auth_check(rq) == 0)
			answer_detail(
			    rq, 405, NULL, "Method \"%s\" not allowed.", rq->method);
		end_reading(rq, reader, &err);
	} else {
		run_route(rq, &err);
	}
	if (err.code != ERR_OK || rq->status == 0)
		answer_failure(rq, &err);
}
