/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_TLSPART_H
#define NET_TLSPART_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* What the parts of tls share; for tls*.c only. */

/* The words for the oldest error in OpenSSL's queue, which is emptied. */
const char *tls_reason(void);
/* tlsload.c: puts trust, certificate and key into a context, from files and from texts. */
int tls_load(SSL_CTX *ctx, const struct tls_opts *o, struct err *err);

#endif
