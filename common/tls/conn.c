/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/conn.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "loop/loop.h"

enum { READ_AHEAD = 64 << 10 }; /* four records of the largest size */

void
conn_open(struct conn *c, int fd, void *ssl)
{
	*c = (struct conn){.fd = fd, .ssl = ssl};
	if (ssl == NULL)
		return;
	SSL_set_read_ahead(ssl, 1);
	SSL_set_default_read_buffer_len(ssl, READ_AHEAD);
	SSL_set_mode(
	    ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static int
at_most(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* What a call of OpenSSL that gave `n` means, as read(2) and write(2) would say it. */
static ssize_t
outcome(struct conn *c, int n, bool *crossed, int crossing)
{
	int why = SSL_get_error(c->ssl, n);

	*crossed = why == crossing;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		errno = EAGAIN;
	else if (why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SYSCALL && errno == 0))
		return 0;
	else if (why != SSL_ERROR_SYSCALL)
		errno = EPROTO;
	return -1;
}

int
conn_shake(struct conn *c, const char **words)
{
	int r, why;

	ERR_clear_error();
	errno = 0;
	r = SSL_connect(c->ssl);
	why = SSL_get_error(c->ssl, r);
	if (why == SSL_ERROR_NONE)
		return 0;
	if (why == SSL_ERROR_WANT_READ)
		return LOOP_READ;
	if (why == SSL_ERROR_WANT_WRITE)
		return LOOP_WRITE;
	*words = ERR_reason_error_string(ERR_peek_error());
	return -1;
}

/* The end, or an error, that comes behind bytes is told by the next call. */
static ssize_t
tls_read(struct conn *c, char *p, size_t n, bool *drained)
{
	size_t got = 0;
	ssize_t end;
	int r;

	do {
		ERR_clear_error();
		errno = 0;
		r = SSL_read(c->ssl, p + got, at_most(n - got));
		got += r > 0 ? (size_t)r : 0;
	} while (r > 0 && got < n);
	if (r > 0)
		return (ssize_t)got;
	end = outcome(c, r, &c->read_writes, SSL_ERROR_WANT_WRITE);
	*drained = end < 0 && errno == EAGAIN;
	return got > 0 ? (ssize_t)got : end;
}

ssize_t
conn_read(struct conn *c, char *p, size_t n, bool *drained)
{
	ssize_t got;

	*drained = false;
	if (c->ssl != NULL)
		return tls_read(c, p, n, drained);
	do
		got = recv(c->fd, p, n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	*drained = got < 0 ? errno == EAGAIN : (size_t)got < n;
	return got;
}

ssize_t
conn_peek(struct conn *c, char *p, size_t n, bool *drained)
{
	ssize_t got;

	if (c->ssl == NULL) {
		got = recv(c->fd, p, n, MSG_PEEK | MSG_DONTWAIT);
	} else {
		ERR_clear_error();
		errno = 0;
		got = SSL_peek(c->ssl, p, at_most(n));
		if (got <= 0)
			got = outcome(c, (int)got, &c->read_writes, SSL_ERROR_WANT_WRITE);
	}
	*drained = got < 0 && (errno == EAGAIN || errno == EINTR);
	return got;
}

bool
conn_has_bytes(const struct conn *c)
{
	int n = 0;

	return (c->ssl != NULL && SSL_pending(c->ssl) > 0) ||
	    (ioctl(c->fd, FIONREAD, &n) == 0 && n > 0);
}

ssize_t
conn_write(struct conn *c, const char *p, size_t n)
{
	ssize_t sent;
	int r;

	if (c->ssl != NULL) {
		ERR_clear_error();
		errno = 0;
		r = SSL_write(c->ssl, p, at_most(n));
		return r > 0 ? r : outcome(c, r, &c->write_reads, SSL_ERROR_WANT_READ);
	}
	do
		sent = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent;
}

void
conn_shut(struct conn *c)
{
	ERR_clear_error();
	if (c->ssl != NULL && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	shutdown(c->fd, SHUT_WR);
}

unsigned
conn_events(const struct conn *c, bool wants_read, bool wants_write)
{
	bool read = (wants_read && !c->read_writes) || (wants_write && c->write_reads);
	bool write = (wants_write && !c->write_reads) || (wants_read && c->read_writes);

	return (read ? LOOP_READ : 0) | (write ? LOOP_WRITE : 0);
}
