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
ws_open(struct session *s, const struct session_opts *o, struct err *err)
{
	const struct tls_opts tls = session_tls_opts(o);

	if (check_tls(o, err) || relay_hold(err))
		return -1;
	s->ws = true;
	relay_target(&s->ws_target, o->host, o->port, o->ws_path, o->tls ? &tls : NULL);
	return 0;
}

void
ws_close(struct session *s)
{
	if (!s->ws)
		return;
	explicit_bzero(s->ws_target.p, s->ws_target.n);
	buf_release(&s->ws_target);
	relay_release();
	s->ws = false;
}

const char *
ws_path(struct session *s)
{
	return relay_path(why_of(s));
}

int
ws_ask(struct session *s, const char *address)
{
	return relay_ask(wire_fd(s), address, buf_as_span(&s->ws_target), why_of(s));
}

/* What another address would not do better is not tried there. */
void
ws_answered(struct session *s)
{
	struct err why = {0};
	enum relay_answer answer = relay_answer(wire_fd(s), &why);

	if (answer == RELAY_WAIT)
		return;
	if (answer != RELAY_OPEN)
		*why_of(s) = why;
	if (answer == RELAY_REFUSED)
		s->address = s->addresses.n;
	run_step(s, answer == RELAY_OPEN ? EV_CONNECTED : EV_LOST);
}
