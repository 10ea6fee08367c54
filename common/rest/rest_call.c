/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests as their callers see them: token, retries, the error with a code of base/err.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_error.h"
#include "rest/rest_int.h"
#include "rest/rest_proxy.h"
#include "rest/rest_url.h"

/* Sendings of a request whose connection broke off; ms before the next one, and after a "later" without a
 * time. */
enum { LOST_MAX = 3, LOST_WAIT = 200, BUSY_WAIT = 1000 };

struct rest_call {
	struct rest_call *next;
	struct rest *api;
	char *method;
	char *path;
	struct buf body;
	bool has_body;
	char *token;  /* what it was sent with */
	bool renewed; /* a token was asked for again: once a request */
	int lost;     /* connections that broke off, here or behind a gateway (502) */
	int64_t deadline;
	struct loop_timer timer;
	struct err bad; /* found before anything was sent */
	void (*done)(void *arg, struct rest_reply *reply, const struct err *why);
	void *arg;
};

void
rest_reply_release(struct rest_reply *r)
{
	buf_release(&r->body);
	free(r->location);
	*r = (struct rest_reply){0};
}

static void
call_free(struct rest_call *c)
{
	struct rest_call **at = &c->api->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	loop_timer_stop(&c->timer);
	if (c->body.p != NULL)
		explicit_bzero(c->body.p, c->body.n);
	buf_release(&c->body);
	mem_free_secret(c->token);
	free(c->method);
	free(c->path);
	free(c);
}

static void
call_finish(struct rest_call *c, struct rest_reply *reply, const struct err *why)
{
	c->done(c->arg, reply, why);
	call_free(c);
}

static bool
is_idempotent(const struct rest_call *c)
{
	static const char *const words[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(c->method, words[i]) == 0)
			return true;
	}
	return false;
}

static void on_end(void *arg, struct rest_outcome *end);

static void
call_send(struct rest_call *c)
{
	struct rest_exchange x = {.method = c->method,
	    .path = c->path,
	    .token = c->token,
	    .timeout = c->deadline - loop_now(c->api->loop)};

	if (c->has_body)
		x.body = buf_as_span(&c->body);
	rest_curl_send(c->api->curl, &x, on_end, c);
}

/* Now, or when the API will hear it: the Retry-After of one answer holds for all requests. */
static void
call_try(void *arg)
{
	struct rest_call *c = arg;
	int64_t quiet = c->api->quiet;

	if (quiet > loop_now(c->api->loop) && quiet < c->deadline)
		loop_timer_set(
		    c->api->loop, &c->timer, quiet - loop_now(c->api->loop), call_try, c);
	else
		call_send(c);
}

/* Sends it again after `ms` if there is time left for that. */
static bool
call_again(struct rest_call *c, int64_t ms)
{
	if (loop_now(c->api->loop) + ms >= c->deadline)
		return false;
	loop_timer_set(c->api->loop, &c->timer, ms, call_try, c);
	return true;
}

static void
on_token(void *arg, const char *token, const struct err *why)
{
	struct rest_call *c = arg;

	if (token == NULL) {
		call_finish(c, NULL, why);
		return;
	}
	mem_free_secret(c->token);
	c->token = xstrdup(token);
	call_try(c);
}

/* Whether the token was refused and a new one may help: it does not for an inactive user, whose 401 has
 * another code. */
static bool
is_stale(const struct rest_call *c, const struct rest_reply *reply)
{
	json_t *body;
	const char *code;
	bool stale;

	if (reply->status != 401 || c->renewed || c->token == NULL ||
	    c->api->opts.token != NULL)
		return false;
	body = json_loadb(
	    reply->body.p != NULL ? reply->body.p : "", reply->body.n, 0, NULL);
	code = json_string_value(json_object_get(body, "code"));
	stale = code != NULL && strcmp(code, "token_not_valid") == 0;
	json_decref(body);
	return stale;
}

/* Whether the connection broke off, here or between a gateway and the API, and it is sent once more. */
static bool
retry_lost(struct rest_call *c, const struct rest_outcome *end)
{
	if ((!end->lost && end->reply.status != 502) || !is_idempotent(c))
		return false;
	return ++c->lost < LOST_MAX && call_again(c, end->lost ? LOST_WAIT : BUSY_WAIT);
}

