/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/mqtt_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/topic.h"

static const struct opt_origin *
origin_of(const struct mqtt_options *o, const struct opt_set *set, const void *member)
{
	ptrdiff_t in_options = (const char *)member - (const char *)o;
	ptrdiff_t offset = (const char *)o - (const char *)set->base + in_options;

	return opt_origin_of(set, (size_t)offset);
}

static enum opt_source
source_of(const struct mqtt_options *o, const struct opt_set *set, const void *member)
{
	return origin_of(o, set, member)->source;
}

static struct broker_address *
add_broker(struct mqtt_options *o)
{
	o->brokers = xreallocarray(o->brokers, o->count + 1, sizeof(*o->brokers));
	o->brokers[o->count] = (struct broker_address){0};
	return &o->brokers[o->count++];
}

/* A path of a unix socket is one, whatever is in it. */
static const char *
host_end(const char *text)
{
	return text[0] == '/' ? text + strlen(text) : strchrnul(text, ',');
}

/* A password may hold a comma: one stands between two URLs where another begins behind it. */
static const char *
url_end(const char *text)
{
	const char *end = text, *next;

	do {
		end = strchrnul(*end != '\0' ? end + 1 : end, ',');
		next = *end != '\0' ? end + 1 + strspn(end + 1, " \t") : end;
		next += strspn(next, "abcdefghijklmnopqrstuvwxyz");
	} while (*end != '\0' && strncmp(next, "://", 3) != 0);
	return end;
}

static int
add_one(struct mqtt_options *o, const char *text, bool is_url, struct err *err)
{
	struct broker_address *b = add_broker(o);

	if (!is_url && text[0] == '\0')
		return err_set(err, ERR_USAGE, _("the broker's host is empty"));
	if (!is_url)
		b->host = xstrdup(text);
	else if (broker_address_parse(b, text, err))
		return -1;
	if (is_url && strchr(b->host, ',') != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s' is no host: several brokers are given as "
		      "mqtt://HOST,mqtt://HOST"),
		    b->host);
	return 0;
}

/* With commas between them, and blanks around these. */
static int
add_all(struct mqtt_options *o, const char *text, bool is_url, struct err *err)
{
	const char *end;
	int failed;

	do {
		const char *at = text + strspn(text, " \t");
		char *one;
		size_t n;

		end = is_url ? url_end(at) : host_end(at);
		n = (size_t)(end - at);
		while (n > 0 && strchr(" \t", at[n - 1]) != NULL)
			n--;
		one = xstrndup(at, n);
		failed = add_one(o, one, is_url, err);
		mem_free_secret(one);
		text = end + 1;
	} while (!failed && *end != '\0');
	return failed;
}

/* A session speaks one protocol and has one login, whichever of its brokers it is at. */
static int
check_alike(const struct mqtt_options *o, struct err *err)
{
	const struct broker_address *first = &o->brokers[0];
	size_t i;

	for (i = 1; i < o->count; i++) {
		const struct broker_address *b = &o->brokers[i];

		if (b->tls != first->tls ||
		    (b->ws_path == NULL) != (first->ws_path == NULL))
			return err_set(err, ERR_USAGE,
			    _("brokers '%s' and '%s' are given with two protocols: "
			      "give one"),
			    first->host, b->host);
		if (!text_equal(b->topic, first->topic))
			return err_set(err, ERR_USAGE,
			    _("the URLs of '%s' and '%s' have two topics: give one"),
			    first->host, b->host);
		if (b->username != NULL &&
		    (!text_equal(b->username, first->username) ||
			!text_equal(b->password, first->password)))
			return err_set(err, ERR_USAGE,
			    _("brokers '%s' and '%s' are given with two logins: give "
			      "one, in the first URL"),
			    first->host, b->host);
	}
	return 0;
}

/* It is in argv alone. A path from here leads there, too. */
static int
choose_unix(struct mqtt_options *o, const struct opt_set *set, struct err *err)
{
	char *here = o->unix_path[0] != '/' ? getcwd(NULL, 0) : NULL;

	if (source_of(o, set, &o->hosts) == OPT_FROM_ARGV ||
	    source_of(o, set, &o->urls) == OPT_FROM_ARGV) {
		free(here);
		return err_set(err, ERR_USAGE,
		    _("two brokers are given, the unix socket '%s' and another one: "
		      "give one"),
		    o->unix_path);
	}
	add_broker(o)->host =
	    here != NULL ? xasprintf("%s/%s", here, o->unix_path) : xstrdup(o->unix_path);
	free(here);
	return 0;
}

