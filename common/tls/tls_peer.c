/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One handshake, to look at the other side. */
#include "tls/tls_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "tls/tls_int.h"

/* What is left of the time, in ms for poll; 0: nothing. */
static int
left_until(int64_t end)
{
	int64_t left = (end - clock_wall_us()) / 1000;

	return left > 0 ? (int)left : 0;
}

/* 1: done, 0: again when the socket is ready, -1. */
static int
step(struct tls *t, SSL *ssl, struct pollfd *p, struct err *err)
{
	int n, why;
	const char *told;

	ERR_clear_error();
	errno = 0;
	n = SSL_connect(ssl);
	if (n == 1)
		return 1;
	why = SSL_get_error(ssl, n);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
		p->events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return 0;
	}
	told = tls_failure(t);
	if (told[0] != '\0')
		return err_set(err, ERR_UNREACHABLE, "TLS: %s", told);
	if (tls_asked(t))
		return err_set(err, ERR_UNREACHABLE, "TLS: %s",
		    _("the broker asked for a client certificate"));
	return err_set(err, ERR_UNREACHABLE, "TLS: %s",
	    why == SSL_ERROR_SYSCALL && errno != 0
		? strerror(errno)
		: _("the other side does not speak TLS, or hung up"));
}

static int
shake_hands(struct tls *t, SSL *ssl, int fd, int64_t timeout, struct err *err)
{
	struct pollfd p = {.fd = fd};
	int64_t end = clock_wall_us() + timeout * 1000;
	int done, left;

	while ((done = step(t, ssl, &p, err)) == 0) {
		left = left_until(end);
		if (left == 0 || poll(&p, 1, left) == 0) {
			err_set(err, ERR_UNREACHABLE, _("no answer within %.3g s"),
			    (double)timeout / 1000);
			return err_in(err, "TLS");
		}
	}
	return done == 1 ? 0 : -1;
}

static void
look(SSL *ssl, struct tls_peer *out)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	struct buf names = {0}, list = {0};
	int i, days, seconds;

	if (chain == NULL)
		chain = SSL_get_peer_cert_chain(ssl);
	for (i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		buf_puts(&list, i > 0 ? " < " : "");
		tls_put_common_name(&list, X509_get_subject_name(cert));
		if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) &&
		    (i == 0 || days < out->days))
			out->days = days;
	}
	if (sk_X509_num(chain) > 0)
		tls_put_alt_names(&names, sk_X509_value(chain, 0));
	out->names = buf_steal(&names);
	out->chain = buf_steal(&list);
	out->version = SSL_get_version(ssl);
}

int
tls_peer_look(
    struct tls *t, int fd, int64_t timeout, struct tls_peer *out, struct err *err)
{
	SSL *ssl = SSL_new(tls_context(t));
	int flags = fcntl(fd, F_GETFL);
	int failed;

	*out = (struct tls_peer){0};
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return err_set(err, ERR_FAILED, _("cannot start TLS"));
	}
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	failed = shake_hands(t, ssl, fd, timeout, err);
	if (!failed) {
		look(ssl, out);
		SSL_shutdown(ssl);
	}
	ERR_clear_error();
	SSL_free(ssl);
	return failed;
}

void
tls_peer_release(struct tls_peer *p)
{
	free(p->names);
	free(p->chain);
	*p = (struct tls_peer){0};
}
