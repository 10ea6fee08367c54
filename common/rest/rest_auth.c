/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a token comes from: the one given, else the cache, else a refresh, else a login. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_error.h"
#include "rest/rest_int.h"

enum { LOCK_AGAIN = 50 };

static struct token_cache_key
cache_key(const struct rest *a)
{
	return (struct token_cache_key){
	    .context = a->opts.context, .base = a->base, .username = a->opts.username};
}

/* The platform's own, and simplejwt's as its manual has it. */
static const char *const login_paths[] = {"/api/auth/login/", "/api/token/"};

/* The next place to log in, from a->auth.tried on: the one that is set or was found before comes first. NULL:
 * there is no more. */
static const char *
login_path(struct rest *a)
{
	const char *first = a->auth.given != NULL ? a->auth.given : a->auth.path;

	if (a->auth.tried == 0 && first == NULL)
		a->auth.tried++;
	if (a->auth.tried == 0)
		return first;
	if (a->auth.tried <= ARRAY_LEN(login_paths) && first != NULL &&
	    strcmp(first, login_paths[a->auth.tried - 1]) == 0)
		a->auth.tried++;
	return a->auth.tried <= ARRAY_LEN(login_paths) ? login_paths[a->auth.tried - 1]
						       : NULL;
}

/* A login's /login/ or /create/ has its /refresh/ beside it, another has it below. (Free.) */
static char *
refresh_path(const struct rest *a)
{
	static const char *const verbs[] = {"/login/", "/create/"};
	const char *path = a->auth.path != NULL ? a->auth.path
	    : a->auth.given != NULL             ? a->auth.given
						: login_paths[0];
	size_t n = strlen(path), i;

	for (i = 0; i < ARRAY_LEN(verbs); i++) {
		size_t m = strlen(verbs[i]);

		if (n >= m && strcmp(path + n - m, verbs[i]) == 0)
			return xasprintf("%.*s/refresh/", (int)(n - m), path);
	}
	return xasprintf("%srefresh/", path);
}

/* Where a login was that is in the cache. */
static void
load_tokens(struct rest *a)
{
	const struct token_cache_key key = cache_key(a);

	token_cache_load(&key, &a->auth.tokens);
	if (a->auth.tokens.auth_path == NULL)
		return;
	free(a->auth.path);
	a->auth.path = xstrdup(a->auth.tokens.auth_path);
}

/* Everyone who waits gets the same answer; they may ask again from inside it. */
static void
auth_end(struct rest *a, const struct err *why)
{
	struct rest_waiter *w = a->auth.waiters;

	a->auth.waiters = NULL;
	a->auth.busy = false;
	if (a->auth.lock >= 0)
		close(a->auth.lock);
	a->auth.lock = -1;
	mem_free_secret(a->auth.password);
	a->auth.password = NULL;
	while (w != NULL) {
		struct rest_waiter *next = w->next;

		w->fn(w->arg, why == NULL ? a->auth.tokens.access : NULL, why);
		free(w);
		w = next;
	}
}

static void
auth_store(struct rest *a)
{
	const struct token_cache_key key = cache_key(a);
	struct err why = {0};

	if (token_cache_save(&key, &a->auth.tokens, a->auth.username, a->auth.own, &why))
		log_warn("%s", why.text);
	auth_end(a, NULL);
}

static void
auth_post(struct rest *a, const char *path, json_t *body,
    void (*fn)(void *arg, struct rest_outcome *end))
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct rest_exchange x = {.method = "POST",
	    .path = path,
	    .body = span_of(text),
	    .timeout = a->auth.deadline - loop_now(a->loop)};

	rest_curl_send(a->curl, &x, fn, a);
	mem_free_secret(text);
	json_decref(body);
}

static void login_send(struct rest *a);

static void
login_done(struct rest *a)
{
	char *path = xstrdup(login_path(a));

	free(a->auth.path);
	a->auth.path = path;
	free(a->auth.tokens.auth_path);
	a->auth.tokens.auth_path = xstrdup(path);
	auth_store(a);
}