/* -h and -L: the stronger source wins; one source naming both contradicts itself. */
static int
choose_brokers(
    struct mqtt_options *o, const struct opt_set *set, bool *from_url, struct err *err)
{
	enum opt_source host = source_of(o, set, &o->hosts);
	enum opt_source url = source_of(o, set, &o->urls);
	const struct strv *from;
	size_t i;

	if (o->unix_path != NULL)
		return choose_unix(o, set, err);
	if (o->urls.n > 0 && o->hosts.n > 0 && host == url)
		return err_set(err, ERR_USAGE,
		    _("two brokers are given, a host ('%s') and a URL: give one"),
		    o->hosts.v[0]);
	*from_url = o->urls.n > 0 && (o->hosts.n == 0 || url > host);
	from = *from_url ? &o->urls : &o->hosts;
	for (i = 0; i < from->n; i++) {
		if (add_all(o, from->v[i], *from_url, err))
			return -1;
	}
	if (o->count == 0)
		add_broker(o)->host = xstrdup("localhost");
	return check_alike(o, err);
}

/* Of one that a URL gave no port, or a weaker source than -p's. */
static void
choose_ports(struct mqtt_options *o, const struct opt_set *set, bool from_url, bool tls)
{
	const bool stronger =
	    !from_url || source_of(o, set, &o->port) > source_of(o, set, &o->urls);
	size_t i;

	for (i = 0; i < o->count; i++) {
		struct broker_address *b = &o->brokers[i];

		b->tls = tls;
		if (o->port != 0 && (stronger || b->port == 0))
			b->port = o->port;
		if (b->host[0] == '/')
			b->port = 0;
		else if (b->port == 0)
			b->port = broker_address_default_port(b->ws_path != NULL, tls);
	}
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
	const struct broker_address *u = &o->brokers[0];

	if (u->username != NULL &&
	    (o->username == NULL ||
		source_of(o, set, &o->urls) > source_of(o, set, &o->username))) {
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
	size_t i;

	if (o->key != NULL && o->cert == NULL)
		return err_set(err, ERR_USAGE, _("--key needs --cert"));
	if (o->keypass_file != NULL && o->cert == NULL)
		return err_set(err, ERR_USAGE, _("--keypass-file needs --cert"));
	for (i = 0; out->tls && i < o->count; i++) {
		if (o->brokers[i].host[0] == '/')
			return err_set(err, ERR_USAGE,
			    _("TLS to the unix socket '%s': it has no name that could be "
			      "verified"),
			    o->brokers[i].host);
	}
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

static int
refuse_topic(struct err *err)
{
	return err_set(err, ERR_USAGE,
	    _("a topic in a broker's URL is taken from -L alone: mqtt://HOST[:PORT]"));
}

int
mqtt_options_check_urls(const char *text, struct err *err)
{
	struct mqtt_options o = {0};
	int failed = add_all(&o, text, true, err) || check_alike(&o, err);

	if (!failed && mqtt_options_topic(&o) != NULL)
		failed = refuse_topic(err);
	mqtt_options_release(&o);
	return failed ? -1 : 0;
}

/* That of the environment or a file would be one more for each command, also for those that name theirs. */
static int
check_topic(const struct mqtt_options *o, const struct opt_set *set, struct err *err)
{
	const struct opt_origin *url = origin_of(o, set, &o->urls);

	if (mqtt_options_topic(o) == NULL ||
	    (o->takes_topic && url->source == OPT_FROM_ARGV))
		return 0;
	if (o->takes_topic) {
		refuse_topic(err);
		return err_in(err, "%s", url->where);
	}
	return err_set(err, ERR_USAGE,
	    _("%s: a topic in the broker's URL is of no use here: mqtt://HOST[:PORT]"),
	    url->where);
}

int
mqtt_options_resolve(struct mqtt_options *o, const struct opt_set *set,
    struct session_opts *out, struct err *err)
{
	static const int versions[] = {0, 5, 5, 4, 4}; /* MQTT_VERSIONS */
	bool from_url = false;

	out->password = NULL;
	if (choose_brokers(o, set, &from_url, err))
		return -1;
	if (check_topic(o, set, err))
		return -1;
	out->host = o->brokers[0].host;
	out->ws_path = o->brokers[0].ws_path;
	if (choose_tls(o,
		from_url ? o->brokers[0].tls
			 : o->port == broker_address_default_port(false, true),
		out, err) ||
	    choose_login(o, set, out, err))
		return -1;
	choose_ports(o, set, from_url, out->tls);
	out->port = o->brokers[0].port;
	out->others = o->brokers + 1;
	out->others_n = o->count - 1;
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
	for (; o->count > 0; o->count--)
		broker_address_release(&o->brokers[o->count - 1]);
	free(o->brokers);
	o->brokers = NULL;
}
