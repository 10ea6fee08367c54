/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACCESS_DEVICE_PASSWORD_H
#define ACCESS_DEVICE_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"

/* A device's password as mosquitto stores it, $7$ROUNDS$SALT$HASH (PBKDF2-HMAC-SHA512), its salt printable so that EMQX
 * takes it too. Free. NULL: no random numbers (ERR_FAILED). From any thread. */
char *device_password_hash(const char *password, int rounds, struct err *err);
/* Whether `hash` is such a one, of this password; takes the hash's rounds, at most DEVICE_PASSWORD_ROUNDS. */
bool device_password_matches(const char *password, const char *hash);
/* As mosquitto_passwd makes them, and the most that are tried. */
enum { DEVICE_PASSWORD_USUAL = 101, DEVICE_PASSWORD_ROUNDS = 10000000 };

/* False: $6$SALT$HASH or $7$ROUNDS$SALT$HASH without a hash of its 64 bytes, at which mosquitto 2.1 ends, even when it
 * only reads its file again (2.0 lets that user not in). Other kinds are believed. */
bool device_password_is_readable(const char *hash);

/* Takes one apart: the salt as text, the key as hexadecimal digits (free both). False: it is none, or its salt is not
 * printable. */
bool device_password_parts(const char *hash, int *rounds, char **salt, char **key);

#endif
