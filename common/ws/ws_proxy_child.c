/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child process: its connections to brokers, by libwebsockets, and the reason where there is none. */
#include <ctype.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "ws/ws_proxy_int.h"

enum {
	CHUNK = 16384,     /* bytes of one frame to the broker */
	RECEIVED = 4096,   /* ... of one piece from it: allocated for each connection */
	HANDSHAKES = 64,   /* at a time; others wait */
	LINGER = 5,        /* seconds for the last bytes of a program that is gone */
	SECONDS = 7200,    /* the parent has the time-out */
	SECOND_LOOK = 100, /* ms for a reason, which the others wait */
};

/* A broker with its TLS: what libwebsockets calls a virtual host. */
struct ws_proxy_target {
	struct ws_proxy_target *next;
	struct buf bytes; /* what it was asked for with */
	struct tls *tls;
	struct lws_vhost *vhost; /* NULL: to be made */
	struct err why;          /* it cannot be used */
	bool has_cert;           /* of the client */
	char name[32];
};

struct ws_proxy {
	struct ws_proxy_side side;
	struct lws_context *context;
	struct ws_proxy_target *targets;
	size_t count;
};

/* Those whose cause a person can look for are told apart. */
static void
explain(const char *words, int status, struct err *why)
{
	static const struct {
		const char *words, *text;
	} known[] = {
	    {"Peer hung up", N_("it closed the connection: is this its WebSocket port?")},
	    {"read failed", N_("it closed the connection: is this its WebSocket port?")},
	    {"problems parsing", N_("it does not speak WebSocket on this port")},
	    {"HS: URI missing", N_("it does not speak WebSocket on this port")},
	    {"HS: ws upgrade unauthorized",
		N_("it wants a login for this path (HTTP 401)")},
	    {"HS: Cannot match protocol", N_("it does not speak MQTT at this path")},
	    {"HS: PROTOCOL malformed", N_("it does not speak MQTT at this path")},
	};
	size_t i;

	if (strncmp(words, "HS: ws upgrade response", 23) == 0) {
		err_set(why, ERR_UNREACHABLE,
		    _("WebSocket: it answered HTTP %d: is this its WebSocket path?"),
		    status);
		return;
	}
	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (strncmp(words, known[i].words, strlen(known[i].words)) == 0)
			words = _(known[i].text);
	}
	err_set(why, ERR_UNREACHABLE, "WebSocket: %s", words);
}

/* The errno of one more connect; 0 when it is not known within a moment. */
static int
connect_error(const struct sockaddr *to, socklen_t n)
{
	int number = 0;
	socklen_t size = sizeof(number);
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (fd < 0 || (connect(fd, to, n) != 0 && errno != EINPROGRESS))
		number = errno;
	else if (poll(&p, 1, SECOND_LOOK) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
	if (fd >= 0)
		close(fd);
	return number;
}

/* Why there is no TCP connection: libwebsockets looks for it, and keeps it to itself, or tells a number, as its
 * version is. 0: there could be one. */
static int
tcp_error(const char *address, int port)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *to;
	char service[16];
	int number = 0;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &to) == 0) {
		number = connect_error(to->ai_addr, to->ai_addrlen);
		freeaddrinfo(to);
	}
	return number;
}

static void
explain_tcp(int number, struct err *why)
{
	err_set(why, ERR_UNREACHABLE, "%s",
	    number != 0 ? strerror(number) : _("no TCP connection"));
	why->text[0] = (char)tolower((unsigned char)why->text[0]);
}

static void
answer(struct ws_proxy_pipe *p, enum ws_proxy_answer a, const struct err *why)
{
	if (!p->told && p->fd >= 0)
		ws_proxy_answer_write(p->fd, a, why);
	p->told = true;
}

/* What TLS knows goes first, as in the session. */
static void
on_failed(struct ws_proxy_pipe *p, const char *words)
{
	struct tls *tls = p->target->tls;
	const char *failure = tls != NULL ? tls_failure(tls) : "";
	struct err why = {0};
	int number = 0;

	p->wanted |= tls != NULL && tls_asked(tls);
	if (!p->shook && !p->wanted && failure[0] == '\0' &&
	    ((number = tcp_error(p->address, p->port)) != 0 ||
		strncmp(words, "Unable to connect", 17) == 0)) {
		explain_tcp(number, &why);
		answer(p, WS_PROXY_ABSENT, &why);
		return;
	}
	if (p->wanted)
		failure = _("the broker asked for a client certificate (--cert)");
	else if (failure[0] == '\0' && p->target->has_cert &&
	    strcmp(words, "read failed") == 0)
		failure =
		    _("it closed the connection when it had our certificate: it may not "
		      "trust it");
	if (failure[0] != '\0')
		err_set(&why, ERR_UNREACHABLE, "TLS: %s", failure);
	else
		explain(words, (int)lws_http_client_http_response(p->ws), &why);
	answer(p, WS_PROXY_REFUSED, &why);
}

