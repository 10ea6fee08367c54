/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the relay found no broker, for a person. */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "ws/ws_proxy_int.h"

enum { SECOND_LOOK = 100 }; /* ms, which the others wait */

/* Those whose cause a person can look for are told apart. */
void
ws_proxy_explain(const char *words, int status, struct err *why)
{
	static const struct {
		const char *words, *text;
	} known[] = {
	    {"Peer hung up", N_("it closed the connection: is this its WebSocket port?")},
	    {"read failed", N_("it closed the connection: is this its WebSocket port?")},
	    {"problems parsing", N_("it does not speak WebSocket on this port")},
	    {"HS: URI missing", N_("it does not speak WebSocket on this port")},
	    {"HS: ws upgrade unauthorized",
		N_("it wants a login for this path (HTTP 401)")},
	    {"HS: Cannot match protocol", N_("it does not speak MQTT at this path")},
	    {"HS: PROTOCOL malformed", N_("it does not speak MQTT at this path")},
	};
	size_t i;

	if (strncmp(words, "HS: ws upgrade response", 23) == 0) {
		err_set(why, ERR_UNREACHABLE,
		    _("WebSocket: it answered HTTP %d: is this its WebSocket path?"),
		    status);
		return;
	}
	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (strncmp(words, known[i].words, strlen(known[i].words)) == 0)
			words = _(known[i].text);
	}
	err_set(why, ERR_UNREACHABLE, "WebSocket: %s", words);
}

/* The errno of one more connect; 0 when it is not known within a moment. */
static int
connect_error(const struct sockaddr *to, socklen_t n)
{
	int number = 0;
	socklen_t size = sizeof(number);
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (fd < 0 || (connect(fd, to, n) != 0 && errno != EINPROGRESS))
		number = errno;
	else if (poll(&p, 1, SECOND_LOOK) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
	if (fd >= 0)
		close(fd);
	return number;
}

/* libwebsockets looks why a connection failed, and keeps it to itself. */
void
ws_proxy_explain_tcp(const char *address, int port, struct err *why)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *to;
	char service[16];
	int number = 0;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &to) == 0) {
		number = connect_error(to->ai_addr, to->ai_addrlen);
		freeaddrinfo(to);
	}
	err_set(why, ERR_UNREACHABLE, "%s",
	    number != 0 ? strerror(number) : _("no TCP connection"));
	why->text[0] = (char)tolower((unsigned char)why->text[0]);
}
