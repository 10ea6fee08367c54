/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates and keys on their way into a TLS context. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tls/tls_int.h"

const char *
tls_reason(void)
{
	unsigned long e = ERR_get_error();
	const char *reason = ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e))
						 : ERR_reason_error_string(e);

	ERR_clear_error();
	return reason != NULL ? reason : _("unknown reason");
}

/* A key's passphrase, and whether a key wanted it. */
struct pass {
	const char *text; /* NULL: there is none */
	bool wanted;
};

/* Asking for it would block, and on a terminal that may not be there. */
static int
passphrase(char *out, int room, int writing, void *arg)
{
	struct pass *pass = arg;
	size_t n;

	(void)writing;
	if (pass == NULL)
		return 0;
	pass->wanted = true;
	n = pass->text != NULL ? strlen(pass->text) : 0;
	if (n == 0 || n > (size_t)room)
		return 0;
	memcpy(out, pass->text, n);
	return (int)n;
}

static int
load_ca_text(SSL_CTX *ctx, const char *pem, struct err *err)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509 *cert;
	int n = 0;

	while ((cert = PEM_read_bio_X509(in, NULL, passphrase, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, cert);
		X509_free(cert);
	}
	ERR_clear_error();
	BIO_free(in);
	return n > 0 ? 0
		     : err_set(err, ERR_USAGE, _("no CA certificate in the PEM text"));
}

static int
load_trust(SSL_CTX *ctx, const struct tls_opts *o, struct err *err)
{
	if (o->ca_pem != NULL && load_ca_text(ctx, o->ca_pem, err))
		return -1;
	if (o->cafile != NULL && SSL_CTX_load_verify_file(ctx, o->cafile) != 1)
		return err_set(err, ERR_USAGE, _("cannot use CA certificates '%s': %s"),
		    o->cafile, tls_reason());
	if (o->capath != NULL && SSL_CTX_load_verify_dir(ctx, o->capath) != 1)
		return err_set(err, ERR_USAGE, _("cannot use CA certificates '%s': %s"),
		    o->capath, tls_reason());
	if (o->ca_pem == NULL && o->cafile == NULL && o->capath == NULL)
		SSL_CTX_set_default_verify_paths(ctx);
	return 0;
}

/* The first certificate of the text is ours, the others are its chain. */
static bool
use_cert_text(SSL_CTX *ctx, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509_AUX(in, NULL, passphrase, NULL);
	bool used = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;

	X509_free(cert);
	while (used && (cert = PEM_read_bio_X509(in, NULL, passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1)
			X509_free(cert);
	}
	BIO_free(in);
	return used;
}

static bool
use_key_text(SSL_CTX *ctx, const char *pem, struct pass *pass)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, passphrase, pass);
	bool used = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(in);
	return used;
}

/* An encrypted key's errors speak of ciphers and padding, a certificate's of decoders. */
static int
refuse_key(const char *name, const struct pass *pass, struct err *err)
{
	bool strange = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_OSSL_DECODER;
	const char *reason = tls_reason();

	if (pass->wanted && pass->text == NULL)
		reason = _("it has a passphrase (--keypass-file)");
	else if (pass->wanted)
		reason = _("its passphrase is another one");
	else if (strange)
		reason = _("there is no private key in it");
	return err_set(err, ERR_USAGE, _("cannot use key '%s': %s"), name, reason);
}

static int
load_identity_texts(
    SSL_CTX *ctx, const struct tls_opts *o, struct pass *pass, struct err *err)
{
	if (!use_cert_text(ctx, o->cert_pem))
		return err_set(err, ERR_USAGE,
		    _("cannot use the PEM text of the client certificate: %s"),
		    tls_reason());
	ERR_clear_error();
	if (!use_key_text(ctx, o->key_pem != NULL ? o->key_pem : o->cert_pem, pass))
		return refuse_key(_("PEM text"), pass, err);
	return 0;
}

static int
load_identity(SSL_CTX *ctx, const struct tls_opts *o, struct pass *pass, struct err *err)
{
	const char *key = o->key != NULL ? o->key : o->cert;

	if (o->cert == NULL)
		return o->cert_pem != NULL ? load_identity_texts(ctx, o, pass, err) : 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
		return err_set(err, ERR_USAGE, _("cannot use certificate '%s': %s"),
		    o->cert, tls_reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse_key(key, pass, err);
	return 0;
}

int
tls_load(SSL_CTX *ctx, const struct tls_opts *o, struct err *err)
{
	struct pass pass = {.text = o->keypass};
	int failed;

	SSL_CTX_set_default_passwd_cb(ctx, passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &pass);
	failed = load_trust(ctx, o, err) || load_identity(ctx, o, &pass, err);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	return failed ? -1 : 0;
}
