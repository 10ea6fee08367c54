/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include <stdint.h>

#include "base/err.h"

/* A device's certificate, PEM text; of a chain the first one. Nothing here blocks. */

/* Whether it is fit for a client whose name (CN) is `name` at the time `now` (seconds since 1970), and, unless `key` is NULL,
 * this private key, PEM and not encrypted, is its own. ERR_USAGE says what does not fit; *days (may be NULL) gets the days until
 * it expires, less than 0 when it has, once it could be read. */
int certificate_check(const char *cert, const char *key, const char *name, int64_t now,
    int *days, struct err *err);

#endif
