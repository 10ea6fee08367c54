/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_LISTEN_H
#define IOTAPI_HTTP_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

/* Binds and listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (port 0: a free one). *url (free) is where it really is,
 * "http://ADDRESS:PORT"; *open tells whether others than this machine can come, which is refused unless `insecure`.
 * The descriptor, non-blocking and the caller's to close, or -1: ERR_USAGE for an address that is none or is refused,
 * else ERR_FAILED. Blocks while a name is resolved. */
int listen_on(const char *where, bool insecure, char **url, bool *open, struct err *err);

#endif
