/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Secrets that the server must read again (a broker's login), kept as AES-256-GCM under a key in a
 * file beside the database: a copy of the database alone tells nothing. */
struct seal;

/* Reads the key file, or if it `may_make` it (nothing is sealed) makes it, mode 0600, when it is not
 * there: one key, however many do so at once. */
int seal_open(struct seal **out, const char *path, bool may_make, struct err *err);
void seal_close(struct seal *s);

/* `label` ("broker.password") is bound to it, so that it opens only where it was put. Base64. Free. */
char *seal_put(const struct seal *s, const char *label, const char *secret, struct err *err);
/* The secret; free with secret_free. NULL on error: another key, or altered. */
char *seal_get(const struct seal *s, const char *label, struct span sealed, struct err *err);

#endif
