/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libmicrohttpd in front of the routes. */
#include "iotapi/http/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/http_log.h"
#include "iotapi/http/answer.h"
#include "iotapi/http/connections.h"
#include "iotapi/http/guard.h"
#include "iotapi/http/listen.h"
#include "iotapi/http/offload.h"
#include "iotapi/http/routes.h"

enum {
	THREADS =
	    16, /* one that writes waits for the disk: so many changes are one fsync */
	IDLE_SECONDS = 60, /* connections.h closes them before */
	SWEEP_MS = 1000,
	DRAIN_MS = 3000,
	LAST_ANSWERS_MS =
	    500, /* for those that are answered without what they waited for */
	CONNECTION_MEMORY = 32 << 10,
	HASHING =
	    2, /* passwords at once: 16 MiB and a processor each, if they are people's */
	HASHES_WAITING = 64, /* in each of these lanes */
	PEOPLE = 0,
	DEVICES,
	HASHING_LANES,
	DIALING = 2, /* attempts to connect to brokers at once */
	DIALS_WAITING = 8,
	DELETING = 1, /* of many readings */
	DELETIONS_WAITING = 16,
	FULL_S = 2, /* when there is no room to wait: try again after */
	/* A thread of the library takes a share of its limit only, and accepts no more beyond it; but it is connections.h
	 * that limits, over all. */
	LIBRARY_CONNECTIONS = THREADS * (CONNECTIONS_MOST + CONNECTIONS_MOST / 4),
};

struct server {
	struct app *app;
	struct MHD_Daemon *daemon;
	struct loop *loop;
	struct loop_timer sweep;
	struct offload *hashing, *dialing, *deleting;
	atomic_bool late; /* it stops, and what still waits for one of these is refused */
	char *url;
	struct connections *connections;
};

/* A request and what the guard and the body's size say about it. */
struct exchange {
	struct request rq;
	char *target;
	const char *target_at; /* in the library's buffer, for the guard */
	bool begun, served;
	struct MHD_Connection *connection;
	const struct server *server;
	int64_t since; /* clock_ms */
};

static void
set_state(
    struct server *h, struct MHD_Connection *c, enum connection_state state, size_t bytes)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info != NULL && info->socket_context != NULL)
		connections_set(h->connections, info->socket_context, state, bytes);
}

static enum MHD_Result
accept_from(void *arg, const struct sockaddr *from, socklen_t size)
{
	struct server *h = arg;

	(void)size;
	return connections_may_come(h->connections, from) ? MHD_YES : MHD_NO;
}

static void
connection_changed(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct server *h = arg;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int fd = info->connect_fd;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		*context = connections_add(h->connections, fd, info->client_addr);
	} else {
		connections_remove(h->connections, *context);
		*context = NULL;
	}
}

static void
sweep(void *arg)
{
	struct server *h = arg;

	connections_sweep(h->connections);
	loop_timer_set(h->loop, &h->sweep, SWEEP_MS, sweep, h);
}

static enum MHD_Result
send_answer(struct MHD_Connection *c, struct request *rq, bool close_after)
{
	struct MHD_Response *r;
	enum MHD_Result result;
	char seconds[24];

	if (rq->status / 100 < ARRAY_LEN(rq->app->counts.answers))
		atomic_fetch_add(&rq->app->counts.answers[rq->status / 100], 1);
	rq->bytes = rq->out.n;
	r = MHD_create_response_from_buffer(
	    rq->bytes, buf_steal(&rq->out), MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (rq->bytes != 0)
		MHD_add_response_header(
		    r, "Content-Type", rq->type != NULL ? rq->type : "application/json");
	if (rq->allow[0] != '\0')
		MHD_add_response_header(r, "Allow", rq->allow);
	if (rq->location != NULL)
		MHD_add_response_header(r, "Location", rq->location);
	if (rq->retry_after != 0) {
		snprintf(seconds, sizeof(seconds), "%lld", (long long)rq->retry_after);
		MHD_add_response_header(r, "Retry-After", seconds);
	}
	if (rq->status == 401)
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer realm=\"api\"");
	if (close_after)
		MHD_add_response_header(r, "Connection", "close");
	result = MHD_queue_response(c, rq->status, r);
	MHD_destroy_response(r);
	return result;
}

static void
put_peer(char out[INET6_ADDRSTRLEN], struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info != NULL ? info->client_addr : NULL;

	if (a != NULL && a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, out,
		    INET6_ADDRSTRLEN);
	else if (a != NULL && a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, out,
		    INET6_ADDRSTRLEN);
}

