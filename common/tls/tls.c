/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "tls/tls_int.h"

struct tls {
	size_t holders;
	struct tls_opts opts; /* its strings are ours */
	uint64_t stamp;       /* of the files, before they were read */
	SSL_CTX *ctx;
	struct tls *others, *next; /* for other hosts, a list by their `next` */
	bool is_name; /* the host is no numeric address: sent as server name */
	bool cert_wanted;
	struct err failure, told;
};

static void
put_date(struct buf *out, const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) == 1)
		buf_printf(
		    out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

void
tls_put_common_name(struct buf *out, const X509_NAME *name)
{
	char text[128] = "?";

	if (X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text)) < 0)
		X509_NAME_oneline(name, text, sizeof(text));
	buf_printf(out, "'%s'", text);
}

static void
put_alt_name(struct buf *out, const GENERAL_NAME *name)
{
	char text[INET6_ADDRSTRLEN];
	const ASN1_STRING *s = name->d.ia5;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return;
	buf_puts(out, out->n > 0 ? ", " : "");
	if (name->type == GEN_DNS)
		buf_put(out, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	else if (inet_ntop(ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6,
		     ASN1_STRING_get0_data(s), text, sizeof(text)) != NULL)
		buf_puts(out, text);
}

void
tls_put_alt_names(struct buf *out, const X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buf list = {0};
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++)
		put_alt_name(&list, sk_GENERAL_NAME_value(names, i));
	if (list.n == 0)
		buf_puts(&list, _("no name at all"));
	buf_span(out, buf_as_span(&list));
	buf_release(&list);
	GENERAL_NAMES_free(names);
}

/* Says in `out` what the check `error` found wrong with `cert`. */
static void
explain(struct buf *out, const struct tls *t, const X509 *cert, int error)
{
	struct buf what = {0};

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		put_date(&what, X509_get0_notAfter(cert));
		buf_printf(out, _("certificate expired %s"), buf_str(&what));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		put_date(&what, X509_get0_notBefore(cert));
		buf_printf(out, _("certificate is not valid before %s"), buf_str(&what));
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		tls_put_alt_names(&what, cert);
		buf_printf(out, _("certificate is not for '%s' but for %s"), t->opts.host,
		    buf_str(&what));
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		tls_put_common_name(&what, X509_get_subject_name(cert));
		buf_printf(out,
		    _("certificate is signed by itself: %s (--cafile can trust it)"),
		    buf_str(&what));
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		tls_put_common_name(&what, X509_get_issuer_name(cert));
		buf_printf(
		    out, _("certificate is signed by an unknown CA: %s"), buf_str(&what));
		break;
	default:
		buf_printf(out, _("certificate refused: %s"),
		    X509_verify_cert_error_string(error));
	}
	buf_release(&what);
}

int
tls_verify(int good, void *arg)
{
	X509_STORE_CTX *store = arg;
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const X509 *cert = X509_STORE_CTX_get_current_cert(store);
	struct buf text = {0};

	if (t->opts.insecure)
		X509_STORE_CTX_set_error(store, X509_V_OK);
	if (good || t->opts.insecure || cert == NULL)
		return good || t->opts.insecure;
	explain(&text, t, cert, X509_STORE_CTX_get_error(store));
	err_set(&t->failure, ERR_UNREACHABLE, "%s", buf_str(&text));
	buf_release(&text);
	return 0;
}

static int
verified(int good, X509_STORE_CTX *store)
{
	return tls_verify(good, store);
}

/* What OpenSSL found wrong with the other side, in the words of a person who looks for the cause. */
static const struct {
	int reason;
	const char *text;
} oddities[] = {
    {SSL_R_WRONG_VERSION_NUMBER, N_("it does not speak TLS on this port")},
    {SSL_R_HTTP_REQUEST, N_("it does not speak TLS on this port")},
    {SSL_R_UNSUPPORTED_PROTOCOL,
	N_("it speaks no TLS version that is accepted here: 1.2 is the least, see "
	   "--tls-version")},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
	N_("it speaks no TLS version that is accepted here: 1.2 is the least, see "
	   "--tls-version")},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING,
	N_("it closed the connection during the handshake: is this its TLS port?")},
};

