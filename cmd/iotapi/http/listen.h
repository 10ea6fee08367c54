/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_LISTEN_H
#define IOTAPI_HTTP_LISTEN_H

#include "base/err.h"

/* Binds and listens on "ADDRESS:PORT" or "[ADDRESS]:PORT" (port 0: a free one). *url (free) is
 * where it really is, "http://ADDRESS:PORT". The descriptor, or -1. */
int listen_on(const char *where, char **url, struct err *err);

#endif
