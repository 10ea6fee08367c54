/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EMQX: users and rules of its built-in database, by the management API. Rules go in before logins, so that nobody comes
 * in before there are any for him. */
#include <stdio.h>
#include <stdlib.h>

#include "access/device_password.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "access/access_emqx.h"
#include "iotctl/sync/emqx_api.h"
#include "iotctl/sync/sync_emqx_setup.h"
#include "iotctl/sync/sync_lock.h"

#define USERS SYNC_EMQX_AUTH "/users"
#define RULES SYNC_EMQX_RULES "/rules/users"

/* Users of one import; names in one question for their connections. */
enum { IMPORT = 1000, ASKED = 50 };

static int
open_emqx(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own = xcalloc(1, sizeof(*e));

	return emqx_api_open(&e->api, s->c, err);
}

static int
lock_emqx(struct sync *s, struct span broker, struct err *err)
{
	struct sync_emqx *e = s->own;

	(void)broker;
	return sync_lock_url(rest_base(e->api.rest), err);
}

static void
close_emqx(struct sync *s)
{
	struct sync_emqx *e = s->own;

	if (e == NULL)
		return;
	emqx_api_close(&e->api);
	sync_emqx_setup_release(e);
	free(e);
}

/* A rule as a line; QoS and retain only where they say something. */
static void
put_line(struct buf *out, const json_t *rule)
{
	const json_t *qos = json_object_get(rule, "qos"), *one;
	const json_t *retain = json_object_get(rule, "retain");
	const char *topic = json_string_value(json_object_get(rule, "topic"));
	const char *word = json_string_value(json_object_get(rule, "permission"));
	const char *action = json_string_value(json_object_get(rule, "action"));
	size_t i;

	if (topic == NULL || word == NULL || action == NULL)
		return;
	buf_printf(out, "%s %s %s", word, action, topic);
	if (json_is_array(qos) && json_array_size(qos) < 3) {
		buf_puts(out, " qos");
		json_array_foreach (qos, i, one) {
			buf_printf(out, " %d", (int)json_integer_value(one));
		}
	}
	if (json_is_boolean(retain))
		buf_puts(out, json_is_true(retain) ? " retained" : " not retained");
	buf_putc(out, '\n');
}

static void
put_lines(struct buf *out, const json_t *rules)
{
	const json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		put_line(out, rule);
	}
}

/* Who may do all is one whom EMQX asks no rule. */
static bool
is_superuser(const struct sync *s, const struct sync_user *u)
{
	const struct access *a = access_find(&s->access, u->username);

	return a != NULL && a->n == 1 && a->v[0].allow && a->v[0].action == ACCESS_ALL &&
	    strcmp(a->v[0].topic, "#") == 0 && a->v[0].qos < 0 && a->v[0].retain < 0;
}

static int
render_emqx(struct sync *s, const struct access *a, struct buf *out, struct err *err)
{
	const struct sync_user *u = sync_find(s, a->username);
	json_t *rules = access_emqx(a);

	(void)err;
	put_lines(out, rules);
	if (u != NULL && is_superuser(s, u))
		buf_puts(out, "superuser\n");
	json_decref(rules);
	return 0;
}

static void
take_rules(void *arg, const json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "username"));
	struct sync *s = arg;
	struct buf lines = {0};
	struct sync_user *u;

	if (name == NULL)
		return;
	put_lines(&lines, json_object_get(one, "rules"));
	u = sync_found(s, name, false, NULL, buf_str(&lines));
	u->note |= SYNC_EMQX_HAS_RULES;
	buf_release(&lines);
}

static void
take_user(void *arg, const json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "user_id"));
	bool super = json_is_true(json_object_get(one, "is_superuser"));
	struct sync *s = arg;
	struct sync_user *u;

	if (name == NULL)
		return;
	u = sync_found(s, name, true, NULL, super ? "superuser\n" : NULL);
	if (super) {
		u->kept = true;
		u->note |= SYNC_EMQX_IS_SUPER;
	}
}

static int
read_emqx(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;

	if (sync_emqx_setup_look(s, err))
		return -1;
	/* Before the users: a superuser's line comes last. */
	if (e->has_source && emqx_api_each(&e->api, RULES, take_rules, s, err))
		return -1;
	return e->has_auth ? emqx_api_each(&e->api, USERS, take_user, s, err) : 0;
}

/* One request for each user: rules that are set, and what is deleted. */
struct walk {
	struct sync *s;
	size_t at;
	bool
	    rules_too; /* of the user at `at`: his login is deleted, his rules are next */
};

