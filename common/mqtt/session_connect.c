/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to a broker: TLS, the WebSocket proxy, and the words for what fails on it, stage by stage. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

struct session_connect {
	struct tls *tls; /* NULL over WebSocket, whose proxy has its own */
	bool ws;
	struct buf ws_target; /* what the proxy is asked for */
	bool cert_asked;      /* for a client certificate that we do not have */
	char *words;          /* OpenSSL's, of a failed handshake, or NULL */
};

static struct tls_opts
tls_opts_of(const struct session_opts *o)
{
	return (struct tls_opts){.host = o->host,
	    .cafile = o->cafile,
	    .capath = o->capath,
	    .ca_pem = o->ca_pem,
	    .cert = o->cert,
	    .key = o->key,
	    .cert_pem = o->cert_pem,
	    .key_pem = o->key_pem,
	    .keypass = o->keypass,
	    .version = o->tls_version,
	    .alpn = o->alpn,
	    .insecure = o->insecure};
}

int
session_tls(struct tls **out, const struct session_opts *o, struct err *err)
{
	const struct tls_opts t = tls_opts_of(o);

	return tls_new(out, &t, err);
}

/* Wrong certificates are told now, before anybody connects; then the proxy reads its own. */
static int
check_tls(const struct session_opts *o, struct err *err)
{
	struct tls *tls = NULL;

	if (!o->tls || o->shared_tls != NULL)
		return 0;
	if (session_tls(&tls, o, err))
		return -1;
	tls_free(tls);
	return 0;
}

static int
open_ws(struct session_connect *c, const struct session_opts *o, struct err *err)
{
	const struct tls_opts tls = tls_opts_of(o);

	if (check_tls(o, err) || ws_proxy_hold(err))
		return -1;
	c->ws = true;
	ws_proxy_target(
	    &c->ws_target, o->host, o->port, o->ws_path, o->tls ? &tls : NULL);
	return 0;
}

int
session_connect_open(struct session *s, const struct session_opts *o, struct err *err)
{
	s->connect = xcalloc(1, sizeof(*s->connect));
	if (o->ws_path != NULL)
		return open_ws(s->connect, o, err);
	if (o->tls && o->shared_tls == NULL)
		return session_tls(&s->connect->tls, o, err);
	if (o->tls)
		s->connect->tls = tls_share(o->shared_tls);
	return 0;
}

void
session_connect_close(struct session *s)
{
	struct session_connect *c = s->connect;

	tls_free(c->tls);
	if (c->ws) {
		explicit_bzero(c->ws_target.p, c->ws_target.n);
		buf_release(&c->ws_target);
		ws_proxy_release();
	}
	free(c->words);
	free(c);
}

struct tls *
session_connect_tls(const struct session *s)
{
	return s->connect->tls;
}

bool
session_connect_is_ws(const struct session *s)
{
	return s->connect->ws;
}

const char *
session_connect_ws_path(struct session *s)
{
	return ws_proxy_path(session_error(s));
}

int
session_connect_ws_ask(struct session *s, const char *address)
{
	return ws_proxy_ask(session_mosq_fd(s), address,
	    buf_as_span(&s->connect->ws_target), session_error(s));
}

enum ws_proxy_answer
session_connect_ws_answer(struct session *s)
{
	struct err why = {0};
	enum ws_proxy_answer answer = ws_proxy_answer(session_mosq_fd(s), &why);

	if (answer == WS_PROXY_ABSENT || answer == WS_PROXY_REFUSED)
		*session_error(s) = why;
	return answer;
}

void
session_connect_begin(struct session *s)
{
	free(s->connect->words);
	s->connect->words = NULL;
	s->connect->cert_asked = false;
}

/* tls_asked forgets, and the context may be that of many sessions. */
void
session_connect_note(struct session *s)
{
	struct session_connect *c = s->connect;

	c->cert_asked |= c->tls != NULL && tls_asked(c->tls);
}

void
session_connect_note_words(struct session *s, const char *words)
{
	if (s->connect->words == NULL)
		s->connect->words = xstrdup(words);
}

/* A broker that wants a certificate may go on without, or hang up, often before its alert can be read;
 * and it may do that after our side of the handshake is over: what TLS knows goes first. */
bool
session_connect_explain(struct session *s, bool in_handshake)
{
	const struct session_connect *c = s->connect;
	const char *why = c->tls != NULL ? tls_failure(c->tls) : "";

	if (c->cert_asked && s->state != SESSION_UP)
		why = _("the broker asked for a client certificate (--cert)");
	else if (why[0] == '\0' && in_handshake)
		why = c->words != NULL ? c->words
				       : _("it closed the connection during the "
					   "handshake: is this its TLS port?");
	else if (why[0] == '\0' && c->tls != NULL && s->state == SESSION_HANDSHAKING &&
	    (s->opts.cert != NULL || s->opts.cert_pem != NULL))
		why =
		    _("it closed the connection when it had our certificate: it may not "
		      "trust it");
	if (why[0] != '\0')
		err_set(session_error(s), ERR_UNREACHABLE, "TLS: %s", why);
	return why[0] != '\0';
}

/* Not refused, but connected and reset since: something of ours was acknowledged. */
static bool
was_connected(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	    info.tcpi_bytes_acked > 0;
}

/* Asked before libmosquitto's next call on the socket: over TLS it would spin on one that is refused. Its
 * first, inside of connect, may have taken the error away already. */
int
session_connect_errno(int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int number = 0;
	socklen_t size = sizeof(number);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
	if (number == 0 && getpeername(fd, (struct sockaddr *)&peer, &n) != 0)
		return was_connected(fd) ? ECONNRESET : ECONNREFUSED;
	return number;
}

bool
session_connect_refused(struct session *s)
{
	struct err *err = session_error(s);
	bool final;

	reason_err(err, REASON_IN_CONNACK, s->reason, &final);
	err_in(err,
	    err->code == ERR_AUTH ? _("broker '%s' refused the login")
				  : _("broker '%s' refused the connection"),
	    s->name);
	return final;
}

bool
session_connect_dismissed(struct session *s)
{
	bool final;

	reason_err(session_error(s), REASON_IN_DISCONNECT, s->reason, &final);
	err_in(session_error(s), _("broker '%s' closed the connection"), s->name);
	return final;
}

void
session_connect_stage(struct session *s)
{
	const bool was_up = s->state == SESSION_UP || s->state == SESSION_HANDED_OVER ||
	    s->state == SESSION_DISCONNECTING;

	err_in(session_error(s),
	    was_up ? _("lost broker '%s'") : _("cannot reach broker '%s'"), s->name);
}