/* The platform answers a wrong password with 400, simplejwt with 401. */
static void
login_explain(const struct rest *a, struct rest_outcome *end)
{
	struct err *why = &end->err;
	struct buf text = {0};

	if (end->reply.status / 100 == 2) {
		err_set(why, ERR_PROTOCOL,
		    _("the API at '%s' answered a login without a token"), a->base);
	} else if (end->reply.status == 404) {
		err_set(why, ERR_PROTOCOL,
		    _("there is no login at '%s%s' (404): is the URL right? Else set "
		      "auth_path"),
		    a->base, a->auth.given != NULL ? a->auth.given : login_paths[0]);
	} else if (end->reply.status == 401) {
		rest_error_explain(401, buf_as_span(&end->reply.body), &text);
		err_set(why, ERR_AUTH, "%s", buf_str(&text));
	} else if (end->reply.status != 0) {
		rest_error_set(&(struct rest_peer){.url = a->base}, &end->reply, why);
	}
	buf_release(&text);
}

static void
on_login(void *arg, struct rest_outcome *end)
{
	struct rest *a = arg;
	struct err *why = &end->err;

	if (end->reply.status / 100 == 2 &&
	    token_cache_parse(buf_as_span(&end->reply.body), &a->auth.tokens)) {
		login_done(a);
		return;
	}
	if (end->reply.status == 404) {
		a->auth.tried++;
		if (login_path(a) != NULL) {
			login_send(a);
			return;
		}
	}
	login_explain(a, end);
	if (why->code == ERR_REFUSED || why->code == ERR_AUTH) {
		why->code = ERR_AUTH;
		err_in(
		    why, _("cannot log in as '%s' at '%s'"), a->auth.username, a->base);
	}
	auth_end(a, why);
}

static void
login_send(struct rest *a)
{
	json_t *body = json_pack(
	    "{s:s, s:s}", "username", a->auth.username, "password", a->auth.password);
	struct err why = {0};

	if (body == NULL) {
		err_set(&why, ERR_USAGE, _("user name and password must be UTF-8"));
		auth_end(a, &why);
		return;
	}
	auth_post(a, login_path(a), body, on_login);
}

static void
login_from_file(struct rest *a)
{
	struct err why = {0};

	if (a->opts.username == NULL || a->opts.password_file == NULL) {
		err_set(&why, ERR_AUTH,
		    _("not logged in at '%s': run 'iotctl login %s', or set "
		      "IOT_TOKEN_FILE"),
		    a->base, a->base);
		auth_end(a, &why);
		return;
	}
	if (file_read_secret(a->opts.password_file, &a->auth.password, &why)) {
		auth_end(a, &why);
		return;
	}
	free(a->auth.username);
	a->auth.username = xstrdup(a->opts.username);
	login_send(a);
}

static void
on_refresh(void *arg, struct rest_outcome *end)
{
	struct rest *a = arg;

	if (end->reply.status / 100 == 2 &&
	    token_cache_parse(buf_as_span(&end->reply.body), &a->auth.tokens)) {
		auth_store(a);
		return;
	}
	if (end->reply.status == 0) {
		auth_end(a, &end->err);
		return;
	}
	/* A server that is busy or ill has said nothing about the token. */
	if (end->reply.status == 429 || end->reply.status >= 500) {
		rest_error_set(
		    &(struct rest_peer){.url = a->base}, &end->reply, &end->err);
		auth_end(a, &end->err);
		return;
	}
	token_cache_release(&a->auth.tokens);
	login_from_file(a);
}

static bool
is_fresh(const struct rest *a)
{
	return a->auth.tokens.access != NULL &&
	    (a->auth.stale == NULL || strcmp(a->auth.tokens.access, a->auth.stale) != 0);
}

/* With the cache locked: another process may have renewed it while we waited. */
static void
renew(struct rest *a)
{
	json_t *body;
	char *path;

	load_tokens(a);
	if (is_fresh(a)) {
		auth_end(a, NULL);
		return;
	}
	if (a->auth.tokens.refresh == NULL) {
		login_from_file(a);
		return;
	}
	body = json_pack("{s:s}", "refresh", a->auth.tokens.refresh);
	path = refresh_path(a);
	auth_post(a, path, body, on_refresh);
	free(path);
}

