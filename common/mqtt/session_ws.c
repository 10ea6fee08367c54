/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "ws/ws_proxy.h"
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
	    &s->ws_target, o->host, o->port, o->session_ws_path, o->tls ? &tls : NULL);
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
session_ws_path(struct session *s)
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
