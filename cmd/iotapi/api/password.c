/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

enum { SECRET_HEX = 64 };

char *
password_person(const char *password, struct err *err)
{
	char *setting, *hash;
	void *data = NULL;
	int size = 0;

	if (strlen(password) >= CRYPT_MAX_PASSPHRASE_SIZE) {
		err_set(err, ERR_USAGE, _("the password is too long: at most %d bytes"),
		    CRYPT_MAX_PASSPHRASE_SIZE - 1);
		return NULL;
	}
	setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	hash = setting != NULL ? crypt_ra(password, setting, &data, &size) : NULL;

	if (hash == NULL)
		err_sys(err, ERR_FAILED, _("cannot hash a password"));
	else
		hash = xstrdup(hash);
	if (data != NULL)
		explicit_bzero(data, (size_t)size);
	free(data);
	free(setting);
	return hash;
}

bool
password_matches(const char *password, const char *hash)
{
	/* Of no password: an unknown user costs what a known one does. */
	static const char nobody[] = "$y$j9T$H7wJNrfFJpCFxRQ7nBXLl.$"
				     "0000000000000000000000000000000000000000000";
	const char *setting = hash != NULL ? hash : nobody;
	void *data = NULL;
	int size = 0;
	bool same;
	char *got;

	got = crypt_ra(password, setting, &data, &size);
	same = got != NULL && hash != NULL && strlen(got) == strlen(hash) &&
	    CRYPTO_memcmp(got, hash, strlen(hash)) == 0;
	if (data != NULL)
		explicit_bzero(data, (size_t)size);
	free(data);
	return same;
}

char *
password_token_make(struct err *err)
{
	char token[TOKEN_HANDLE + SECRET_HEX + 1];
	char *copy;

	if (random_hex(token, sizeof(token) - 1, err))
		return NULL;
	copy = xstrdup(token);
	explicit_bzero(token, sizeof(token));
	return copy;
}

bool
password_token_hash(const char *token, unsigned char hash[TOKEN_HASH])
{
	size_t n = strlen(token);

	return n == TOKEN_HANDLE + SECRET_HEX &&
	    EVP_Digest(token, n, hash, NULL, EVP_sha256(), NULL) == 1;
}

bool
password_token_same(const unsigned char *a, const unsigned char *b)
{
	return CRYPTO_memcmp(a, b, TOKEN_HASH) == 0;
}