/* Whether the answer means "later", and there is time to do so. */
static bool
retry_later(struct rest_call *c, const struct rest_outcome *end)
{
	int64_t wait = end->retry_after >= 0 ? end->retry_after : BUSY_WAIT;
	int64_t until = loop_now(c->api->loop) + wait;

	if (end->reply.status != 429 && end->reply.status != 503)
		return false;
	if (end->reply.status == 503 && end->retry_after < 0 && !is_idempotent(c))
		return false;
	if (end->retry_after > 0 && until > c->api->quiet)
		c->api->quiet = until;
	return call_again(c, wait);
}

/* Says what the caller must know of an answer that did not come, or that it cannot wait for. */
static void
explain_end(const struct rest_call *c, const struct rest_outcome *end, struct err *why)
{
	struct rest_peer peer = rest_peer_of(c->api);

	if ((end->lost || end->late) && !is_idempotent(c))
		err_set(why, ERR_UNREACHABLE,
		    _("%s; the %s may have been done, so look before it is repeated"),
		    end->err.text, c->method);
	else if (end->retry_after > 0 && end->reply.status >= 400)
		err_set(why, ERR_UNREACHABLE,
		    _("%s at '%s' is busy (%ld) and asks for %lld s: more than "
		      "--timeout leaves"),
		    rest_error_peer(&peer), peer.url, end->reply.status,
		    (long long)end->retry_after / 1000);
}

/* What was deleted just before the connection broke off is not there the second time. */
static bool
is_deleted(const struct rest_call *c, long status)
{
	return status == 404 && c->lost != 0 && strcmp(c->method, "DELETE") == 0;
}

/* A page in the place of an answer of the platform. */
static bool
is_web_page(const struct rest_call *c, const struct rest_reply *reply)
{
	struct span body = buf_as_span(&reply->body);
	size_t i = 0;

	while (i < body.n && strchr(" \t\r\n", body.p[i]) != NULL && body.p[i] != '\0')
		i++;
	return strncmp(c->path, "/api/", 5) == 0 && i < body.n && body.p[i] == '<';
}

/* Says what is wrong with an answer. */
static void
explain_reply(const struct rest_call *c, const struct rest_reply *reply, struct err *why)
{
	const char *base = c->api->base;
	struct rest_peer peer = rest_peer_of(c->api);
	struct buf proxy = {0};
	bool bad = reply->status / 100 != 2 && !is_deleted(c, reply->status);

	if (bad)
		rest_error_set(&peer, reply, why);
	/* A portal or a proxy answers everything with 200 and a page, and nothing was done. (A GET's caller
	 * sees that by itself.) */
	else if (is_web_page(c, reply) && strcmp(c->method, "GET") != 0)
		err_set(why, ERR_PROTOCOL,
		    _("the API at '%s' answered the %s with a web page: is the URL "
		      "right?"),
		    base, c->method);
	/* No object is missing, but the resource. */
	if (reply->status == 404 && bad && is_web_page(c, reply))
		err_in(why, "'%s%.*s'", base, (int)strcspn(c->path, "?"), c->path);
	if ((reply->status >= 500 || reply->status == 407) &&
	    rest_proxy_put(base, &proxy))
		err_in(why, _("through the proxy %s"), buf_str(&proxy));
	buf_release(&proxy);
}

static void
on_end(void *arg, struct rest_outcome *end)
{
	struct rest_call *c = arg;
	struct rest_reply *reply = &end->reply;
	struct err why = end->err;

	if (retry_lost(c, end))
		return;
	if (is_stale(c, reply)) {
		c->renewed = true;
		rest_auth_want(c->api, c->token, on_token, c);
		return;
	}
	if (retry_later(c, end))
		return;
	if (reply->status != 0)
		explain_reply(c, reply, &why);
	explain_end(c, end, &why);
	if (reply->status == 0) {
		call_finish(c, NULL, &why);
		return;
	}
	call_finish(c, reply, why.code != ERR_OK ? &why : NULL);
}