/* From the program to the broker: read only what can be sent now. A program that writes no more has said goodbye, and
 * waits until the broker closes: some read DISCONNECT and a close behind it in the wrong order, and publish the
 * will (EMQX). It hangs up when that takes too long. */
static int
send_on(struct ws_proxy_pipe *p)
{
	static unsigned char room[LWS_PRE + CHUNK];
	ssize_t n = p->fd >= 0 ? recv(p->fd, room + LWS_PRE, CHUNK, MSG_DONTWAIT) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		ws_proxy_pipe_watch(p, false);
		return 0;
	}
	if (n == 0 && p->fd >= 0 && !p->hungup) {
		p->ended = true;
		ws_proxy_pipe_watch(p, true);
		return 0;
	}
	if (n <= 0) {
		lws_close_reason(p->ws, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	if (lws_write(p->ws, room + LWS_PRE, (size_t)n, LWS_WRITE_BINARY) < 0)
		return -1;
	if (n == CHUNK || p->hungup)
		lws_callback_on_writable(p->ws);
	else
		ws_proxy_pipe_watch(p, false);
	return 0;
}

/* The broker's end is gone: what it sent before still goes through. libwebsockets does not tell of each one that fails
 * behind TLS's handshake. */
static void
on_destroyed(struct ws_proxy_pipe *p)
{
	if (!p->told && !p->connecting && p->fd >= 0 && !p->hungup)
		on_failed(p, "read failed");
	p->ws = NULL;
	if (p->connecting)
		return;
	if (p->open && p->in.n > 0 && p->fd >= 0 && !p->hungup)
		ws_proxy_pipe_watch(p, true);
	else
		ws_proxy_pipe_close(p);
	ws_proxy_pipe_free_if_over(p);
}

static int on_lws(
    struct lws *ws, enum lws_callback_reasons reason, void *user, void *in, size_t n);

static const struct lws_protocols protocols[] = {
    {"mqtt", on_lws, 0, RECEIVED, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static struct lws_vhost *
make_vhost(struct ws_proxy *r, const char *name, const struct tls *tls)
{
	/* libwebsockets takes no reference to the context, and the virtual host stays until this process ends. */
	const struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
	    .protocols = protocols,
	    .vhost_name = name,
	    .options = tls != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
	    .provided_client_ssl_ctx = tls != NULL ? tls_context_hold(tls) : NULL,
	    .timeout_secs = SECONDS,
	    .connect_timeout_secs = SECONDS};

	return lws_create_vhost(r->context, &info);
}

/* What cannot be used now, a file that is just being replaced, may be the next time. */
static void
open_target(
    struct ws_proxy *r, struct ws_proxy_target *t, const struct ws_proxy_request *request)
{
	if (request->uses_tls && t->tls == NULL &&
	    tls_new(&t->tls, &request->tls, &t->why)) {
		err_in(&t->why, "TLS");
		return;
	}
	t->vhost = make_vhost(r, t->name, t->tls);
	if (t->vhost == NULL)
		err_set(&t->why, ERR_FAILED, _("cannot start WebSocket"));
}

/* Files that changed are read again; those that cannot be used are told by nobody here, and what was read before
 * stays. The virtual host before stays, for the connections that it has, and gets no more of them. */
static void
refresh(struct ws_proxy_target *t)
{
	if (t->tls != NULL && tls_refresh(t->tls, NULL) > 0)
		t->vhost = NULL;
}

static struct ws_proxy_target *
find_target(struct ws_proxy *r, const struct ws_proxy_request *request)
{
	struct ws_proxy_target *t = r->targets;

	while (t != NULL && !span_eq(buf_as_span(&t->bytes), request->target))
		t = t->next;
	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		buf_span(&t->bytes, request->target);
		t->has_cert = request->tls.cert != NULL || request->tls.cert_pem != NULL;
		snprintf(t->name, sizeof(t->name), "target%zu", r->count++);
		t->next = r->targets;
		r->targets = t;
	}
	refresh(t);
	if (t->vhost == NULL)
		open_target(r, t, request);
	return t;
}

/* A connection that fails at once is not told to the callback. */
static void
connect_to(struct ws_proxy_pipe *p, const struct ws_proxy_request *request)
{
	bool is_v6 = strchr(request->host, ':') != NULL;
	char *host = xasprintf(is_v6 ? "[%s]:%d" : "%s:%d", request->host, request->port);
	const struct lws_client_connect_info info = {
	    .context = ((struct ws_proxy *)p->side->owner)->context,
	    .vhost = p->target->vhost,
	    .address = request->address,
	    .port = request->port,
	    .host = host,
	    .path = request->path,
	    .protocol = protocols[0].name,
	    .local_protocol_name = protocols[0].name,
	    .alpn = "http/1.1",
	    .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
		(request->uses_tls
			? LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK
			: 0),
	    .userdata = p,
	    .pwsi = &p->ws};
	struct err why = {0};

	p->connecting = true;
	snprintf(p->address, sizeof(p->address), "%s", request->address);
	p->port = request->port;
	if (lws_client_connect_via_info(&info) == NULL) {
		explain_tcp(tcp_error(p->address, p->port), &why);
		answer(p, WS_PROXY_ABSENT, &why);
		p->ws = NULL;
	}
	p->connecting = false;
	free(host);
}

void
ws_proxy_broker_connect(struct ws_proxy_pipe *p)
{
	struct ws_proxy_request request;

	ws_proxy_pipe_watch(p, true);
	if (ws_proxy_request_read(buf_as_span(&p->in), &request) == 0) {
		p->target = find_target(p->side->owner, &request);
		if (p->target->vhost != NULL)
			connect_to(p, &request);
		else
			answer(p, WS_PROXY_REFUSED, &p->target->why);
	}
	explicit_bzero(p->in.p, p->in.n);
	buf_release(&p->in);
	if (p->ws == NULL)
		ws_proxy_pipe_close(p);
}

static int
on_lws(struct lws *ws, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
	struct ws_proxy_pipe *p = user;

	switch (reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		ws_proxy_side_serve(lws_context_user(lws_get_context(ws)));
		return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		return tls_verify((int)n, user) ? 0 : 1;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		p->shook = true;
		p->wanted = p->target->tls != NULL && tls_asked(p->target->tls);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		if (p != NULL)
			on_failed(p, in != NULL ? in : "");
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		p->open = true;
		answer(p, WS_PROXY_OPEN, NULL);
		ws_proxy_pipe_watch(p, false);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE: ws_proxy_pipe_hand_over(p, in, n); return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE: return send_on(p);
	case LWS_CALLBACK_WSI_DESTROY:
		if (p != NULL && p->ws == ws)
			on_destroyed(p);
		return 0;
	default: return 0;
	}
}

void
ws_proxy_broker_send_soon(struct ws_proxy_pipe *p)
{
	lws_callback_on_writable(p->ws);
}

void
ws_proxy_broker_finish(struct ws_proxy_pipe *p)
{
	lws_set_timeout(p->ws, PENDING_TIMEOUT_CLOSE_SEND, LINGER);
	lws_callback_on_writable(p->ws);
}

void
ws_proxy_broker_read(struct ws_proxy_pipe *p, bool more)
{
	lws_rx_flow_control(p->ws, more);
}

void
ws_proxy_broker_kill(struct ws_proxy_pipe *p)
{
	lws_set_timeout(p->ws, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static int
open_all(struct ws_proxy *r)
{
	const struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
	    .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
	    .user = &r->side,
	    .max_http_header_pool = HANDSHAKES,
	    .pt_serv_buf_size = 2 * CHUNK,
	    .timeout_secs = SECONDS};
	struct lws_vhost *plain;

	r->context = lws_create_context(&info);
	plain = r->context != NULL ? make_vhost(r, "unix", NULL) : NULL;
	return plain != NULL && ws_proxy_side_open(&r->side) == 0 &&
		lws_adopt_descriptor_vhost(plain, LWS_ADOPT_RAW_FILE_DESC,
		    (lws_sock_file_fd_type){.filefd = r->side.epoll}, protocols[0].name,
		    NULL) != NULL
	    ? 0
	    : -1;
}

void
ws_proxy_serve(int listener, int parent)
{
	struct ws_proxy r = {.side = {.listener = listener, .parent = parent}};

	r.side.owner = &r;
	unsetenv("http_proxy");
	lws_set_log_level(0, NULL);
	if (open_all(&r))
		return;
	while (!r.side.over && lws_service(r.context, 0) >= 0)
		;
}
