/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * One TLS context for all connections to one host (30 KB a connection instead of 780, measured).
 * The chain and the host's name or address are verified.
 */
enum tls_version { TLS_1_2_OR_NEWER, TLS_1_2_ONLY, TLS_1_3_ONLY };

struct tls_opts {
	const char *host; /* a name or a numeric address: must be in the certificate */
	const char *cafile, *capath; /* NULL and no ca_pem: the system's */
	const char *ca_pem;          /* PEM text */
	const char *cert, *key;      /* PEM files; key NULL: it is in cert */
	const char *cert_pem, *key_pem; /* the same as PEM texts, when cert is NULL */
	const char *keypass;         /* the key's passphrase; NULL: none */
	enum tls_version version;
	const char *alpn;            /* a protocol to ask for; NULL: none */
	bool insecure;               /* verify nothing */
};

struct tls;

/* Reads the files; copies the strings, the passphrase too: tls_refresh. An error (ERR_USAGE) names the file. */
int tls_new(struct tls **out, const struct tls_opts *opts, struct err *err);
/* Reads the files again when one of them was replaced or changed, so that connections from now on use them. 1: they
 * were; 0: nothing changed; -1: they cannot be used (err): what was read before stays until they change once more.
 * tls_context is another one after 1. */
int tls_refresh(struct tls *t, struct err *err);
/* The same for another host, made once for all who ask `t` for it; a holder of that more, who calls tls_free. */
int tls_for(struct tls **out, struct tls *t, const char *host, struct err *err);
/* One holder more: each calls tls_free. Of one thread. */
struct tls *tls_share(struct tls *t);
/* Frees it with its last holder, whose connections must be gone. Accepts NULL. */
void tls_free(struct tls *t);
/* The SSL_CTX *, still owned by `t`. */
void *tls_context(const struct tls *t);
/* The same, with a reference for who keeps it longer than `t` does: tls_context_drop. */
void *tls_context_hold(const struct tls *t);
/* Gives back a reference to one that somebody else took. Accepts NULL. */
void tls_context_drop(void *context);

/* Why a handshake failed in the last call of OpenSSL, fit to be shown ("certificate expired
 * 2026-01-02"); "" when nothing is known. Forgets it: valid until the next handshake. */
const char *tls_failure(struct tls *t);
/* Whether in it a broker asked for a certificate that we do not have. Forgets it. */
bool tls_asked(struct tls *t);

/* OpenSSL's verify callback, for a library that insists on one of its own: `store` is an
 * X509_STORE_CTX *, the answer whether to go on. */
int tls_verify(int good, void *store);

/* For an SSL *, or NULL: whether the handshake is still going on. */
bool tls_is_shaking(void *ssl);

#endif
