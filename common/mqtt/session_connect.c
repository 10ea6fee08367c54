/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to a broker: the WebSocket proxy, TLS, and the words for what fails on it, stage by stage. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ws/ws_proxy.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

/* Wrong certificates are told now, before anybody connects; then the relay reads its own. */
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

int
session_ws_open(struct session *s, const struct session_opts *o, struct err *err)
{
	const struct tls_opts tls = session_tls_opts(o);

	if (check_tls(o, err) || ws_proxy_hold(err))
		return -1;
	s->ws = true;
	ws_proxy_target(
	    &s->ws_target, o->host, o->port, o->ws_path, o->tls ? &tls : NULL);
	return 0;
}

void
session_ws_close(struct session *s)
{
	if (!s->ws)
		return;
	explicit_bzero(s->ws_target.p, s->ws_target.n);
	buf_release(&s->ws_target);
	ws_proxy_release();
	s->ws = false;
}

const char *
session_connect_ws_path(struct session *s)
{
	return ws_proxy_path(session_why_of(s));
}

int
session_ws_ask(struct session *s, const char *address)
{
	return ws_proxy_ask(
	    session_wire_fd(s), address, buf_as_span(&s->ws_target), session_why_of(s));
}

/* What another address would not do better is not tried there. */
void
session_ws_answered(struct session *s)
{
	struct err why = {0};
	enum ws_proxy_answer answer = ws_proxy_answer(session_wire_fd(s), &why);

	if (answer == WS_PROXY_WAIT)
		return;
	if (answer != WS_PROXY_OPEN)
		*session_why_of(s) = why;
	if (answer == WS_PROXY_REFUSED)
		s->address = s->addresses.n;
	session_fsm_step(s, answer == WS_PROXY_OPEN ? EV_CONNECTED : EV_LOST);
}

/* A broker that wants a certificate may go on without, or hang up, often before its alert can be read;
 * and it may do that after our side of the handshake is over: what TLS knows goes first. */
bool
session_tls_explain(struct session *s, bool failed)
{
	const char *why = s->tls != NULL ? tls_failure(s->tls) : "";

	if (s->asked && s->state != SESSION_UP)
		why = _("the broker asked for a client certificate (--cert)");
	else if (why[0] == '\0' && failed)
		why = s->tls_log != NULL ? s->tls_log
					 : _("it closed the connection during the "
					     "handshake: is this its TLS port?");
	else if (why[0] == '\0' && s->tls != NULL && s->state == SESSION_GREETING &&
	    (s->opts.cert != NULL || s->opts.cert_pem != NULL))
		why =
		    _("it closed the connection when it had our certificate: it may not "
		      "trust it");
	if (why[0] != '\0')
		err_set(session_why_of(s), ERR_UNREACHABLE, "TLS: %s", why);
	return why[0] != '\0';
}

struct tls_opts
session_tls_opts(const struct session_opts *o)
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
	const struct tls_opts t = session_tls_opts(o);

	return tls_new(out, &t, err);
}

int
session_tls_open(struct session *s, const struct session_opts *o, struct err *err)
{
	if (o->ws_path != NULL)
		return session_ws_open(s, o, err);
	if (o->tls && o->shared_tls == NULL)
		return session_tls(&s->tls, o, err);
	if (o->tls)
		s->tls = tls_share(o->shared_tls);
	return 0;
}

int
session_err_connack(struct err *err, const struct session *s, int reason, bool *final)
{
	reason_err(err, REASON_IN_CONNACK, reason, final);
	return err_in(err,
	    err->code == ERR_AUTH ? _("broker '%s' refused the login")
				  : _("broker '%s' refused the connection"),
	    s->name);
}

int
session_err_disconnect(struct err *err, const struct session *s, int reason, bool *final)
{
	reason_err(err, REASON_IN_DISCONNECT, reason, final);
	return err_in(err, _("broker '%s' closed the connection"), s->name);
}

int
session_err_stage(struct err *err, const struct session *s)
{
	return err_in(err,
	    s->state == SESSION_UP || s->state == SESSION_TAKEN ||
		    s->state == SESSION_LEAVING
		? _("lost broker '%s'")
		: _("cannot reach broker '%s'"),
	    s->name);
}

bool
session_err_in_vain(struct session *s, bool was_stable)
{
	bool poison = session_why_of(s)->code == ERR_PROTOCOL;
	bool closed = s->closed && !reason_is_failure(s->reason);
	struct err why = *session_why_of(s);

	s->in_vain = !was_stable && (poison || closed) ? s->in_vain + 1 : 0;
	if (s->in_vain < SESSION_IN_VAIN || !poison)
		return false;
	err_set(session_why_of(s), ERR_PROTOCOL, _("%.300s, %d times in a row"), why.text,
	    SESSION_IN_VAIN);
	return true;
}

bool
session_err_is_fought(struct session *s)
{
	if (s->in_vain < SESSION_IN_VAIN)
		return false;
	err_set(session_why_of(s), ERR_PROTOCOL,
	    _("lost broker '%.300s': it closed the connection, %d times in a row: is "
	      "there another client with the id '%s'?"),
	    s->name, SESSION_IN_VAIN, s->id);
	return true;
}

const char *
session_err_lower(char *room, size_t size, int number)
{
	snprintf(room, size, "%s", strerror(number));
	room[0] = (char)tolower((unsigned char)room[0]);
	return room;
}

struct err *
session_why_of(struct session *s)
{
	if (s->why == NULL)
		s->why = xcalloc(1, sizeof(*s->why));
	return s->why;
}

void
session_why_forget(struct session *s)
{
	/* Not freed: somebody may be being told it. */
	if (s->why != NULL)
		*s->why = (struct err){0};
}
