/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_TLS_PEER_H
#define TLS_TLS_PEER_H

#include <stdint.h>

#include "tls/tls.h"

/* What a server showed in its handshake. The zero value is empty. */
struct tls_peer {
	char *names;         /* that its certificate is for, with commas */
	char *chain;         /* 'server' < 'CA' < 'root' */
	const char *version; /* "TLSv1.3" */
	int days;            /* until the first certificate of the chain expires; negative: since */
};

/* Shakes hands over a connected socket, which stays the caller's, and hangs up TLS. Blocks, at most
 * `timeout` ms. A failure is ERR_UNREACHABLE and says which check failed. */
int tls_peer_look(struct tls *t, int fd, int64_t timeout, struct tls_peer *out,
    struct err *err);
void tls_peer_release(struct tls_peer *p);

#endif
