/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { NAME_MOST = 256, DAY = 86400 };

/* Nobody is there to ask for the password of a key. */
static int
no_password(char *out, int size, int writes, void *arg)
{
	(void)out;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static int
check_dates(const X509 *cert, int64_t now, int *days, struct err *err)
{
	const int64_t from = seconds_of(X509_get0_notBefore(cert)),
		      until = seconds_of(X509_get0_notAfter(cert));
	time_t shown = (time_t)(now < from ? from : until);
	char date[32] = "";
	struct tm tm;

	if (days != NULL)
		*days = (int)((until - now) / DAY) - (until < now);
	if (now >= from && now <= until)
		return 0;
	if (gmtime_r(&shown, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	return err_set(err, ERR_USAGE,
	    now < from ? _("the certificate is not valid before %s")
		       : _("the certificate has expired (%s)"),
	    date);
}

static int
check_name(const X509 *cert, const char *name, struct err *err)
{
	char cn[NAME_MOST];

	if (X509_NAME_get_text_by_NID(
		X509_get_subject_name(cert), NID_commonName, cn, sizeof(cn)) < 0)
		return err_set(err, ERR_USAGE, _("the certificate has no name (CN)"));
	if (strcmp(cn, name) != 0)
		return err_set(err, ERR_USAGE,
		    _("the certificate is of '%s' (CN), not of '%s'"), cn, name);
	return 0;
}

static int
check_use(X509 *cert, struct err *err)
{
	if (X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) == 1)
		return 0;
	return err_set(
	    err, ERR_USAGE, _("the certificate is not for clients (clientAuth)"));
}

static int
check_key(const X509 *cert, const char *text, struct err *err)
{
	BIO *in = BIO_new_mem_buf(text, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	int failed = 0;

	if (key == NULL)
		failed = err_set(err, ERR_USAGE,
		    _("the key cannot be read: wanted PEM, not encrypted"));
	else if (X509_check_private_key(cert, key) != 1)
		failed =
		    err_set(err, ERR_USAGE, _("the key is not that of the certificate"));
	EVP_PKEY_free(key);
	BIO_free(in);
	return failed;
}

int
certificate_check(const char *text, const char *key, const char *name, int64_t now,
    int *days, struct err *err)
{
	BIO *in = BIO_new_mem_buf(text, -1);
	X509 *cert = PEM_read_bio_X509(in, NULL, no_password, NULL);
	int failed;

	if (cert == NULL)
		failed = err_set(
		    err, ERR_USAGE, _("the certificate cannot be read: wanted PEM"));
	else
		failed = check_dates(cert, now, days, err) ||
			check_name(cert, name, err) || check_use(cert, err) ||
			(key != NULL && check_key(cert, key, err) != 0)
		    ? -1
		    : 0;
	ERR_clear_error();
	X509_free(cert);
	BIO_free(in);
	return failed;
}
