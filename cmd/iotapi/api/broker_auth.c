/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/broker_auth.h"

#include <stdlib.h>

#include "access/access_emqx.h"
#include "access/access_rules.h"
#include "access/device_password.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/auth.h"
#include "iotapi/api/login_cache.h"
#include "iotapi/event.h"
#include "iotapi/http/json_in.h"

/* What is asked, as EMQX sends it: all are strings. */
static const char *
member(const json_t *asked, const char *name)
{
	const char *text = json_string_value(json_object_get(asked, name));

	return text != NULL ? text : "";
}

/* NULL where it is no JSON, or such as is taken from nobody. */
static json_t *
read_body(const struct request *rq)
{
	struct buf why = {0};
	json_t *asked =
	    json_in_read(rq->body.p != NULL ? buf_as_span(&rq->body) : SPAN(""), &why);

	buf_release(&why);
	return asked;
}

static int
answer(struct request *rq, bool allow)
{
	rq->status = 200;
	buf_clear(&rq->out);
	buf_printf(&rq->out, "{\"result\":\"%s\"}", allow ? "allow" : "deny");
	return 0;
}

static bool
has_hash(struct request *rq, const char *password, const char *hash)
{
	rq->must_hash = !rq->may_hash;
	return rq->may_hash && device_password_matches(password, hash);
}

/* PBKDF2 only for what was not right before; what is wrong is hashed each time. */
static bool
is_right(struct request *rq, const char *password, const char *hash)
{
	if (login_cache_has(password, hash))
		return true;
	if (!has_hash(rq, password, hash))
		return false;
	login_cache_add(password, hash);
	return true;
}

/* A database that fails allows nothing, and is no error for EMQX to go on after. */
static bool
is_lost(struct request *rq)
{
	struct err why = {0};

	if (db_failed(rq->db, &why) == 0)
		return false;
	log_err(&why);
	db_forgive(rq->db);
	return true;
}

/* Whether one of the hashes that the query finds for this name is that of the password. */
static bool
is_login(struct request *rq, const char *sql, const char *username, const char *password)
{
	sqlite3_stmt *stmt = db_query(rq->db, NULL, sql, "s", username);
	bool right = false;

	while (
	    stmt != NULL && !right && !rq->must_hash && db_step(rq->db, stmt, NULL) == 1)
		right = is_right(rq, password, db_column_text(stmt, 0).p);
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return right;
}

void
broker_auth_prepare(struct request *rq)
{
	const char *username, *password;
	bool right;

	rq->json = read_body(rq);
	username = member(rq->json, "username");
	password = member(rq->json, "password");
	/* EMQX sends an empty one for none. */
	right = password[0] != '\0' &&
	    (is_login(rq,
		 "SELECT c.password_hash FROM credential c LEFT JOIN \"device-config\" g "
		 "ON g.dispositivo = c.dispositivo WHERE c.username = ?1 AND c.is_active "
		 "AND coalesce(g.is_active, 1) AND c.password_hash IS NOT NULL",
		 username, password) ||
		(!rq->must_hash &&
		    is_login(rq,
			"SELECT password_hash FROM broker WHERE username = ?1 AND "
			"is_active "
			"AND password_hash IS NOT NULL",
			username, password)));
	if (is_lost(rq) || !right)
		answer(rq, false);
}

void
broker_auth_full(struct request *rq)
{
	if (!atomic_load(&rq->app->stopping))
		event_error("address", rq->peer,
		    "devices are denied: too many passwords wait to be checked");
	answer(rq, false);
}

static void
add_pattern(struct request *rq, int64_t id, struct strv *out)
{
	sqlite3_stmt *stmt = db_query(
	    rq->db, NULL, "SELECT topic_pattern FROM topic WHERE id = ?1", "i", id);

	if (stmt != NULL && db_step(rq->db, stmt, NULL) == 1)
		strv_add(out, db_column_text(stmt, 0).p);
	if (stmt != NULL)
		sqlite3_reset(stmt);
}

