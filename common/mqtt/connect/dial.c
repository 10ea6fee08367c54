/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/dial.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* Wrong certificates are told now, before anybody connects; then the proxy reads its own. */
static int
check_tls(const struct session_opts *o, struct err *err)
{
	struct tls *tls = NULL;

	if (!o->tls || o->shared_tls != NULL)
		return 0;
	if (session_opts_tls(&tls, o, err))
		return -1;
	tls_free(tls);
	return 0;
}

static int
open_ws(struct dial *d, const struct session_opts *o, struct err *err)
{
	const struct tls_opts tls = session_opts_for_tls(o);

	if (check_tls(o, err) || ws_proxy_hold(err))
		return -1;
	d->ws = true;
	ws_proxy_target(
	    &d->ws_target, o->host, o->port, o->ws_path, o->tls ? &tls : NULL);
	return 0;
}

int
dial_open(struct dial *d, const struct session_opts *o, struct err *err)
{
	*d = (struct dial){.has_cert = o->cert != NULL || o->cert_pem != NULL};
	if (o->ws_path != NULL)
		return open_ws(d, o, err);
	if (o->tls && o->shared_tls == NULL)
		return session_opts_tls(&d->tls, o, err);
	return o->tls ? tls_for(&d->tls, o->shared_tls, o->host, err) : 0;
}

void
dial_close(struct dial *d)
{
	tls_free(d->tls);
	if (d->ws) {
		explicit_bzero(d->ws_target.p, d->ws_target.n);
		buf_release(&d->ws_target);
		free(d->ws_path);
		ws_proxy_release();
	}
	free(d->words);
	*d = (struct dial){0};
}

/* Whoever renews certificates may be at it just now: what was read before may still do, and the next change is
 * read again. */
static void
refresh_tls(struct dial *d)
{
	struct err err = {0};

	if (d->tls != NULL && tls_refresh(d->tls, &err) < 0)
		log_warn(_("TLS: %s: what was read before stays"), err.text);
}

const char *
dial_begin(struct dial *d, const char *address, struct err *err)
{
	refresh_tls(d);
	free(d->words);
	d->words = NULL;
	d->cert_asked = false;
	if (!d->ws)
		return address;
	free(d->ws_path);
	d->ws_path = ws_proxy_path(err);
	return d->ws_path;
}

/* A numeric address, or a path; 0: neither. */
static socklen_t
address_of(struct sockaddr_storage *out, const char *peer, int port)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct sockaddr_un *path = (struct sockaddr_un *)out;
	struct addrinfo *found = NULL;
	char service[8];
	socklen_t n;

	*out = (struct sockaddr_storage){0};
	if (peer[0] == '/') {
		if (strlen(peer) >= sizeof(path->sun_path))
			return 0;
		path->sun_family = AF_UNIX;
		strncpy(path->sun_path, peer, sizeof(path->sun_path) - 1);
		return sizeof(*path);
	}
	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(peer, service, &hints, &found) != 0)
		return 0;
	n = found->ai_addrlen;
	memcpy(out, found->ai_addr, n);
	freeaddrinfo(found);
	return n;
}

int
dial_socket(const char *peer, int port)
{
	const int one = 1;
	struct sockaddr_storage to;
	const socklen_t n = address_of(&to, peer, port);
	int fd = n > 0
	    ? socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
	    : -1;
	int number;

	if (n == 0)
		errno = peer[0] == '/' ? ENAMETOOLONG : EINVAL;
	if (fd < 0)
		return -1;
	if (to.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&to, n) == 0 || errno == EINPROGRESS)
		return fd;
	number = errno;
	close(fd);
	errno = number;
	return -1;
}

int
dial_ask(struct dial *d, int fd, const char *address, struct err *err)
{
	return d->ws ? ws_proxy_ask(fd, address, buf_as_span(&d->ws_target), err) : 0;
}

/* tls_asked forgets, and the context may be that of many sessions. */
void
dial_note(struct dial *d)
{
	d->cert_asked |= d->tls != NULL && tls_asked(d->tls);
}

void
dial_note_words(struct dial *d, const char *words)
{
	if (d->words == NULL)
		d->words = xstrdup(words);
}

/* A broker that wants a certificate may go on without, or hang up, often before its alert can be read;
 * and it may do that after our side of the handshake is over: what TLS knows goes first. */
bool
dial_explain(struct dial *d, enum dial_stage stage, bool in_tls, struct err *err)
{
	const char *why = d->tls != NULL ? tls_failure(d->tls) : "";

	if (d->cert_asked && stage != DIAL_UP)
		why = _("the broker asked for a client certificate (--cert)");
	else if (why[0] == '\0' && in_tls)
		why = d->words != NULL ? d->words
				       : _("it closed the connection during the "
					   "handshake: is this its TLS port?");
	else if (why[0] == '\0' && d->tls != NULL && stage == DIAL_SHAKING && d->has_cert)
		why =
		    _("it closed the connection when it had our certificate: it may not "
		      "trust it");
	if (why[0] != '\0')
		err_set(err, ERR_UNREACHABLE, "TLS: %s", why);
	return why[0] != '\0';
}

/* Not refused, but connected and reset since: something of ours was acknowledged. */
static bool
was_connected(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	    info.tcpi_bytes_acked > 0;
}

/* Asked before libmosquitto's next call on the socket: over TLS it would spin on one that is refused. Its
 * first, inside of connect, may have taken the error away already. */
int
dial_errno(int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int number = 0;
	socklen_t size = sizeof(number);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
	if (number == 0 && getpeername(fd, (struct sockaddr *)&peer, &n) != 0)
		return was_connected(fd) ? ECONNRESET : ECONNREFUSED;
	return number;
}
