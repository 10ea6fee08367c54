/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_LISTEN_H
#define IOTAPI_HTTP_LISTEN_H

#include "base/err.h"

/* Binds and listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (port 0: a free one). *url (free) is where it really is,
 * "http://ADDRESS:PORT". The descriptor, non-blocking and the caller's to close, or -1: ERR_USAGE for an address
 * that is none, else ERR_FAILED. Blocks while a name is resolved. */
int listen_on(const char *where, char **url, struct err *err);

#endif
