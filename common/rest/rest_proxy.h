/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_PROXY_H
#define REST_REST_PROXY_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * The proxy that libcurl takes from the environment (curl(1), ENVIRONMENT). `base` is as rest_url_base makes it.
 */

/* Whether the host is this machine itself, which no proxy can reach for us: localhost, 127.0.0.0/8, ::1,
 * however they are written. */
bool rest_proxy_is_loopback(const char *base);
/* Appends the proxy that requests to `base` go through, without its password, and the variable that says so:
 * "'proxy:3128' (http_proxy)". False: none, or a network in no_proxy leaves that open. */
bool rest_proxy_put(const char *base, struct buf *out);

#endif