/* A refresh token works once: two processes must not spend the same. */
static void
lock_cache(void *arg)
{
	struct rest *a = arg;
	const struct token_cache_key key = cache_key(a);
	struct err why = {0};

	a->auth.lock = token_cache_lock(&key);
	if (a->auth.lock != -1) {
		renew(a);
	} else if (loop_now(a->loop) >= a->auth.deadline) {
		err_set(&why, ERR_UNREACHABLE,
		    _("another process holds the token cache: try again"));
		auth_end(a, &why);
	} else {
		loop_timer_set(a->loop, &a->auth.again, LOCK_AGAIN, lock_cache, a);
	}
}

static void
auth_start(struct rest *a, const char *stale)
{
	a->auth.busy = true;
	a->auth.tried = 0;
	free(a->auth.stale);
	a->auth.stale = stale != NULL ? xstrdup(stale) : NULL;
	a->auth.deadline = rest_deadline(a);
	free(a->auth.username);
	a->auth.username = xstrdup(a->opts.username != NULL ? a->opts.username : "");
}

void
rest_auth_want(struct rest *a, const char *stale,
    void (*fn)(void *arg, const char *token, const struct err *why), void *arg)
{
	struct rest_waiter *w, **at = &a->auth.waiters;
	bool differs;

	if (a->opts.token != NULL) {
		fn(arg, a->opts.token, NULL);
		return;
	}
	if (!a->auth.loaded)
		load_tokens(a);
	a->auth.loaded = true;
	differs = stale == NULL || a->auth.tokens.access == NULL ||
	    strcmp(a->auth.tokens.access, stale) != 0;
	if (!a->auth.busy && differs && a->auth.tokens.access != NULL) {
		fn(arg, a->auth.tokens.access, NULL);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct rest_waiter){.fn = fn, .arg = arg};
	while (*at != NULL)
		at = &(*at)->next;
	*at = w;
	if (!a->auth.busy) {
		auth_start(a, stale);
		lock_cache(a);
	}
}

static void
on_own_login(void *arg, const char *token, const struct err *why)
{
	struct rest *a = arg;

	(void)token;
	if (why != NULL)
		a->auth.err = *why;
	a->auth.done = true;
	loop_stop(a->loop);
}

int
rest_login(struct rest *a, const char *username, const char *password, struct err *err)
{
	struct rest_waiter *w = xcalloc(1, sizeof(*w));
	int failed = 0;

	auth_start(a, NULL);
	a->auth.done = false;
	a->auth.own = true;
	a->auth.err = (struct err){0};
	*w = (struct rest_waiter){.fn = on_own_login, .arg = a};
	a->auth.waiters = w;
	free(a->auth.username);
	a->auth.username = xstrdup(username);
	a->auth.password = xstrdup(password);
	token_cache_release(&a->auth.tokens);
	a->auth.loaded = true;
	login_send(a);
	while (!failed && !a->auth.done)
		failed = loop_run(a->loop, err);
	if (!failed && a->auth.err.code != ERR_OK)
		*err = a->auth.err;
	return failed || a->auth.err.code != ERR_OK ? -1 : 0;
}

const char *
rest_auth_path(const struct rest *a)
{
	return a->auth.path;
}

int
rest_logout(struct rest *a, struct err *err)
{
	const struct token_cache_key key = cache_key(a);

	token_cache_release(&a->auth.tokens);
	return token_cache_forget(&key, err);
}

void
rest_auth_release(struct rest *a)
{
	struct rest_waiter *w;

	while ((w = a->auth.waiters) != NULL) {
		a->auth.waiters = w->next;
		free(w);
	}
	loop_timer_stop(&a->auth.again);
	if (a->auth.lock >= 0)
		close(a->auth.lock);
	token_cache_release(&a->auth.tokens);
	free(a->auth.stale);
	free(a->auth.username);
	free(a->auth.given);
	free(a->auth.path);
	mem_free_secret(a->auth.password);
}
