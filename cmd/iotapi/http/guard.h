/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_GUARD_H
#define IOTAPI_HTTP_GUARD_H

#include <microhttpd.h>

#include "base/span.h"

/* What libmicrohttpd lets through and a strict server must not (measured, 0.9.75): a request whose
 * end two parsers could see in different places. Returns why it is refused (400, then the
 * connection is closed), or NULL.
 *
 * The library cuts the head of a request into strings where it lies, and shows nothing of what it skipped: a NUL, a
 * bare line feed, a folded line, a second blank. So each string has to begin where the one before it ends.
 * `method`, `target` and `version` are where the library has them, not copies; `target` with the length that it had
 * when it came, for the library cuts it at the query. */
const char *guard_head(struct MHD_Connection *c, const char *method, struct span target,
    const char *version);

#endif
