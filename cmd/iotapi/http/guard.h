/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_GUARD_H
#define IOTAPI_HTTP_GUARD_H

#include <microhttpd.h>

/* What libmicrohttpd lets through and a strict server must not (measured, 0.9.75): a request whose
 * end two parsers could see in different places. Returns why it is refused (400, then the
 * connection is closed), or NULL. What stays open, since the library shows nothing of it: a NUL or a bare
 * line feed inside a header, a folded header. */
const char *guard_headers(struct MHD_Connection *c, const char *version);

#endif
