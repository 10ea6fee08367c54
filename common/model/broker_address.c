/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/broker_address.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

static const struct protocol {
	const char *name;
	bool ws, tls;
} protocols[] = {
    {"mqtt", false, false},
    {"tcp", false, false},
    {"mqtts", false, true},
    {"ssl", false, true},
    {"ws", true, false},
    {"wss", true, true},
};

static void
set_path(struct broker_address *a, const char *path)
{
	free(a->ws_path);
	a->ws_path = path != NULL ? xstrdup(path) : NULL;
}

bool
broker_address_set_protocol(struct broker_address *a, struct span name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(protocols); i++) {
		if (!span_is(name, protocols[i].name))
			continue;
		a->tls = protocols[i].tls;
		set_path(a, protocols[i].ws ? BROKER_ADDRESS_WS_PATH : NULL);
		return true;
	}
	return false;
}

/* A member as text, NULL if it is absent, null or empty. */
static char *
member(struct span row, const char *name)
{
	struct buf text = {0};
	struct span value;

	if (!json_member(row, name, &value) || json_kind(value) == JSON_KIND_NULL)
		return NULL;
	if (json_kind(value) == JSON_KIND_STRING)
		json_unescape(&text, value);
	else
		buf_span(&text, value);
	if (text.n > 0)
		return buf_steal(&text);
	buf_release(&text);
	return NULL;
}

int
broker_address_read(struct broker_address *a, struct span row, struct err *err)
{
	char *protocol = member(row, "protocol"), *port = member(row, "port");
	struct span use_tls;
	int64_t number = 0;

	*a = (struct broker_address){.host = member(row, "host"),
	    .ca_pem = member(row, "ca_cert"),
	    .username = member(row, "username")};
	broker_address_set_protocol(a, span_of(protocol));
	if (json_member(row, "use_tls", &use_tls) && json_kind(use_tls) == JSON_KIND_TRUE)
		a->tls = true;
	if (port != NULL)
		text_int(port, 1, 65535, "", &number, NULL);
	if (a->host != NULL && a->host[0] != '/')
		a->port = (int)number;
	free(port);
	free(protocol);
	if (a->host == NULL || number == 0)
		return err_set(err, ERR_PROTOCOL, _("the broker has no host or no port"));
	return 0;
}

static int
unescape(char *text, struct err *err)
{
	if (text_percent_decode(text))
		return 0;
	return err_set(err, ERR_USAGE,
	    _("a %% in a broker's URL must be followed by two hex digits"));
}

static int
take_login(struct broker_address *a, char *text, struct err *err)
{
	char *colon = strchr(text, ':');

	if (colon != NULL) {
		*colon = '\0';
		if (unescape(colon + 1, err))
			return -1;
		a->password = xstrdup(colon + 1);
	}
	if (unescape(text, err))
		return -1;
	a->username = xstrdup(text);
	return 0;
}

static int
take_host(struct broker_address *a, char *text, struct err *err)
{
	char *port = NULL;
	int64_t number = 0;

	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return err_set(
			    err, ERR_USAGE, _("a broker's URL: '[' without ']'"));
		*end = '\0';
		port = end[1] == ':' ? end + 2 : NULL;
		text++;
	} else {
		port = strchr(text, ':');
		if (port != NULL)
			*port++ = '\0';
	}
	if (text[0] == '\0')
		return err_set(err, ERR_USAGE, _("a broker's URL must name a host"));
	if (port != NULL &&
	    text_int(port, 1, 65535, _("the port of a broker's URL"), &number, err))
		return -1;
	a->host = xstrdup(text);
	a->port = (int)number;
	return 0;
}

static int
take_topic(struct broker_address *a, const char *path, struct err *err)
{
	if (path[0] == '\0' || path[1] == '\0')
		return 0;
	a->topic = xstrdup(path + 1);
	return unescape(a->topic, err);
}

/* `path` begins with its slash, or is empty. What could end a request's path early is refused. */
static int
take_path(struct broker_address *a, const char *path, struct err *err)
{
	const char *p;

	if (a->ws_path == NULL)
		return take_topic(a, path, err);
	for (p = path; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return err_set(err, ERR_USAGE,
			    _("the path of a broker's URL holds a blank, a '#', a "
			      "control "
			      "character or one that is no ASCII"));
	}
	if (path[0] != '\0')
		set_path(a, path);
	return 0;
}

static int
take_authority(struct broker_address *a, char *text, struct err *err)
{
	char *at = strrchr(text, '@');

	if (at == NULL)
		return take_host(a, text, err);
	*at = '\0';
	return take_login(a, text, err) ? -1 : take_host(a, at + 1, err);
}

/* The password of an MQTT URL may hold a slash. */
int
broker_address_parse(struct broker_address *a, const char *url, struct err *err)
{
	const char *end = strstr(url, "://"), *rest, *path;
	char *authority;
	int failed;

	*a = (struct broker_address){0};
	if (end == NULL ||
	    !broker_address_set_protocol(a, (struct span){url, (size_t)(end - url)}))
		return err_set(err, ERR_USAGE,
		    _("a broker's URL is mqtt[s]://HOST[:PORT] or "
		      "ws[s]://HOST[:PORT][/PATH]"));
	rest = end + 3;
	path = a->ws_path != NULL ? NULL : strrchr(rest, '@');
	path = strchr(path != NULL ? path : rest, '/');
	if (path == NULL)
		path = rest + strlen(rest);
	if (take_path(a, path, err))
		return -1;
	authority = xstrndup(rest, (size_t)(path - rest));
	failed = take_authority(a, authority, err);
	mem_free_secret(authority);
	return failed;
}

int
broker_address_default_port(bool ws, bool tls)
{
	static const int ports[2][2] = {{1883, 8883}, {80, 443}};

	return ports[ws][tls];
}

char *
broker_address_url(const struct broker_address *a)
{
	const char *host = a->host != NULL ? a->host : "";
	const bool v6 = strchr(host, ':') != NULL;

	return xasprintf("%s%s://%s%s%s:%d", a->ws_path != NULL ? "ws" : "mqtt",
	    a->tls ? "s" : "", v6 ? "[" : "", host, v6 ? "]" : "", a->port);
}

static char *
copy(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

struct broker_address
broker_address_copy(const struct broker_address *a)
{
	return (struct broker_address){.host = copy(a->host),
	    .port = a->port,
	    .tls = a->tls,
	    .ws_path = copy(a->ws_path),
	    .topic = copy(a->topic),
	    .username = copy(a->username),
	    .password = copy(a->password),
	    .ca_pem = copy(a->ca_pem)};
}

bool
broker_address_equal(const struct broker_address *a, const struct broker_address *b)
{
	return text_equal(a->host, b->host) && a->port == b->port && a->tls == b->tls &&
	    text_equal(a->ws_path, b->ws_path) && text_equal(a->username, b->username) &&
	    text_equal(a->password, b->password) && text_equal(a->ca_pem, b->ca_pem);
}

void
broker_address_release(struct broker_address *a)
{
	free(a->host);
	free(a->ws_path);
	free(a->topic);
	free(a->username);
	mem_free_secret(a->password);
	free(a->ca_pem);
	*a = (struct broker_address){0};
}
