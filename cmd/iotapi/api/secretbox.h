/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_SECRETBOX_H
#define IOTAPI_API_SECRETBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Secrets that the server must read again (a broker's login), kept as AES-256-GCM under a key in a
 * file beside the database: a copy of the database alone tells nothing. Once open it is not changed: any thread may
 * use it. */
struct secretbox;

/* Reads the key file, or if it `may_make` it (nothing is sealed) makes it, mode 0600, when it is not
 * there: one key, however many do so at once. ERR_USAGE: it is missing, no key, or others may read it. */
int secretbox_open(struct secretbox **out, const char *path, bool may_make, struct err *err);
/* Wipes the key. Accepts NULL. */
void secretbox_close(struct secretbox *s);

/* `label` ("broker.password") is bound to it, so that it opens only where it was put. Base64, NULL on
 * error. Free. */
char *secretbox_put(const struct secretbox *s, const char *label, const char *secret, struct err *err);
/* The secret; free with mem_free_secret. NULL on error: another key, or altered. */
char *secretbox_get(const struct secretbox *s, const char *label, struct span sealed, struct err *err);

#endif