/* A handshake stopped with an error in OpenSSL's queue, which is left there. */
static void
note_oddity(struct tls *t)
{
	unsigned long e = ERR_peek_error();
	size_t i;

	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return;
	for (i = 0; i < ARRAY_LEN(oddities); i++) {
		if (oddities[i].reason == ERR_GET_REASON(e))
			err_set(&t->failure, ERR_UNREACHABLE, "%s", _(oddities[i].text));
	}
	if (t->failure.code == ERR_OK)
		err_set(&t->failure, ERR_UNREACHABLE, "%s", ERR_reason_error_string(e));
}

/* Our alert behind a handshake: what came could not be read. A connection that is closed without a word of TLS
 * is one for OpenSSL, too. */
static void
note_garbage(struct tls *t, const SSL *ssl, int alert)
{
	if (SSL_get_state(ssl) == TLS_ST_OK &&
	    ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		err_set(&t->failure, ERR_UNREACHABLE,
		    _("what came is not what was sent: %s"),
		    SSL_alert_desc_string_long(alert));
}

/* libmosquitto is given a numeric address and would send that as the server's name. */
static void
handshake_event(const SSL *ssl, int where, int detail)
{
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if ((where & SSL_CB_HANDSHAKE_START) != 0 && !SSL_is_init_finished(ssl)) {
		t->failure = (struct err){0};
		SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl,
		    t->is_name ? (char *)(uintptr_t)t->opts.host : NULL);
	} else if (where == SSL_CB_READ_ALERT && detail >> 8 == SSL3_AL_FATAL) {
		err_set(&t->failure, ERR_UNREACHABLE,
		    _("the broker ended the connection: %s"),
		    SSL_alert_desc_string_long(detail));
	} else if (where == SSL_CB_WRITE_ALERT && detail >> 8 == SSL3_AL_FATAL) {
		note_garbage(t, ssl, detail);
	} else if (where == SSL_CB_CONNECT_EXIT && detail <= 0) {
		note_oddity(t);
	}
}

/* Called when the broker asks for a certificate and we have none. It may go on without, or close the
 * connection, often before its alert can be read. */
static int
no_certificate(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	(void)cert;
	(void)key;
	t->cert_wanted = true;
	return 0;
}

static void
check_host(struct tls *t, SSL_CTX *ctx)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	t->is_name = X509_VERIFY_PARAM_set1_ip_asc(param, t->opts.host) != 1;
	if (t->is_name)
		X509_VERIFY_PARAM_set1_host(param, t->opts.host, 0);
	ERR_clear_error();
}

/* A list of one, as the handshake carries it: length and name. */
static int
ask_for(SSL_CTX *ctx, const char *alpn, struct err *err)
{
	unsigned char list[256];
	size_t n = alpn != NULL ? strlen(alpn) : 0;

	if (alpn == NULL)
		return 0;
	if (n == 0 || n > sizeof(list) - 1)
		return err_set(
		    err, ERR_USAGE, _("'%s' cannot be an ALPN protocol"), alpn);
	list[0] = (unsigned char)n;
	memcpy(list + 1, alpn, n);
	return SSL_CTX_set_alpn_protos(ctx, list, (unsigned)n + 1) == 0
	    ? 0
	    : err_set(err, ERR_FAILED, _("cannot start TLS: %s"), tls_reason());
}

