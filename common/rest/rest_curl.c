/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcurl's multi interface on the loop: the only file that knows curl. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/http_log.h"
#include "rest/rest_int.h"
#include "rest/rest_proxy.h"

#ifndef IOT_VERSION
#define IOT_VERSION "0.0.0"
#endif

/* No answer of the platform comes near it; one that does is no answer of the platform. */
enum { BODY_MAX = 64 << 20, IDLE_MAX = 2 };

struct transfer {
	struct transfer *next;
	struct rest_curl *wire;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	struct rest_outcome end;
	int64_t timeout;
	char *method, *target; /* to be logged; NULL: they are not */
	bool too_large;
	bool sent; /* on one connection: curl must not try another by itself */
	char text[CURL_ERROR_SIZE];
	void (*fn)(void *arg, struct rest_outcome *end);
	void *arg;
};

/* A socket of curl's, on the loop. */
struct sock {
	struct sock *next;
	struct loop_fd watch;
	struct rest_curl *wire;
};

struct rest_curl {
	struct rest *api;
	CURLM *multi;
	struct loop_timer timer;
	struct transfer *transfers;
	struct sock *socks;
};

static void
transfer_free(struct transfer *t)
{
	struct transfer **at = &t->wire->transfers;

	while (*at != NULL && *at != t)
		at = &(*at)->next;
	if (*at == t)
		*at = t->next;
	if (t->easy != NULL) {
		curl_multi_remove_handle(t->wire->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	if (t->body.p != NULL)
		explicit_bzero(t->body.p, t->body.n);
	buf_release(&t->body);
	rest_reply_release(&t->end.reply);
	free(t->method);
	free(t->target);
	free(t);
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	t->too_large = t->end.reply.body.n + n > BODY_MAX;
	if (t->too_large)
		return 0;
	buf_put(&t->end.reply.body, p, n);
	return n;
}

/* curl's words begin with a capital; ours do not. */
static const char *
lower(char *text)
{
	if (!isupper((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

static void
tell_unreached(struct transfer *t, CURLcode code)
{
	struct rest_peer peer = rest_peer_of(t->wire->api);
	const char *name = rest_error_peer(&peer);
	struct err *err = &t->end.err;
	char text[CURL_ERROR_SIZE];
	struct buf proxy = {0};
	long number = 0;

	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	snprintf(text, sizeof(text), "%s",
	    code == CURLE_COULDNT_CONNECT && number != 0 ? strerror((int)number)
		: t->text[0] != '\0'                     ? t->text
							 : curl_easy_strerror(code));
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		err_set(err, ERR_PROTOCOL, _("%s at '%s' answered with over %d MiB"),
		    name, peer.url, BODY_MAX >> 20);
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		err_set(err, ERR_UNREACHABLE,
		    _("cannot reach %s at '%s': the connection broke off"), name,
		    peer.url);
	else if (t->end.late)
		err_set(err, ERR_UNREACHABLE,
		    _("%s at '%s' is too slow: no answer within %.3g s"), name, peer.url,
		    (double)t->timeout / 1000);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		err_set(err, ERR_UNREACHABLE,
		    _("cannot reach %s at '%s': no answer within %.3g s"), name, peer.url,
		    (double)t->timeout / 1000);
	else
		err_set(err, ERR_UNREACHABLE, _("cannot reach %s at '%s': %s"), name,
		    peer.url, lower(text));
	if (err->code == ERR_UNREACHABLE && rest_proxy_put(t->wire->api->base, &proxy))
		err_in(err, _("through the proxy %s"), buf_str(&proxy));
	buf_release(&proxy);
}

static bool
broke_off(CURLcode code)
{
	return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
	    code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
	    code == CURLE_ABORTED_BY_CALLBACK;
}

static void
log_transfer(const struct transfer *t)
{
	struct http_log_request r = {.method = t->method,
	    .target = t->target,
	    .status = (unsigned)t->end.reply.status,
	    .bytes = t->end.reply.body.n};
	curl_off_t us = 0;

	if (t->target == NULL)
		return;
	curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &us);
	r.ms = us / 1000;
	http_log(&r);
}

static void
transfer_end(struct transfer *t, CURLcode code)
{
	curl_off_t wait = 0;
	struct curl_header *date;
	char *location = NULL;

	t->end.retry_after = -1;
	if (code != CURLE_OK) {
		t->end.lost = broke_off(code);
		t->end.late = code == CURLE_OPERATION_TIMEDOUT && t->sent;
		buf_release(&t->end.reply.body);
		tell_unreached(t, code);
	} else {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->end.reply.status);
		curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait);
		curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
		if (wait > 0)
			t->end.retry_after =
			    wait < 86400 ? (int64_t)wait * 1000 : 86400000;
		if (location != NULL)
			t->end.reply.location = xstrdup(location);
		if (curl_easy_header(t->easy, "Date", 0, CURLH_HEADER, -1, &date) ==
		    CURLHE_OK)
			t->end.reply.date = curl_getdate(date->value, NULL);
	}
	log_transfer(t);
	t->fn(t->arg, &t->end);
	transfer_free(t);
}

static void
collect(struct rest_curl *w)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(w->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *private = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		transfer_end((struct transfer *)(void *)private, code);
	}
}

static void
on_ready(void *arg, unsigned events)
{
	struct sock *s = arg;
	struct rest_curl *w = s->wire;
	int running;
	int mask = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
	    ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
	    ((events & LOOP_HANGUP) != 0 ? CURL_CSELECT_ERR : 0);

	curl_multi_socket_action(w->multi, s->watch.fd, mask, &running);
	collect(w);
}

static void
on_timer(void *arg)
{
	struct rest_curl *w = arg;
	int running;

	curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(w);
}

static void
sock_free(struct sock *s)
{
	struct sock **at = &s->wire->socks;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	loop_fd_stop(&s->watch);
	free(s);
}

static struct sock *
sock_new(struct rest_curl *w, curl_socket_t fd, unsigned events)
{
	struct sock *s = xcalloc(1, sizeof(*s));
	struct err why = {0};

	s->wire = w;
	s->next = w->socks;
	w->socks = s;
	if (loop_fd_start(w->api->loop, &s->watch, fd, events, on_ready, s, &why))
		log_debug("%s", why.text);
	return s;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct rest_curl *w = arg;
	struct sock *s = known;
	unsigned events = ((what & CURL_POLL_IN) != 0 ? (unsigned)LOOP_READ : 0) |
	    ((what & CURL_POLL_OUT) != 0 ? (unsigned)LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			sock_free(s);
		curl_multi_assign(w->multi, fd, NULL);
	} else if (s != NULL) {
		loop_fd_set(&s->watch, events);
	} else {
		curl_multi_assign(w->multi, fd, sock_new(w, fd, events));
	}
	return 0;
}

static int
on_timeout(CURLM *multi, long ms, void *arg)
{
	struct rest_curl *w = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(&w->timer);
	else
		loop_timer_set(w->api->loop, &w->timer, ms, on_timer, w);
	return 0;
}

struct rest_curl *
rest_curl_new(struct rest *a, struct err *err)
{
	struct rest_curl *w = xcalloc(1, sizeof(*w));

	w->api = a;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (w->multi = curl_multi_init()) == NULL) {
		free(w);
		err_set(err, ERR_FAILED, _("cannot start libcurl"));
		return NULL;
	}
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	return w;
}

void
rest_curl_free(struct rest_curl *w)
{
	if (w == NULL)
		return;
	while (w->transfers != NULL)
		transfer_free(w->transfers);
	curl_multi_cleanup(w->multi);
	while (w->socks != NULL)
		sock_free(w->socks);
	loop_timer_stop(&w->timer);
	curl_global_cleanup();
	free(w);
}

static void
set_headers(struct transfer *t, const struct rest_exchange *x)
{
	t->headers = curl_slist_append(t->headers, "Accept: application/json");
	/* curl would wait for a 100 that small servers never send. */
	t->headers = curl_slist_append(t->headers, "Expect:");
	if (x->body.p != NULL)
		t->headers =
		    curl_slist_append(t->headers, "Content-Type: application/json");
	if (x->token != NULL) {
		char *line = xasprintf("Authorization: Bearer %s", x->token);

		t->headers = curl_slist_append(t->headers, line);
		mem_free_secret(line);
	}
	if (t->wire->api->opts.basic != NULL)
		curl_easy_setopt(t->easy, CURLOPT_USERPWD, t->wire->api->opts.basic);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

/* curl sends again by itself when a connection that was used before turns out to be closed. Whether a
 * request may be sent twice is the caller's to say. */
static int
before_sending(void *arg, char *here, char *there, int here_port, int there_port)
{
	struct transfer *t = arg;

	(void)here, (void)there, (void)here_port, (void)there_port;
	if (t->sent)
		return CURL_PREREQFUNC_ABORT;
	t->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* The method and the body, always with a Content-Length where a body may be. */
static void
set_method(struct transfer *t, const struct rest_exchange *x)
{
	bool bare = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0 ||
	    strcmp(x->method, "DELETE") == 0 || strcmp(x->method, "OPTIONS") == 0;

	buf_span(&t->body, x->body);
	if (x->body.p != NULL || !bare) {
		curl_easy_setopt(
		    t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, buf_str(&t->body));
		/* A connection that lay idle may be dead without a sign. */
		curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX);
	}
	if (strcmp(x->method, "HEAD") == 0)
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, x->method);
}

static void
set_limits(struct transfer *t, const struct rest *a)
{
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)t->timeout);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)BODY_MAX);
	curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "iot-utils/" IOT_VERSION);
	/* Whatever http_proxy says: the proxy has a loopback of its own, and would get the token. */
	if (rest_proxy_is_loopback(a->base))
		curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	if (a->opts.cafile != NULL)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, a->opts.cafile);
}

void
rest_curl_send(struct rest_curl *w, const struct rest_exchange *x,
    void (*fn)(void *arg, struct rest_outcome *end), void *arg)
{
	struct transfer *t = xcalloc(1, sizeof(*t));
	char *url = xasprintf("%s%s", w->api->base, x->path);

	*t = (struct transfer){.next = w->transfers,
	    .wire = w,
	    .easy = curl_easy_init(),
	    .timeout = x->timeout > 0 ? x->timeout : 1,
	    .fn = fn,
	    .arg = arg};
	w->transfers = t;
	if (http_log_is_on()) {
		t->method = xstrdup(x->method);
		t->target = xstrdup(x->path);
	}
	if (t->easy == NULL)
		log_out_of_memory();
	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, before_sending);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	set_limits(t, w->api);
	set_method(t, x);
	set_headers(t, x);
	curl_multi_add_handle(w->multi, t->easy);
	free(url);
}
