/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers of the kernel, which nobody foretells and no run repeats. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RANDOM_MOST = 256 }; /* bytes that getentropy(3) gives at once */

/* Fit for keys and other secrets: `n` bytes, at most RANDOM_MOST. Blocks only while the kernel, just
 * booted, has gathered none yet. */
int random_bytes(void *out, size_t n, struct err *err);

/* As random_bytes: `n` hexadecimal digits, at most RANDOM_MOST, and a NUL. */
int random_hex(char *out, size_t n, struct err *err);

/* A new password of 144 random bits, in characters that nothing has to quote (mem_free_secret). */
int random_password(char **out, struct err *err);

/* For ids that have to differ and waits that have to spread, not for secrets: never fails nor blocks,
 * and takes the clock where the kernel has nothing yet. */
uint64_t random_number(void);

#endif
