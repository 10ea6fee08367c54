/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/rest_proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

/* The host without brackets. (Free.) */
static char *
host_of(const char *base)
{
	const char *at = strstr(base, "://");

	at = at != NULL ? at + 3 : base;
	if (at[0] == '[')
		return xstrndup(at + 1, strcspn(at + 1, "]/"));
	return xstrndup(at, strcspn(at, ":/"));
}

/* RFC 6761, 6.3: also what ends with ".localhost", with a dot behind it or not. */
static bool
is_localhost(const char *host)
{
	size_t n = strlen(host), m = strlen("localhost");

	n -= n > 0 && host[n - 1] == '.';
	return n >= m && strncasecmp(host + n - m, "localhost", m) == 0 &&
	    (n == m || host[n - m - 1] == '.');
}

bool
rest_proxy_is_loopback(const char *base)
{
	char *host = host_of(base);
	struct in_addr v4 = {0};
	struct in6_addr v6;
	bool is = is_localhost(host);

	/* As those who connect read an address: 127.1 and 2130706433 are one, too. */
	if (inet_aton(host, &v4) != 0)
		is = ntohl(v4.s_addr) >> 24 == 127;
	else if (inet_pton(AF_INET6, host, &v6) == 1)
		is = IN6_IS_ADDR_LOOPBACK(&v6) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
	free(host);
	return is;
}

/* The first of the scheme's variables that is set. "HTTP_PROXY" is none: a CGI's client could set it. */
static const char *
variable_of(const char *base)
{
	static const char *const names[] = {
	    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	bool tls = strncmp(base, "https:", 6) == 0;
	size_t i;

	for (i = tls ? 1 : 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return names[i];
		if (!tls && i == 0)
			i = 2;
	}
	return NULL;
}

/* Whether one name of no_proxy covers the host: itself, or a domain that it is in. */
static bool
covers(const char *name, size_t n, const char *host)
{
	size_t m = strlen(host);

	if (n != 0 && name[0] == '.')
		name++, n--;
	if (n == 1 && name[0] == '*')
		return true;
	return n != 0 && n <= m && strncasecmp(host + m - n, name, n) == 0 &&
	    (n == m || host[m - n - 1] == '.');
}

static bool
is_excepted(const char *host)
{
	const char *at = getenv("no_proxy");
	size_t n;

	if (at == NULL)
		at = getenv("NO_PROXY");
	for (; at != NULL && at[0] != '\0'; at += n + (at[n] != '\0')) {
		n = strcspn(at, ", ");
		if (memchr(at, '/', n) != NULL || covers(at, n, host))
			return true;
	}
	return false;
}

bool
rest_proxy_put(const char *base, struct buf *out)
{
	const char *name = variable_of(base), *value, *at;
	char *host = host_of(base);
	bool used = name != NULL && !rest_proxy_is_loopback(base) && !is_excepted(host);

	if (used) {
		value = getenv(name);
		at = strstr(value, "://");
		value = at != NULL ? at + 3 : value;
		at = strrchr(value, '@');
		value = at != NULL ? at + 1 : value;
		buf_printf(out, "'%.*s' (%s)", (int)strcspn(value, "/"), value, name);
	}
	free(host);
	return used;
}
