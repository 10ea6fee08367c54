/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/* "[::1]:8000" into "::1" and "8000"; both free. */
static int
split(const char *where, char **host, char **port, struct err *err)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon != NULL ? (size_t)(colon - where) : 0;
	int64_t number;

	if (n == 0)
		return err_set(err, ERR_USAGE,
		    _("--listen: '%s' is not ADDRESS:PORT, such as 127.0.0.1:8000"),
		    where);
	if (text_int(colon + 1, 0, 65535, "--listen", &number, err))
		return -1;
	if (n > 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	*host = xstrndup(where, n);
	*port = xstrdup(colon + 1);
	return 0;
}

static char *
url_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&at, size, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return NULL;
	return xasprintf(
	    at.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

static int
try_address(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
is_loopback(const struct sockaddr *at)
{
	const struct sockaddr_in6 *v6 = (const void *)at;
	const struct sockaddr_in *v4 = (const void *)at;

	if (at->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int
listen_on(const char *where, bool insecure, char **url, bool *open, struct err *err)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char *host = NULL, *port = NULL;
	int fd = -1, failed;

	*url = NULL;
	if (split(where, &host, &port, err))
		return -1;
	failed = getaddrinfo(host, port, &hints, &found);
	*open = failed == 0 && !is_loopback(found->ai_addr);
	if (failed != 0)
		err_set(
		    err, ERR_USAGE, _("--listen: '%s': %s"), where, gai_strerror(failed));
	else if (*open && !insecure)
		err_set(err, ERR_USAGE,
		    _("--listen: other machines would send passwords and tokens to '%s' "
		      "unencrypted; listen on 127.0.0.1 behind a proxy that speaks TLS, "
		      "or "
		      "give --insecure-listen"),
		    where);
	else if ((fd = try_address(found)) < 0)
		err_sys(err, ERR_FAILED, _("cannot listen on '%s'"), where);
	else if ((*url = url_of(fd)) == NULL)
		err_sys(err, ERR_FAILED, _("cannot tell the address of '%s'"), where);
	if (found != NULL)
		freeaddrinfo(found);
	free(host);
	free(port);
	return *url != NULL ? fd : -1;
}