static void *
begin_exchange(void *arg, const char *target, struct MHD_Connection *c)
{
	struct exchange *x = xcalloc(1, sizeof(*x));
	struct server *h = arg;

	set_state(h, c, CONNECTION_HEAD, 0);
	x->rq.app = h->app;
	x->target = xstrdup(target);
	x->target_at = target;
	x->since = clock_ms();
	x->connection = c;
	x->server = h;
	put_peer(x->rq.peer, c);
	return x;
}

static void
log_exchange(const struct exchange *x)
{
	const struct http_log_request r = {.served = true,
	    .method = x->rq.method,
	    .target = x->target,
	    .status = x->rq.status,
	    .ms = clock_ms() - x->since,
	    .bytes = x->rq.bytes};

	http_log(&r);
}

static void
end_exchange(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *context;

	(void)why;
	set_state(arg, c, CONNECTION_IDLE, 0);
	if (x == NULL)
		return;
	log_exchange(x);
	request_release(&x->rq);
	free(x->target);
	free(x);
	*context = NULL;
}

static char *
header(struct MHD_Connection *c, const char *name)
{
	const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	return v != NULL ? xstrdup(v) : NULL;
}

/* Whether a body is announced that only who has a token may send. A chunked one does not tell its size. */
static bool
is_long(struct MHD_Connection *c, const struct request *rq, unsigned long long length)
{
	return routes_body_limit(rq) > ROUTES_BODY_OF_ANYBODY &&
	    (length > ROUTES_BODY_OF_ANYBODY ||
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding") !=
		    NULL);
}

static void
refuse_large(struct request *rq)
{
	answer_detail(rq, 413, "too_large", "The body is too large: at most %zu bytes.",
	    routes_body_limit(rq));
}

/* A chunked body tells its size only as it comes, and the library takes no answer before its end. So the rest of what is
 * too much is read, until the deadline for bodies at most, and not kept. */
static void
take_body(struct request *rq, const char *data, size_t n)
{
	if (rq->status != 0)
		return;
	if (rq->body.n + n > routes_body_limit(rq))
		refuse_large(rq);
	else if (request_may_hold(rq, rq->body.n + n))
		buf_put(&rq->body, data, n);
	if (rq->status != 0)
		request_drop_body(rq);
}

/* Everything but the body is here. Answers at once what must not go on. */
static bool
check_begin(struct MHD_Connection *c, struct exchange *x, const char *method,
    const char *version, enum MHD_Result *result)
{
	const char *wrong = guard_head(
	    c, method, (struct span){x->target_at, strlen(x->target)}, version);
	struct request *rq = &x->rq;
	char *text = header(c, "Content-Length");
	const unsigned long long length = text != NULL ? strtoull(text, NULL, 10) : 0;

	free(text);
	rq->method = method;
	rq->host = header(c, "Host");
	rq->authorization = header(c, "Authorization");
	rq->content_type = header(c, "Content-Type");
	if (wrong == NULL && rq->host != NULL && !request_is_host(rq->host))
		wrong = "the header Host is malformed";
	if (wrong == NULL && request_target(rq, x->target))
		wrong = "the request target is malformed";
	if (wrong != NULL)
		answer_detail(rq, 400, "bad_request", "Bad request: %s.", wrong);
	else if (length > routes_body_limit(rq))
		refuse_large(rq);
	else if (is_long(c, rq, length) && routes_may_send(rq) &&
	    request_may_hold(rq, length))
		buf_reserve(&rq->body, length);
	if (rq->status != 0)
		*result = send_answer(c, rq, true);
	return rq->status == 0;
}

static void
serve_later(void *arg)
{
	struct exchange *x = arg;

	x->rq.may_hash = true;
	if (atomic_load(&x->server->late))
		routes_refuse(&x->rq, FULL_S);
	else
		routes_serve(&x->rq);
	x->served = true;
	MHD_resume_connection(x->connection);
}

/* NULL: it is served here. */
static struct offload *
elsewhere_for(const struct server *h, const struct request *rq)
{
	if (routes_is_hashing(rq))
		return h->hashing;
	if ((rq->route->flags & ROUTE_DIALS) != 0)
		return h->dialing;
	return routes_is_long(rq) ? h->deleting : NULL;
}

/* Who has no token has a share of the places only, so that nobody keeps all others from logging in. */
static bool
may_wait(struct server *h, struct exchange *x)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return (x->rq.route->flags & ROUTE_HASHES) == 0 || info == NULL ||
	    connections_wait(h->connections, info->socket_context);
}

/* True: refused. False: another thread has it now; the library asks again when the connection is resumed. */
static bool
put_off(struct server *h, struct exchange *x, struct offload *elsewhere, int lane)
{
	if (!may_wait(h, x)) {
		routes_refuse(&x->rq, FULL_S);
		return true;
	}
	MHD_suspend_connection(x->connection);
	if (offload_put(elsewhere, lane, serve_later, x))
		return false;
	routes_refuse(&x->rq, FULL_S);
	x->served = true;
	MHD_resume_connection(x->connection);
	return false;
}

