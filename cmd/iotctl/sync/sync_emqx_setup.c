/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether EMQX asks its built-in database at all, and what stands beside it. Nothing is ever deleted here: with an
 * authenticator all its users would be gone. */
#include <ctype.h>

#include "base/log.h"
#include "base/text.h"
#include "iotctl/sync/sync_emqx_setup.h"

#define BUILT_IN "built_in_database"

/* As iotapi makes hashes, unless it is told otherwise. */
enum { ROUNDS = 1000, KEY_BYTES = 64, QUEUE = 1000 };

static const char *
text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL ? text : "";
}

/* What is disabled, as it is sent to be enabled: the id is in the path. */
static json_t *
when_enabled(const json_t *one)
{
	json_t *whole = json_copy((json_t *)one);

	json_object_del(whole, "id");
	json_object_set_new(whole, "enable", json_true());
	return whole;
}

static int
take_authenticator(struct sync *s, const json_t *one, struct err *err)
{
	const json_t *hash = json_object_get(one, "password_hash_algorithm");
	struct sync_emqx *e = s->own;

	e->has_auth = true;
	if (strcmp(text_of(hash, "name"), "pbkdf2") == 0 &&
	    strcmp(text_of(hash, "mac_fun"), "sha512") == 0)
		e->rounds = (int)json_integer_value(json_object_get(hash, "iterations"));
	if (!json_is_true(json_object_get(one, "enable"))) {
		e->auth_off = when_enabled(one);
		log_warn(s->c->args->setup
			? _("EMQX's authenticator of the built-in database is disabled")
			: _("EMQX's authenticator of the built-in database is disabled: "
			    "--setup enables it"));
	}
	if (strcmp(text_of(one, "user_id_type"), "username") != 0)
		return err_set(err, ERR_REFUSED,
		    _("EMQX's authenticator of the built-in database knows clients by "
		      "'%s', not by username"),
		    text_of(one, "user_id_type"));
	return 0;
}

static int
look_at_authentication(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *all = NULL, *one;
	int failed = emqx_api_call(&e->api, "GET", "/authentication", NULL, &all, err);
	size_t i;

	json_array_foreach (all, i, one) {
		if (!failed && strcmp(text_of(one, "backend"), BUILT_IN) == 0 &&
		    strcmp(text_of(one, "mechanism"), "password_based") == 0)
			failed = take_authenticator(s, one, err);
	}
	if (!failed && !e->has_auth && !s->c->args->setup)
		failed = err_set(err, ERR_FAILED,
		    json_array_size(all) == 0
			? _("EMQX has no authenticator of the built-in database, nor any "
			    "other, so that everybody gets in: --setup makes it")
			: _("EMQX has no authenticator of the built-in database: --setup "
			    "makes it"));
	if (!failed && !e->has_auth)
		e->rounds = ROUNDS;
	json_decref(all);
	return failed;
}

/* Whether a line of acl.conf allows everybody everything. */
static bool
allows_all(const char *text)
{
	static const char rule[] = "{allow,all}.";
	bool comment = false;
	size_t at = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			comment = false;
		if (*text == '%')
			comment = true;
		if (comment || isspace((unsigned char)*text))
			continue;
		at = *text == rule[at] ? at + 1 : *text == rule[0];
		if (rule[at] == '\0')
			return true;
	}
	return false;
}

static void
look_at_source(struct sync *s, const json_t *one)
{
	struct sync_emqx *e = s->own;
	bool enabled = json_is_true(json_object_get(one, "enable"));

	if (strcmp(text_of(one, "type"), BUILT_IN) == 0) {
		e->has_source = true;
		if (!enabled) {
			e->source_off = when_enabled(one);
			log_warn(s->c->args->setup
				? _("EMQX's source of rules of the built-in database is "
				    "disabled")
				: _("EMQX's source of rules of the built-in database is "
				    "disabled: --setup enables it"));
		}
	} else if (enabled && strcmp(text_of(one, "type"), "file") == 0 &&
	    allows_all(text_of(one, "rules"))) {
		log_warn(e->has_source
			? _("EMQX's acl.conf allows everybody what no rule of the "
			    "built-in database speaks of")
			: _("EMQX's acl.conf allows everybody everything before the "
			    "built-in database is asked"));
	}
}

static int
look_at_authorization(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *all = NULL, *settings = NULL, *one;
	int failed =
	    emqx_api_call(&e->api, "GET", "/authorization/sources", NULL, &all, err) ||
	    emqx_api_call(
		&e->api, "GET", "/authorization/settings", NULL, &settings, err);
	size_t i;

	json_array_foreach (json_object_get(all, "sources"), i, one) {
		look_at_source(s, one);
	}
	if (!failed && strcmp(text_of(settings, "no_match"), "allow") == 0)
		log_warn(s->c->args->setup
			? _("EMQX allows what no rule speaks of (no_match = allow)")
			: _("EMQX allows what no rule speaks of (no_match = allow): "
			    "--setup changes that"));
	if (!failed && !e->has_source && !s->c->args->setup)
		failed = err_set(err, ERR_FAILED,
		    _("EMQX has no rules of the built-in database: --setup makes it"));
	json_decref(settings);
	json_decref(all);
	return failed ? -1 : 0;
}