static void
put_path(struct buf *path, const char *list, const char *name)
{
	buf_printf(path, "%s/", list);
	rest_url_escape(path, span_of(name));
}

static bool
next_request(void *arg, const char **method, struct buf *path, json_t **body, size_t *id)
{
	struct walk *w = arg;

	for (; w->at < w->s->n; w->at++, w->rules_too = false) {
		struct sync_user *u = &w->s->v[w->at];
		bool removed = (u->todo & SYNC_REMOVE) != 0;

		*id = w->at;
		if (removed && u->there && !w->rules_too) {
			*method = "DELETE";
			put_path(path, USERS, u->username);
			w->rules_too = true;
			return true;
		}
		if (removed && (u->note & SYNC_EMQX_HAS_RULES) != 0) {
			*method = "DELETE";
		} else if ((u->todo & SYNC_RULES) != 0) {
			const struct access *a = access_find(&w->s->access, u->username);

			*method = "PUT";
			*body = json_pack("{s:s, s:o}", "username", u->username, "rules",
			    a != NULL ? access_emqx(a) : json_array());
		} else {
			continue;
		}
		put_path(path, RULES, u->username);
		w->at++;
		w->rules_too = false;
		return true;
	}
	return false;
}

/* What is gone already need not be deleted. */
static void
request_failed(void *arg, size_t id, const struct err *why)
{
	struct walk *w = arg;
	struct sync_user *u = &w->s->v[id];
	struct err own = *why;

	if ((u->todo & SYNC_REMOVE) != 0 && why->code == ERR_NOT_FOUND)
		return;
	err_in(&own, _("login '%s'"), u->username);
	sync_failed(w->s, u, &own);
}

/* Whether the login itself is written: is_superuser cannot be without the password. */
static bool
needs_import(const struct sync *s, const struct sync_user *u)
{
	bool super = (u->note & SYNC_EMQX_IS_SUPER) != 0;

	return (u->todo & (SYNC_LOGIN | SYNC_PASSWORD)) != 0 ||
	    ((u->todo & SYNC_RULES) != 0 && u->there && super != is_superuser(s, u));
}

/* NULL: it cannot be sent, which is told. */
static json_t *
make_import(struct sync *s, struct sync_user *u)
{
	const struct sync_emqx *e = s->own;
	char *salt = NULL, *key = NULL;
	json_t *one = NULL;
	struct err why;
	int rounds = 0;

	if (u->password != NULL)
		return json_pack("{s:s, s:s, s:b}", "user_id", u->username, "password",
		    u->password, "is_superuser", is_superuser(s, u));
	if (u->hash != NULL && device_password_parts(u->hash, &rounds, &salt, &key) &&
	    rounds == e->rounds)
		one = json_pack("{s:s, s:s, s:s, s:b}", "user_id", u->username,
		    "password_hash", key, "salt", salt, "is_superuser",
		    is_superuser(s, u));
	else if (u->hash != NULL && rounds == e->rounds)
		err_set(&why, ERR_REFUSED,
		    _("login '%s': EMQX takes no salt that is not printable: its "
		      "password has to be set anew"),
		    u->username);
	else if (u->hash != NULL)
		err_set(&why, ERR_REFUSED,
		    P_("login '%s': its hash has %d round of PBKDF2-SHA512, EMQX's "
		       "authenticator wants %d (0: another kind)",
			"login '%s': its hash has %d rounds of PBKDF2-SHA512, EMQX's "
			"authenticator wants %d (0: another kind)",
			rounds),
		    u->username, rounds, e->rounds);
	else
		err_set(&why, ERR_USAGE,
		    _("login '%s' is a superuser, which only changes with its password, "
		      "and that is not known here"),
		    u->username);
	if (one == NULL)
		sync_failed(s, u, &why);
	free(salt);
	free(key);
	return one;
}

static int
send_import(struct sync *s, bool hashed, json_t *batch, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *answer = NULL;
	size_t n = json_array_size(batch);
	json_int_t taken;

	if (emqx_api_call(&e->api, "POST",
		hashed ? SYNC_EMQX_AUTH "/import_users?type=hash"
		       : SYNC_EMQX_AUTH "/import_users?type=plain",
		batch, &answer, err))
		return -1;
	taken = json_integer_value(json_object_get(answer, "success")) +
	    json_integer_value(json_object_get(answer, "override"));
	json_decref(answer);
	if (taken != (json_int_t)n)
		return err_set(err, ERR_REFUSED,
		    P_("EMQX took %lld of %zu user: run it again, --verify tells which",
			"EMQX took %lld of %zu users: run it again, --verify tells which",
			n),
		    (long long)taken, n);
	return 0;
}

