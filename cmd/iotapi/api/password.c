/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

/* mosquitto takes salts of 12 bytes only, EMQX keeps them as text: 9 random bytes are 12 characters of base64. */
enum { SALT_RANDOM = 9, HASH_BYTES = 64, SECRET_HEX = 64 };

static char *
derive(const char *password, int rounds, const unsigned char *salt, int salt_size)
{
	unsigned char hash[HASH_BYTES];
	struct buf b = {0};

	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, salt_size, rounds,
		EVP_sha512(), sizeof(hash), hash) != 1)
		return NULL;
	buf_printf(&b, "$7$%d$", rounds);
	base64_put(&b, (struct span){(const char *)salt, (size_t)salt_size});
	buf_putc(&b, '$');
	base64_put(&b, (struct span){(const char *)hash, sizeof(hash)});
	return buf_steal(&b);
}

char *
password_device(const char *password, int rounds, struct err *err)
{
	unsigned char bytes[SALT_RANDOM];
	struct buf salt = {0};
	char *hash = NULL;

	if (random_bytes(bytes, sizeof(bytes), NULL) == 0) {
		base64_put(&salt, (struct span){(const char *)bytes, sizeof(bytes)});
		hash =
		    derive(password, rounds, (const unsigned char *)salt.p, (int)salt.n);
	}
	buf_release(&salt);
	if (hash == NULL)
		err_set(err, ERR_FAILED, _("cannot hash a password"));
	return hash;
}

bool
password_device_matches(const char *password, const char *hash)
{
	unsigned char salt[128];
	const char *text, *end;
	char *again;
	int rounds, size;
	bool same;

	if (sscanf(hash, "$7$%d$", &rounds) != 1)
		return false;
	text = strchr(hash + 3, '$') + 1;
	end = strchr(text, '$');
	if (end == NULL || (size_t)(end - text) > sizeof(salt))
		return false;
	size = base64_decode(salt, (struct span){text, (size_t)(end - text)});
	again = size > 0 ? derive(password, rounds, salt, size) : NULL;
	same = again != NULL && strlen(again) == strlen(hash) &&
	    CRYPTO_memcmp(again, hash, strlen(hash)) == 0;
	free(again);
	return same;
}

char *
password_person(const char *password, struct err *err)
{
	char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	void *data = NULL;
	int size = 0;
	char *hash = setting != NULL ? crypt_ra(password, setting, &data, &size) : NULL;

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
