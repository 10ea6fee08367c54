/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_ERROR_H
#define REST_REST_ERROR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "rest/rest.h"

/* Who is named in an error: the platform's API, or EMQX's management API. */
struct rest_peer {
	const char *url;
	bool emqx;
};
/* "the API" or "EMQX", for "... at 'URL'". */
const char *rest_error_peer(const struct rest_peer *p);

/* Sets `err` from an answer that is not 2xx, with a code of base/err.h and the server's reasons in one
 * line, but for EMQX's 5xx: those of EMQX 5.8 hold an Erlang term with the request's Authorization header
 * (measured). */
void rest_error_set(
    const struct rest_peer *p, const struct rest_reply *reply, struct err *err);

/* Appends the lines of an error body in any shape the platform sends, one a field ("port: text"), separated
 * by newlines; a web page becomes one line. */
void rest_error_explain(long status, struct span body, struct buf *out);

#endif
