/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/device_password.h"

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
enum { SALT_RANDOM = 9, SALT_MOST = 128, HASH_BYTES = 64 };

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
device_password_hash(const char *password, int rounds, struct err *err)
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

/* The size of the salt, 0: it is no such hash. `rest` is where the key's text begins. */
static int
take_apart(
    const char *hash, int *rounds, unsigned char salt[SALT_MOST], const char **rest)
{
	const char *text, *end;

	if (sscanf(hash, "$7$%9d$", rounds) != 1 || *rounds < 1 ||
	    *rounds > DEVICE_PASSWORD_ROUNDS)
		return 0;
	text = strchr(hash + 3, '$');
	end = text != NULL ? strchr(++text, '$') : NULL;
	if (end == NULL || end - text > SALT_MOST)
		return 0;
	*rest = end + 1;
	return base64_decode(salt, (struct span){text, (size_t)(end - text)});
}

bool
device_password_matches(const char *password, const char *hash)
{
	unsigned char salt[SALT_MOST];
	const char *rest;
	int rounds, size = take_apart(hash, &rounds, salt, &rest);
	char *again = size > 0 ? derive(password, rounds, salt, size) : NULL;
	bool same = again != NULL && strlen(again) == strlen(hash) &&
	    CRYPTO_memcmp(again, hash, strlen(hash)) == 0;

	free(again);
	return same;
}

bool
device_password_is_readable(const char *hash)
{
	unsigned char salt[SALT_MOST], key[4 * HASH_BYTES];
	const char *rest = strrchr(hash, '$');
	int rounds;

	if (strncmp(hash, "$6$", 3) == 0)
		rest++;
	else if (strncmp(hash, "$7$", 3) != 0)
		return true;
	else if (take_apart(hash, &rounds, salt, &rest) <= 0)
		return false;
	return strlen(rest) <= sizeof(key) &&
	    base64_decode(key, span_of(rest)) == HASH_BYTES;
}

bool
device_password_parts(const char *hash, int *rounds, char **salt, char **key)
{
	unsigned char bytes[SALT_MOST + 1], raw[4 * HASH_BYTES];
	const char *rest;
	int size = take_apart(hash, rounds, bytes, &rest), n, i;
	struct buf hex = {0};

	for (i = 0; i < size; i++) {
		if (bytes[i] <= ' ' || bytes[i] >= 127)
			return false;
	}
	if (size <= 0 || strlen(rest) > sizeof(raw))
		return false;
	n = base64_decode(raw, span_of(rest));
	if (n != HASH_BYTES)
		return false;
	for (i = 0; i < n; i++)
		buf_printf(&hex, "%02x", raw[i]);
	bytes[size] = '\0';
	*salt = xstrdup((char *)bytes);
	*key = buf_steal(&hex);
	return true;
}
