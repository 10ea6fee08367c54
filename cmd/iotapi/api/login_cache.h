/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_LOGIN_CACHE_H
#define IOTAPI_API_LOGIN_CACHE_H

#include <stdbool.h>

/*
 * Passwords that were right, so that each is hashed the slow way once. What is kept is a keyed hash of the password and of
 * what is stored for it, with a key of this process: a changed password is another one, and nothing here tells any.
 *
 * The memory is fixed, 2 MB from the first question on; the oldest of a set make room. A set is found full by 1 of
 * 100,000,000 of 20,000 logins, by 1 of 6 of 100,000 (Poisson). From any thread.
 */
enum { LOGIN_CACHE_SETS = 8192, LOGIN_CACHE_WAYS = 16 };

bool login_cache_has(const char *password, const char *hash);
/* Without randomness for a key (told once) nothing is kept. */
void login_cache_add(const char *password, const char *hash);

#endif