/* The ids of a device-config's topics, a JSON list. */
static void
add_patterns(struct request *rq, struct span ids, struct strv *out)
{
	struct json_iter it = {.value = ids};

	while (ids.p != NULL && json_next(&it)) {
		char *id = xstrndup(it.item.p, it.item.n);

		add_pattern(rq, strtoll(id, NULL, 10), out);
		free(id);
	}
}

/* The devices of a login; they are copied before other statements run. */
static void
add_devices(struct request *rq, const char *username, struct access_list *out)
{
	sqlite3_stmt *stmt = db_query(rq->db, NULL,
	    "SELECT d.identificador_unico, g.publish_topic, g.subscribe_topics "
	    "FROM credential c JOIN device d ON d.id = c.dispositivo LEFT JOIN "
	    "\"device-config\" g ON g.dispositivo = d.id WHERE c.username = ?1 AND "
	    "c.is_active AND coalesce(g.is_active, 1) ORDER BY d.id",
	    "s", username);

	while (stmt != NULL && db_step(rq->db, stmt, NULL) == 1) {
		struct strv writes = {0}, reads = {0};
		char *id = xstrdup(db_column_text(stmt, 0).p);

		if (!db_is_null(stmt, 1))
			add_pattern(rq, sqlite3_column_int64(stmt, 1), &writes);
		add_patterns(rq, db_column_text(stmt, 2), &reads);
		access_rules_of_device(out, &rq->app->topics,
		    &(struct access_device){username, id, &writes, &reads});
		strv_release(&writes);
		strv_release(&reads);
		free(id);
	}
}

static void
add_service(struct request *rq, const char *username, struct access_list *out)
{
	struct strv patterns = {0};
	sqlite3_stmt *stmt;

	if (db_number(rq->db, 0,
		"SELECT count(*) FROM broker WHERE username = ?1 AND is_active", "s",
		username) == 0)
		return;
	stmt = db_query(rq->db, NULL,
	    "SELECT topic_pattern FROM topic WHERE tipo IN ('publish', 'both')", "");
	while (stmt != NULL && db_step(rq->db, stmt, NULL) == 1)
		strv_add(&patterns, db_column_text(stmt, 0).p);
	access_rules_of_service(out, &rq->app->topics, username, &patterns);
	strv_release(&patterns);
}

/* Of a user that there is; else the list stays empty. */
static const struct access *
find_rules(struct request *rq, const char *username, struct access_list *list)
{
	if (username[0] != '\0') {
		add_devices(rq, username, list);
		add_service(rq, username, list);
	}
	return access_find(list, username);
}

int
broker_auth_login(struct request *rq, struct err *err)
{
	struct access_list list = {0};
	const struct access *a;
	json_t *all;
	char *text;

	(void)err;
	if (rq->status != 0)
		return 0;
	a = find_rules(rq, member(rq->json, "username"), &list);
	if (is_lost(rq) || a == NULL) {
		access_release(&list);
		return answer(rq, false);
	}
	all = json_pack("{s:s, s:b, s:o}", "result", "allow", "is_superuser", 0, "acl",
	    access_emqx(a));
	text = json_dumps(all, JSON_COMPACT);
	rq->status = 200;
	buf_puts(&rq->out, text);
	free(text);
	json_decref(all);
	access_release(&list);
	return 0;
}

int
broker_auth_rule(struct request *rq, struct err *err)
{
	struct access_question q = {0};
	struct access_list list = {0};
	bool allow = false, may_ask;

	(void)err;
	may_ask = auth_check(rq) == 0;
	if (is_lost(rq) || !may_ask)
		return answer(rq, false);
	rq->json = read_body(rq);
	q.username = member(rq->json, "username");
	q.clientid = member(rq->json, "clientid");
	q.action = (enum access_action)access_action_of(member(rq->json, "action"));
	q.topic = member(rq->json, "topic");
	q.qos = member(rq->json, "qos")[0] - '0';
	q.retain = strcmp(member(rq->json, "retain"), "true") == 0;
	if (q.action != 0 && q.topic[0] != '\0')
		allow = access_decide(find_rules(rq, q.username, &list), &q, NULL) ==
		    ACCESS_ALLOWED;
	allow = !is_lost(rq) && allow;
	access_release(&list);
	return answer(rq, allow);
}
