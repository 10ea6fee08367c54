/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_PASSWORD_H
#define IOTAPI_API_PASSWORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Passwords of persons, and tokens, as they are stored; those of devices: access/device_password.h. From any thread. */

/* A person's password, yescrypt ($y$..., crypt(5)); about 50 ms. Free. NULL on error. */
char *password_person(const char *password, struct err *err);
/* Whether it is the password of this hash; about 50 ms and 16 MiB, also when `hash` is NULL. */
bool password_matches(const char *password, const char *hash);

/* A random token (free with mem_free_secret): a handle to find it by and 256 bits of secret. NULL: no random
 * numbers, and `err` says why. */
char *password_token_make(struct err *err);
enum { TOKEN_HANDLE = 16, TOKEN_HASH = 32 };
/* Its SHA-256. False: this cannot be a token. */
bool password_token_hash(const char *token, unsigned char hash[TOKEN_HASH]);
/* In a time that does not tell where they differ. */
bool password_token_same(const unsigned char *a, const unsigned char *b);

#endif