/* NULL: err. */
static SSL_CTX *
make_context(struct tls *t, struct err *err)
{
	const struct tls_opts *o = &t->opts;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL) {
		err_set(err, ERR_FAILED, _("cannot start TLS: %s"), tls_reason());
		return NULL;
	}
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_min_proto_version(
	    ctx, o->version == TLS_1_3_ONLY ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(
	    ctx, o->version == TLS_1_2_ONLY ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_info_callback(ctx, handshake_event);
	SSL_CTX_set_client_cert_cb(ctx, no_certificate);
	SSL_CTX_set_verify(ctx, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
	    o->insecure ? NULL : verified);
	check_host(t, ctx);
	if (tls_load(ctx, o, err) == 0 && ask_for(ctx, o->alpn, err) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* Which files they are, and how old; one that is not there counts, too. */
static uint64_t
stamp_of(const struct tls_opts *o)
{
	const char *const names[] = {o->cafile, o->capath, o->cert, o->key};
	uint64_t stamp = HASH_START;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		struct stat st;
		int64_t look[6] = {0};

		if (names[i] != NULL && stat(names[i], &st) == 0) {
			const int64_t seen[] = {(int64_t)st.st_ino, st.st_size,
			    st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_ctim.tv_sec,
			    st.st_ctim.tv_nsec};

			memcpy(look, seen, sizeof(look));
		}
		stamp = hash_add(stamp, (struct span){(const char *)look, sizeof(look)});
	}
	return stamp;
}

/* Members of `o` that are texts. */
enum { TEXTS = 9 };

static void
texts_of(struct tls_opts *o, const char **out[static TEXTS])
{
	const char **const all[TEXTS] = {&o->host, &o->cafile, &o->capath, &o->ca_pem,
	    &o->cert, &o->key, &o->cert_pem, &o->key_pem, &o->alpn};

	memcpy(out, all, sizeof(all));
}

static void
copy_opts(struct tls_opts *out, const struct tls_opts *o)
{
	const char **texts[TEXTS];
	size_t i;

	*out = *o;
	texts_of(out, texts);
	for (i = 0; i < TEXTS; i++)
		*texts[i] = *texts[i] != NULL ? xstrdup(*texts[i]) : NULL;
	out->keypass = o->keypass != NULL ? xstrdup(o->keypass) : NULL;
}

static void
release_opts(struct tls_opts *o)
{
	const char **texts[TEXTS];
	size_t i;

	texts_of(o, texts);
	mem_free_secret((char *)(uintptr_t)o->key_pem);
	o->key_pem = NULL;
	for (i = 0; i < TEXTS; i++)
		free((void *)(uintptr_t)*texts[i]);
	mem_free_secret((char *)(uintptr_t)o->keypass);
}

int
tls_new(struct tls **out, const struct tls_opts *o, struct err *err)
{
	struct tls *t = xcalloc(1, sizeof(*t));

	t->holders = 1;
	copy_opts(&t->opts, o);
	t->stamp = stamp_of(o);
	t->ctx = make_context(t, err);
	if (t->ctx == NULL) {
		tls_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

int
tls_refresh(struct tls *t, struct err *err)
{
	const uint64_t stamp = stamp_of(&t->opts);
	SSL_CTX *fresh;

	if (stamp == t->stamp)
		return 0;
	t->stamp = stamp;
	fresh = make_context(t, err);
	if (fresh == NULL)
		return -1;
	SSL_CTX_free(t->ctx);
	t->ctx = fresh;
	return 1;
}

int
tls_for(struct tls **out, struct tls *t, const char *host, struct err *err)
{
	struct tls_opts o = t->opts;
	struct tls *other = t->others;

	if (strcmp(o.host, host) == 0)
		other = t;
	while (other != NULL && strcmp(other->opts.host, host) != 0)
		other = other->next;
	if (other == NULL) {
		o.host = host;
		if (tls_new(&other, &o, err))
			return -1;
		other->next = t->others;
		t->others = other;
	}
	*out = tls_share(other);
	return 0;
}

struct tls *
tls_share(struct tls *t)
{
	t->holders++;
	return t;
}

void
tls_free(struct tls *t)
{
	struct tls *other, *next;

	if (t == NULL || --t->holders > 0)
		return;
	for (other = t->others; other != NULL; other = next) {
		next = other->next;
		tls_free(other);
	}
	SSL_CTX_free(t->ctx);
	release_opts(&t->opts);
	free(t);
}

void *
tls_context(const struct tls *t)
{
	return t->ctx;
}

void *
tls_context_hold(const struct tls *t)
{
	SSL_CTX_up_ref(t->ctx);
	return t->ctx;
}

void
tls_context_drop(void *context)
{
	SSL_CTX_free(context);
}

const char *
tls_failure(struct tls *t)
{
	t->told = t->failure;
	t->failure = (struct err){0};
	return t->told.text;
}

bool
tls_asked(struct tls *t)
{
	bool asked = t->cert_wanted;

	t->cert_wanted = false;
	return asked;
}

bool
tls_is_shaking(void *ssl)
{
	return ssl != NULL && !SSL_is_init_finished(ssl);
}

/* Certificates and keys on their way into a TLS context. */

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