static void
call_start(void *arg)
{
	struct rest_call *c = arg;

	if (c->bad.code != ERR_OK)
		call_finish(c, NULL, &c->bad);
	else if (c->api->opts.basic != NULL || strncmp(c->path, "/api/auth/", 10) == 0 ||
	    strncmp(c->path, "/api/token/", 11) == 0 || strncmp(c->path, "/api/", 5) != 0)
		call_try(c);
	else
		rest_auth_want(c->api, NULL, on_token, c);
}

struct rest_peer
rest_peer_of(const struct rest *a)
{
	return (struct rest_peer){a->base, a->opts.basic != NULL};
}

int64_t
rest_deadline(const struct rest *a)
{
	int64_t at = loop_now(a->loop) + a->opts.timeout;

	return a->opts.until != 0 && a->opts.until < at ? a->opts.until : at;
}

void
rest_send(struct rest *a, const char *method, const char *path, struct span body,
    void (*done)(void *arg, struct rest_reply *reply, const struct err *why), void *arg)
{
	struct rest_call *c = xcalloc(1, sizeof(*c));

	*c = (struct rest_call){.next = a->calls,
	    .api = a,
	    .method = xstrdup(method),
	    .has_body = body.p != NULL,
	    .deadline = rest_deadline(a),
	    .done = done,
	    .arg = arg};
	a->calls = c;
	buf_span(&c->body, body);
	if (a->opts.basic != NULL)
		rest_url_bare(path, &c->path, &c->bad);
	else
		rest_url_path(path, &c->path, &c->bad);
	loop_timer_set(a->loop, &c->timer, 0, call_start, c);
}

/* rest_call's place to wait. */
struct waiting {
	struct loop *loop;
	struct rest_reply *reply;
	struct err *err;
	bool done, failed;
};

static void
on_done(void *arg, struct rest_reply *reply, const struct err *why)
{
	struct waiting *w = arg;

	if (reply != NULL && w->reply != NULL) {
		*w->reply = *reply;
		*reply = (struct rest_reply){0};
	}
	w->done = true;
	w->failed = why != NULL;
	if (why != NULL && w->err != NULL)
		*w->err = *why;
	loop_stop(w->loop);
}

int
rest_call(struct rest *a, const char *method, const char *path, struct span body,
    struct rest_reply *reply, struct err *err)
{
	struct waiting w = {.loop = a->loop, .reply = reply, .err = err};

	if (reply != NULL)
		*reply = (struct rest_reply){0};
	rest_send(a, method, path, body, on_done, &w);
	if (a->wait != NULL && a->wait(a->wait_arg, &w.done, err))
		return -1;
	while (!w.done) {
		if (loop_run(a->loop, err))
			return -1;
	}
	return w.failed ? -1 : 0;
}

void
rest_wait_by(
    struct rest *a, int (*wait)(void *arg, const bool *over, struct err *err), void *arg)
{
	a->wait = wait;
	a->wait_arg = arg;
}

struct rest *
rest_new(struct loop *loop, const struct rest_opts *opts, struct err *err)
{
	struct rest *a = xcalloc(1, sizeof(*a));

	*a = (struct rest){.loop = loop, .opts = *opts, .auth.lock = -1};
	if (opts->auth_path != NULL &&
	    rest_url_path(opts->auth_path, &a->auth.given, err))
		err_in(err, "auth_path");
	else if (rest_url_base(opts->url, &a->base, err) == 0 &&
	    (a->curl = rest_curl_new(a, err)) != NULL)
		return a;
	rest_free(a);
	return NULL;
}

void
rest_free(struct rest *a)
{
	if (a == NULL)
		return;
	rest_curl_free(a->curl);
	while (a->calls != NULL)
		call_free(a->calls);
	rest_auth_release(a);
	free(a->base);
	free(a);
}

const char *
rest_base(const struct rest *a)
{
	return a->base;
}

void
rest_warn_plain(const struct rest *a)
{
	if (strncmp(a->base, "http:", 5) == 0 && !rest_proxy_is_loopback(a->base))
		log_warn(_("'%s' is not https: passwords cross the network for everybody "
			   "on the way to read"),
		    a->base);
}
