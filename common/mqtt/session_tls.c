/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"
#include "mqtt/session_int.h"

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
	if (o->session_ws_path != NULL)
		return session_ws_open(s, o, err);
	if (o->tls && o->shared_tls == NULL)
		return session_tls(&s->tls, o, err);
	if (o->tls)
		s->tls = tls_share(o->shared_tls);
	return 0;
}
