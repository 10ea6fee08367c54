/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_RANDOM_H
#define IOTCTL_CORE_RANDOM_H

#include <stddef.h>

#include "base/err.h"

/* Fills `out` with `n` random letters and digits (hexadecimal) and a NUL. */
int random_hex(char *out, size_t n, struct err *err);

/* A new password of 144 random bits, in characters that nothing has to quote (mem_free_secret). */
int random_password(char **out, struct err *err);

#endif
