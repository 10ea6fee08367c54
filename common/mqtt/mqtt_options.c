/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/mqtt_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/topic.h"

enum { PORT_TLS = 8883 };

/* A URL taken apart; the parts are NULL or 0 where it does not say. */
struct url {
	bool tls, ws;
	const char *host, *username, *password, *path;
	int port;
};

static int
default_port(bool ws, bool tls)
{
	static const int ports[2][2] = {{1883, PORT_TLS}, {80, 443}};

	return ports[ws][tls];
}

/* Sets the scheme's part of *u, and *rest to what follows "://". */
static int
take_scheme(const char *text, struct url *u, const char **rest, struct err *err)
{
	static const struct {
		const char *name;
		bool tls, ws;
	} schemes[] = {
	    {"mqtt", false, false},
	    {"tcp", false, false},
	    {"mqtts", true, false},
	    {"ssl", true, false},
	    {"ws", false, true},
	    {"wss", true, true},
	};
	const char *end = strstr(text, "://");
	size_t n = end != NULL ? (size_t)(end - text) : 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++) {
		if (n != strlen(schemes[i].name) || memcmp(text, schemes[i].name, n) != 0)
			continue;
		u->tls = schemes[i].tls;
		u->ws = schemes[i].ws;
		*rest = text + n + 3;
		return 0;
	}
	return err_set(err, ERR_USAGE,
	    _("a broker's URL is mqtt[s]://HOST[:PORT] or ws[s]://HOST[:PORT][/PATH]"));
}

static int
hex_of(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c | (c > '9' ? 0x20 : 0)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* %XX, in place; a NUL cannot come of it. */
static int
unescape(char *text, struct err *err)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		int high = *text == '%' ? hex_of(text[1]) : 0;
		int low = *text == '%' && high >= 0 ? hex_of(text[2]) : 0;

		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		if (high < 0 || low < 0 || high * 16 + low == 0)
			return err_set(err, ERR_USAGE,
			    _("a %% in a broker's URL must be followed by two hex "
			      "digits"));
		*out++ = (char)(high * 16 + low);
		text += 2;
	}
	*out = '\0';
	return 0;
}

static int
take_login(char *text, struct url *u, struct err *err)
{
	char *colon = strchr(text, ':');

	if (colon != NULL) {
		*colon = '\0';
		u->password = colon + 1;
		if (unescape(colon + 1, err))
			return -1;
	}
	u->username = text;
	return unescape(text, err);
}

static int
take_host(char *text, struct url *u, struct err *err)
{
	char *port = NULL;
	long number = 0;

	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return err_set(
			    err, ERR_USAGE, _("a broker's URL: '[' without ']'"));
		*end = '\0';
		u->host = text + 1;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		u->host = text;
		port = strchr(text, ':');
		if (port != NULL)
			*port++ = '\0';
	}
	if (u->host[0] == '\0')
		return err_set(err, ERR_USAGE, _("a broker's URL must name a host"));
	if (port != NULL &&
	    text_int(port, 1, 65535, _("the port of a broker's URL"), &number, err))
		return -1;
	u->port = (int)number;
	return 0;
}

/* `path` begins with its slash, or is empty. What could end a request's path early is refused. */
static int
check_path(const char *path, const struct url *u, struct err *err)
{
	if (!u->ws && path[0] == '/' && path[1] != '\0')
		return err_set(
		    err, ERR_USAGE, _("a broker's URL has no path: mqtt://HOST[:PORT]"));
	for (; *path != '\0'; path++) {
		if (*path <= ' ' || *path >= 0x7f || *path == '#')
			return err_set(err, ERR_USAGE,
			    _("the path of a broker's URL holds a blank, a '#', a "
			      "control "
			      "character or one that is no ASCII"));
	}
	return 0;
}

/* `parts` gets copies that `u` points into: the URL up to its path, and the path. (The password of
 * an MQTT URL may hold a slash.) The messages do not repeat the URL: it may hold a password. */
static int
take_url(const char *text, struct buf *parts, struct url *u, struct err *err)
{
	const char *rest = text, *path;
	char *at, *host;
	size_t n;

	if (take_scheme(text, u, &rest, err))
		return -1;
	path = u->ws ? NULL : strrchr(rest, '@');
	path = strchr(path != NULL ? path : rest, '/');
	n = path != NULL ? (size_t)(path - rest) : strlen(rest);
	path = rest + n;
	if (check_path(path, u, err))
		return -1;
	buf_put(parts, rest, n);
	buf_putc(parts, '\0');
	buf_puts(parts, path[0] != '\0' ? path : MQTT_WS_PATH);
	host = buf_str(parts);
	u->path = host + n + 1;
	at = strrchr(host, '@');
	if (at != NULL) {
		*at = '\0';
		if (take_login(host, u, err))
			return -1;
		host = at + 1;
	}
	return take_host(host, u, err);
}

static enum opt_source
source_of(const struct mqtt_options *o, const struct opt_set *set, const void *member)
{
	ptrdiff_t in_options = (const char *)member - (const char *)o;
	ptrdiff_t offset = (const char *)o - (const char *)set->base + in_options;

	return opt_source_of(set, (size_t)offset);
}

/* -h and -L: the stronger source wins; one source naming both contradicts itself. */
static int
choose_host(struct mqtt_options *o, const struct opt_set *set, struct url *u,
    bool *from_url, struct err *err)
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
	return take_url(o->url, &o->url_parts, u, err);
}

static int
choose_port(const struct mqtt_options *o, const struct opt_set *set, const struct url *u,
    bool from_url)
{
	if (o->port != 0 &&
	    (!from_url || u->port == 0 ||
		source_of(o, set, &o->port) > source_of(o, set, &o->url)))
		return o->port;
	return u->port;
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
choose_login(struct mqtt_options *o, const struct opt_set *set, const struct url *u,
    struct session_opts *out, struct err *err)
{
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
	struct url u = {0};
	bool from_url;

	out->password = NULL;
	if (choose_host(o, set, &u, &from_url, err))
		return -1;
	out->host = from_url ? u.host : o->host != NULL ? o->host : "localhost";
	if (out->host[0] == '\0')
		return err_set(err, ERR_USAGE, _("the broker's host is empty"));
	if (!from_url)
		u = (struct url){.tls = o->port == PORT_TLS};
	out->ws_path = u.ws ? u.path : NULL;
	if (choose_tls(o, u.tls, out, err) || choose_login(o, set, &u, out, err))
		return -1;
	out->port = choose_port(o, set, &u, from_url);
	if (out->host[0] == '/')
		out->port = 0;
	else if (out->port == 0)
		out->port = default_port(u.ws, out->tls);
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
	if (o->url_parts.p != NULL)
		explicit_bzero(o->url_parts.p, o->url_parts.n);
	buf_release(&o->url_parts);
}
