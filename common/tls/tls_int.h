/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_TLS_INT_H
#define TLS_TLS_INT_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "tls/tls.h"

/* What the parts of tls share; for tls*.c only. */

/* The words for the oldest error in OpenSSL's queue, which is emptied. */
const char *tls_reason(void);
/* tls.c: puts trust, certificate and key into a context, from files and from texts. */
int tls_load(SSL_CTX *ctx, const struct tls_opts *o, struct err *err);

/* A certificate in words: the common name in quotes, else the whole name; ... */
void tls_put_common_name(struct buf *out, const X509_NAME *name);
/* ... the DNS names and addresses it is for, with commas. */
void tls_put_alt_names(struct buf *out, const X509 *cert);

#endif
