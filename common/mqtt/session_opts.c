/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/session_opts.h"

struct session_opts
session_opts_at(const struct session_opts *o, size_t i)
{
	struct session_opts one = *o;

	if (i > 0) {
		one.host = o->others[i - 1].host;
		one.port = o->others[i - 1].port;
		one.ws_path = o->others[i - 1].ws_path;
	}
	one.others = NULL;
	one.others_n = 0;
	return one;
}

void
session_opts_reach(struct session_opts *o, const struct broker_address *a)
{
	o->host = a->host;
	o->others = NULL;
	o->others_n = 0;
	o->port = a->host[0] == '/' ? 0 : a->port;
	o->ws_path = a->ws_path;
	o->tls = a->tls;
	if (o->cafile == NULL && o->capath == NULL)
		o->ca_pem = a->ca_pem;
}

struct tls_opts
session_opts_for_tls(const struct session_opts *o)
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
session_opts_tls(struct tls **out, const struct session_opts *o, struct err *err)
{
	const struct tls_opts t = session_opts_for_tls(o);

	return tls_new(out, &t, err);
}