/* All users whose passwords are known, or hashes, up to IMPORT in a request. */
static int
import_users(struct sync *s, bool hashed, struct err *err)
{
	size_t from, to, i;
	int failed = 0;

	for (from = 0; from < s->n && !failed; from = to) {
		json_t *batch = json_array();

		for (to = from; to < s->n && json_array_size(batch) < IMPORT; to++) {
			struct sync_user *u = &s->v[to];
			json_t *one;

			if (u->failed || (u->password == NULL) != hashed ||
			    !needs_import(s, u))
				continue;
			one = make_import(s, u);
			if (one != NULL)
				json_array_append_new(batch, one);
		}
		if (json_array_size(batch) != 0)
			failed = send_import(s, hashed, batch, err);
		else
			json_decref(batch);
		for (i = from; i < to && !failed; i++) {
			struct sync_user *u = &s->v[i];

			if (!u->failed && (u->password == NULL) == hashed &&
			    needs_import(s, u))
				sync_done(s, u);
		}
		sent_secrets_save(&s->sent);
	}
	return failed;
}

static bool
is_kicked(const struct sync_user *u, bool changed_too)
{
	return !u->failed && u->there &&
	    ((u->todo & SYNC_REMOVE) != 0 || (u->todo != 0 && changed_too));
}

static void
take_client(void *arg, const json_t *one)
{
	const char *id = json_string_value(json_object_get(one, "clientid"));

	if (id != NULL)
		json_array_append_new(arg, json_string(id));
}

/* The connections of those who were removed or changed. */
static int
kick(struct sync *s, bool changed_too, struct err *err)
{
	struct sync_emqx *e = s->own;
	size_t i = 0, n = 0;
	int failed = 0;

	while (i < s->n && !failed) {
		struct buf path = {0};
		json_t *ids = json_array();
		int names = 0;

		buf_puts(&path, "/clients?fields=clientid");
		for (; i < s->n && names < ASKED; i++) {
			if (!is_kicked(&s->v[i], changed_too))
				continue;
			buf_puts(&path, "&username=");
			rest_url_escape(&path, span_of(s->v[i].username));
			names++;
		}
		if (names != 0)
			failed =
			    emqx_api_each(&e->api, buf_str(&path), take_client, ids, err);
		n += json_array_size(ids);
		if (!failed && json_array_size(ids) != 0)
			failed = emqx_api_call(&e->api, "POST", "/clients/kickout/bulk",
			    json_incref(ids), NULL, err);
		json_decref(ids);
		buf_release(&path);
	}
	if (!failed && n != 0)
		ctl_say(s->c, _("connections ended: %zu"), n);
	return failed;
}

static int
set_users(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	struct walk w = {.s = s};
	struct emqx_api_many many = {
	    .api = &e->api, .next = next_request, .failed = request_failed, .arg = &w};
	size_t i;

	if (emqx_api_all(&many, err))
		return -1;
	for (i = 0; i < s->n; i++) {
		if (s->v[i].todo != 0 && !s->v[i].failed && !needs_import(s, &s->v[i]))
			sync_done(s, &s->v[i]);
	}
	return import_users(s, false, err) || import_users(s, true, err) ? -1 : 0;
}

/* Who is removed by now is nobody whom the next run finds: his connection ends in this one, whatever else fails. */
static int
apply_emqx(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	struct err why = {0};

	if (sync_emqx_setup_make(s, err))
		return -1;
	if (set_users(s, err)) {
		if (kick(s, false, &why))
			log_err(&why);
		return -1;
	}
	if (kick(s, s->c->args->kick, err) || sync_emqx_setup_close(s, err))
		return -1;
	/* Each client's decisions are kept for a minute. */
	return sync_count(s, SYNC_RULES | SYNC_REMOVE) != 0
	    ? emqx_api_call(&e->api, "DELETE", "/authorization/cache", NULL, NULL, err)
	    : 0;
}

const struct sync_driver sync_emqx = {.name = "emqx",
    .by_hand = "EMQX Dashboard",
    .let_read_and_publish = N_("as the broker's own user is, and one of --service"),
    .sends_wills = true,
    .rules_alone = true,
    .open = open_emqx,
    .lock = lock_emqx,
    .read = read_emqx,
    .render = render_emqx,
    .apply = apply_emqx,
    .close = close_emqx};
