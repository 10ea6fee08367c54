/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/mqtt_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/topic.h"

static enum opt_source
source_of(const struct mqtt_options *o, const struct opt_set *set, const void *member)
{
	ptrdiff_t in_options = (const char *)member - (const char *)o;
	ptrdiff_t offset = (const char *)o - (const char *)set->base + in_options;

	return opt_source_of(set, (size_t)offset);
}

/* -h and -L: the stronger source wins; one source naming both contradicts itself. */
static int
choose_host(
    struct mqtt_options *o, const struct opt_set *set, bool *from_url, struct err *err)
{
	enum opt_source host = source_of(o, set, &o->host);
	enum opt_source url = source_of(o, set, &o->url);

	*from_url = false;
	if (o->url == NULL || (o->host != NULL && host > url))
		return 0;
	if (o->host != NULL && host == url)
		return err_set(err, ERR_USAGE,
		    _("two brokers are given, a host ('%s') and a URL: give one"),
		    o->host);
	*from_url = true;
	return broker_address_parse(&o->from_url, o->url, err);
}

static int
choose_port(const struct mqtt_options *o, const struct opt_set *set, bool from_url)
{
	if (o->port != 0 &&
	    (!from_url || o->from_url.port == 0 ||
		source_of(o, set, &o->port) > source_of(o, set, &o->url)))
		return o->port;
	return o->from_url.port;
}

/* -P and --password-file: the stronger source wins. */
static int
choose_password(
    struct mqtt_options *o, const struct opt_set *set, const char **out, struct err *err)
{
	enum opt_source text = source_of(o, set, &o->password);
	enum opt_source file = source_of(o, set, &o->password_file);

	if (o->password != NULL && o->password_file != NULL && text == file)
		return err_set(err, ERR_USAGE,
		    _("two passwords are given, -P and --password-file: give one"));
	if (o->password_file != NULL && (o->password == NULL || file > text)) {
		if (file_read_secret(o->password_file, &o->secret, err))
			return -1;
		*out = o->secret;
	} else {
		*out = o->password;
	}
	return 0;
}

/* A login in the URL outranks a user name of a weaker source, and the password with it. */
static int
choose_login(struct mqtt_options *o, const struct opt_set *set, struct session_opts *out,
    struct err *err)
{
	const struct broker_address *u = &o->from_url;

	if (u->username != NULL &&
	    (o->username == NULL ||
		source_of(o, set, &o->url) > source_of(o, set, &o->username))) {
		out->username = u->username;
		out->password = u->password;
	} else {
		out->username = o->username;
	}
	if (out->password == NULL && choose_password(o, set, &out->password, err))
		return -1;
	if (out->password != NULL && out->username == NULL)
		return err_set(
		    err, ERR_USAGE, _("a password is given without a user name (-u)"));
	return 0;
}

static int
check_tls(const struct mqtt_options *o, const struct session_opts *out, struct err *err)
{
	if (o->key != NULL && o->cert == NULL)
		return err_set(err, ERR_USAGE, _("--key needs --cert"));
	if (o->keypass_file != NULL && o->cert == NULL)
		return err_set(err, ERR_USAGE, _("--keypass-file needs --cert"));
	if (out->tls && out->host[0] == '/')
		return err_set(err, ERR_USAGE,
		    _("TLS to the unix socket '%s': it has no name that could be "
		      "verified"),
		    out->host);
	if (o->alpn != NULL && out->ws_path != NULL)
		return err_set(err, ERR_USAGE,
		    _("--tls-alpn: with wss:// the protocol is http/1.1"));
	return 0;
}

/* Whatever is only for TLS implies it. */
static int
choose_tls(
    struct mqtt_options *o, bool implied, struct session_opts *out, struct err *err)
{
	out->tls = implied || o->cafile != NULL || o->capath != NULL || o->cert != NULL ||
	    o->insecure || o->tls_version != 0 || o->alpn != NULL;
	out->cafile = o->cafile;
	out->capath = o->capath;
	out->cert = o->cert;
	out->key = o->key;
	out->tls_version = (enum tls_version)((o->tls_version + 1) / 2);
	out->alpn = o->alpn;
	out->insecure = o->insecure;
	if (check_tls(o, out, err) ||
	    (o->keypass_file != NULL &&
		file_read_secret(o->keypass_file, &o->keypass, err)))
		return -1;
	out->keypass = o->keypass;
	if (o->insecure)
		log_warn(
		    _("--insecure: anybody can pretend to be broker '%s'"), out->host);
	return 0;
}

int
mqtt_options_resolve(struct mqtt_options *o, const struct opt_set *set,
    struct session_opts *out, struct err *err)
{
	static const int versions[] = {0, 5, 5, 4, 4}; /* MQTT_VERSIONS */
	const struct broker_address *u = &o->from_url;
	bool from_url;

	out->password = NULL;
	if (choose_host(o, set, &from_url, err))
		return -1;
	out->host = from_url ? u->host : o->host != NULL ? o->host : "localhost";
	if (out->host[0] == '\0')
		return err_set(err, ERR_USAGE, _("the broker's host is empty"));
	out->ws_path = u->ws_path;
	if (choose_tls(o,
		from_url ? u->tls : o->port == broker_address_default_port(false, true),
		out, err) ||
	    choose_login(o, set, out, err))
		return -1;
	out->port = choose_port(o, set, from_url);
	if (out->host[0] == '/')
		out->port = 0;
	else if (out->port == 0)
		out->port = broker_address_default_port(u->ws_path != NULL, out->tls);
	if (o->id != NULL && topic_check_id(span_of(o->id), _("client id"), err))
		return -1;
	out->client_id = o->id;
	out->version = versions[o->version];
	out->keepalive = o->keepalive;
	out->connect_timeout = o->connect_timeout;
	out->retry = o->retry;
	return 0;
}

void
mqtt_options_release(struct mqtt_options *o)
{
	mem_free_secret(o->secret);
	mem_free_secret(o->keypass);
	o->secret = o->keypass = NULL;
	broker_address_release(&o->from_url);
}