/* True: answered. */
static bool
serve(struct server *h, struct exchange *x)
{
	struct request *rq = &x->rq;
	struct offload *elsewhere = NULL;

	routes_find(rq);
	if (rq->route != NULL)
		elsewhere = elsewhere_for(h, rq);
	if (elsewhere != NULL)
		return put_off(h, x, elsewhere, PEOPLE);
	routes_serve(rq);
	if (!rq->must_hash)
		return true;
	request_begin_again(rq);
	return put_off(h, x, h->hashing, DEVICES);
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **context)
{
	struct exchange *x = *context;
	struct server *h = arg;
	enum MHD_Result result = MHD_YES;

	(void)url;
	if (x == NULL)
		return MHD_NO;
	if (!x->begun) {
		x->begun = true;
		set_state(h, c, CONNECTION_BODY, 0);
		check_begin(c, x, method, version, &result);
		return result;
	}
	if (*size != 0) {
		take_body(&x->rq, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (!x->served && x->rq.status != 0)
		return send_answer(c, &x->rq, true);
	if (!x->served) {
		set_state(h, c, CONNECTION_SERVED, 0);
		if (!serve(h, x))
			return MHD_YES;
	}
	request_may_hold(&x->rq, x->rq.body.n + x->rq.out.n);
	set_state(h, c, CONNECTION_SENT, x->rq.out.n);
	/* Once it stops, a connection that is open would bring one request behind the other. */
	return send_answer(c, &x->rq, atomic_load(&h->app->stopping));
}

static void __attribute__((format(printf, 2, 0)))
log_library(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
}

/* The target is taken apart by request_target: nothing is to be decoded before. */
static size_t
keep_escapes(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg;
	(void)c;
	return strlen(s);
}

static struct MHD_Daemon *
start_daemon(struct server *h, int fd)
{
	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
		MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME,
	    0, accept_from, h, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIBRARY_CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_URI_LOG_CALLBACK,
	    begin_exchange, h, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, h,
	    MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h, MHD_OPTION_END);
}

int
server_start(struct server **out, struct loop *loop, struct app *app,
    const struct server_opts *opts, struct err *err)
{
	struct server *h = xcalloc(1, sizeof(*h));
	struct connections_opts limits = {.proxies = opts->proxies};
	int fd = -1, failed;

	*out = NULL;
	h->app = app;
	h->loop = loop;
	fd = listen_on(opts->listen, opts->insecure, &h->url, &limits.limited, err);
	failed = fd < 0 || connections_new(&h->connections, &limits, err);
	if (!failed) {
		h->hashing = offload_new(HASHING, HASHING_LANES, HASHES_WAITING);
		h->dialing = offload_new(DIALING, 1, DIALS_WAITING);
		h->deleting = offload_new(DELETING, 1, DELETIONS_WAITING);
		if (h->hashing != NULL && h->dialing != NULL && h->deleting != NULL)
			h->daemon = start_daemon(h, fd);
		if (h->daemon == NULL)
			failed =
			    err_set(err, ERR_FAILED, _("cannot start the HTTP server"));
	}
	if (failed) {
		offload_free(h->hashing);
		offload_free(h->dialing);
		offload_free(h->deleting);
		if (fd >= 0)
			close(fd);
		connections_free(h->connections);
		free(h->url);
		free(h);
		return -1;
	}
	sweep(h);
	*out = h;
	return 0;
}

const char *
server_url(const struct server *h)
{
	return h->url;
}

/* Waits until the answers that are being made are sent, `ms` at most. */
static void
drain(struct server *h, int64_t ms)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	const int64_t until = clock_ms() + ms;

	while (connections_any_served(h->connections) && clock_ms() < until)
		nanosleep(&pause, NULL);
}

void
server_stop(struct server *h)
{
	int fd;

	if (h == NULL)
		return;
	loop_timer_stop(&h->sweep);
	fd = MHD_quiesce_daemon(h->daemon);
	drain(h, DRAIN_MS);
	atomic_store(&h->late, true);
	/* The library does not stop with connections that wait for these; until it does, others may still come to them. */
	offload_stop(h->deleting);
	offload_stop(h->dialing);
	offload_stop(h->hashing);
	drain(h, LAST_ANSWERS_MS);
	MHD_stop_daemon(h->daemon);
	offload_free(h->deleting);
	offload_free(h->dialing);
	offload_free(h->hashing);
	close(fd);
	connections_free(h->connections);
	free(h->url);
	free(h);
}
