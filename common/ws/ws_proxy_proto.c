/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests and answers as bytes: ws_proxy_int.h tells them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "ws/ws_proxy_int.h"

/* In this order; the target is all but the first. */
enum field {
	ADDRESS,
	HOST,
	PORT,
	PATH,
	USES_TLS,
	INSECURE,
	VERSION,
	CAFILE,
	CAPATH,
	CA_PEM,
	CERT,
	KEY,
	CERT_PEM,
	KEY_PEM,
	KEYPASS,
	FIELDS
};

static const char letters[] = {
    [WS_PROXY_OPEN] = 'O', [WS_PROXY_ABSENT] = 'A', [WS_PROXY_REFUSED] = 'R'};

static void
put(struct buf *out, const char *text)
{
	buf_puts(out, text != NULL ? text : "");
	buf_putc(out, '\0');
}

void
ws_proxy_target(struct buf *out, const char *host, int port, const char *path,
    const struct tls_opts *tls)
{
	static const struct tls_opts none = {0};
	const struct tls_opts *t = tls != NULL ? tls : &none;
	const char *const texts[] = {t->cafile, t->capath, t->ca_pem, t->cert, t->key,
	    t->cert_pem, t->key_pem, t->keypass};
	size_t i;

	put(out, host);
	buf_printf(out, "%d", port);
	buf_putc(out, '\0');
	put(out, path);
	put(out, tls != NULL ? "1" : "");
	put(out, t->insecure ? "1" : "");
	buf_printf(out, "%d", (int)t->version);
	buf_putc(out, '\0');
	for (i = 0; i < ARRAY_LEN(texts); i++)
		put(out, texts[i]);
}

/* A new unix socket takes all of it, or it is far too long. */
int
ws_proxy_ask(int fd, const char *address, struct span target, struct err *err)
{
	struct buf all = {0};
	uint32_t n = (uint32_t)(strlen(address) + 1 + target.n);
	ssize_t sent;

	buf_put(&all, &n, sizeof(n));
	put(&all, address);
	buf_span(&all, target);
	sent = send(fd, all.p, all.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	n = (uint32_t)all.n;
	explicit_bzero(all.p, all.n);
	buf_release(&all);
	if (sent == (ssize_t)n)
		return 0;
	return sent >= 0
	    ? err_set(err, ERR_USAGE, _("the certificates are too long for WebSocket"))
	    : err_sys(err, ERR_UNREACHABLE, _("cannot ask the WebSocket relay"));
}

long
ws_proxy_request_missing(struct span in)
{
	uint32_t n;

	if (in.n < sizeof(n))
		return (long)(sizeof(n) - in.n);
	memcpy(&n, in.p, sizeof(n));
	return n > 0 && n <= WS_PROXY_REQUEST_MOST ? (long)(n + sizeof(n) - in.n) : -1;
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

int
ws_proxy_request_read(struct span in, struct ws_proxy_request *out)
{
	const char *f[FIELDS], *at = in.p + sizeof(uint32_t), *end = in.p + in.n;
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		const char *stop = memchr(at, '\0', (size_t)(end - at));

		if (stop == NULL)
			return -1;
		f[i] = at;
		at = stop + 1;
	}
	*out = (struct ws_proxy_request){.address = f[ADDRESS],
	    .host = f[HOST],
	    .path = f[PATH],
	    .port = atoi(f[PORT]),
	    .uses_tls = f[USES_TLS][0] != '\0',
	    .tls = {.host = f[HOST],
		.cafile = or_null(f[CAFILE]),
		.capath = or_null(f[CAPATH]),
		.ca_pem = or_null(f[CA_PEM]),
		.cert = or_null(f[CERT]),
		.key = or_null(f[KEY]),
		.cert_pem = or_null(f[CERT_PEM]),
		.key_pem = or_null(f[KEY_PEM]),
		.keypass = or_null(f[KEYPASS]),
		.version = (enum tls_version)atoi(f[VERSION]),
		.insecure = f[INSECURE][0] != '\0'},
	    .target = {f[HOST], (size_t)(end - f[HOST])}};
	return 0;
}

void
ws_proxy_answer_write(int fd, enum ws_proxy_answer answer, const struct err *why)
{
	char text[sizeof(struct err)]; /* more than its text */
	size_t n = why != NULL ? strlen(why->text) : 0;

	text[0] = letters[answer];
	if (n > 0)
		memcpy(text + 1, why->text, n);
	while (send(fd, text, n + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
		;
}

enum ws_proxy_answer
ws_proxy_answer(int fd, struct err *err)
{
	char letter, text[sizeof(err->text)];
	ssize_t n = recv(fd, &letter, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WS_PROXY_WAIT;
	if (n == 1 && letter == letters[WS_PROXY_OPEN])
		return WS_PROXY_OPEN;
	if (n == 1)
		n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n > 0)
		err_set(err, ERR_UNREACHABLE, "%.*s", (int)n, text);
	else
		err_set(err, ERR_UNREACHABLE, _("the WebSocket relay has ended"));
	return n > 0 && letter == letters[WS_PROXY_REFUSED] ? WS_PROXY_REFUSED
							    : WS_PROXY_ABSENT;
}