/* EMQX counts a login that fails, and writes it down: not at each run of a timer. */
static void
try_default_login(struct sync *s)
{
	struct sync_emqx *e = s->own;
	struct err why = {0};

	if (emqx_api_call(&e->api, "POST", "/login",
		json_pack("{s:s, s:s}", "username", "admin", "password", "public"), NULL,
		&why) == 0)
		log_warn(_("EMQX's dashboard still lets 'admin' in with the password "
			   "that everybody knows"));
}

static void
look_at_queue(struct sync *s)
{
	struct sync_emqx *e = s->own;
	struct err why = {0};
	json_t *zone = NULL;
	const json_t *most;

	if (emqx_api_call(&e->api, "GET", "/configs/global_zone", NULL, &zone, &why) ==
	    0) {
		most = json_object_get(json_object_get(zone, "mqtt"), "max_mqueue_len");
		if (json_is_integer(most) && json_integer_value(most) <= QUEUE)
			log_warn(P_("EMQX keeps %d message for a client that is away, "
				    "and drops the oldest beyond (max_mqueue_len)",
				     "EMQX keeps %d messages for a client that is away, "
				     "and drops the oldest beyond (max_mqueue_len)",
				     json_integer_value(most)),
			    (int)json_integer_value(most));
	}
	json_decref(zone);
}

int
sync_emqx_setup_look(struct sync *s, struct err *err)
{
	if (look_at_authentication(s, err) || look_at_authorization(s, err))
		return -1;
	/* What has nothing to do with rules, but should be known. */
	look_at_queue(s);
	if (s->c->args->setup || s->c->args->verify)
		try_default_login(s);
	return 0;
}

static int
make_authenticator(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *body = json_pack("{s:s, s:s, s:b, s:s, s:{s:s, s:s, s:i, s:i}}",
	    "mechanism", "password_based", "backend", BUILT_IN, "enable", 0,
	    "user_id_type", "username", "password_hash_algorithm", "name", "pbkdf2",
	    "mac_fun", "sha512", "iterations", ROUNDS, "dk_length", KEY_BYTES);

	e->auth_off = when_enabled(body);
	if (emqx_api_call(&e->api, "POST", "/authentication", body, NULL, err))
		return -1;
	e->has_auth = true;
	ctl_say(s->c,
	    _("EMQX has an authenticator of the built-in database now, disabled until "
	      "its users are there"));
	return 0;
}

static int
make_source(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *body = json_pack("{s:s, s:b}", "type", BUILT_IN, "enable", 0);

	e->source_off = when_enabled(body);
	if (emqx_api_call(&e->api, "POST", "/authorization/sources", body, NULL, err))
		return -1;
	e->has_source = true;
	ctl_say(s->c,
	    _("EMQX has a source of rules of the built-in database now, disabled until "
	      "they are there"));
	return 0;
}

int
sync_emqx_setup_make(struct sync *s, struct err *err)
{
	const struct sync_emqx *e = s->own;

	if (!s->c->args->setup)
		return 0;
	return (!e->has_auth && make_authenticator(s, err)) ||
		(!e->has_source && make_source(s, err))
	    ? -1
	    : 0;
}

/* Takes *off, which may be NULL. */
static int
enable(struct sync *s, const char *path, json_t **off, const char *done, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *body = *off;

	*off = NULL;
	if (body == NULL)
		return 0;
	if (emqx_api_call(&e->api, "PUT", path, body, NULL, err))
		return -1;
	ctl_say(s->c, "%s", done);
	return 0;
}

static int
deny_the_rest(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;
	json_t *settings = NULL;
	int failed = emqx_api_call(
	    &e->api, "GET", "/authorization/settings", NULL, &settings, err);

	if (!failed && strcmp(text_of(settings, "no_match"), "allow") == 0) {
		json_object_set_new(settings, "no_match", json_string("deny"));
		failed = emqx_api_call(&e->api, "PUT", "/authorization/settings",
		    json_incref(settings), NULL, err);
		if (!failed)
			ctl_say(s->c,
			    _("EMQX denies what no rule speaks of now (no_match = "
			      "deny)"));
	}
	json_decref(settings);
	return failed;
}

/* Rules first: who is let in by them is asked for his login last. */
int
sync_emqx_setup_close(struct sync *s, struct err *err)
{
	struct sync_emqx *e = s->own;

	if (!s->c->args->setup)
		return 0;
	return enable(s, SYNC_EMQX_RULES, &e->source_off,
		   _("EMQX asks the rules of the built-in database now"), err) ||
		enable(s, SYNC_EMQX_AUTH, &e->auth_off,
		    _("EMQX asks the authenticator of the built-in database now"), err) ||
		deny_the_rest(s, err)
	    ? -1
	    : 0;
}

void
sync_emqx_setup_release(struct sync_emqx *e)
{
	json_decref(e->auth_off);
	json_decref(e->source_off);
}
