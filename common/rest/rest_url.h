/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_URL_H
#define REST_REST_URL_H

#include "base/buf.h"
#include "base/err.h"

/* Appends a part of a path or query, percent-encoded: all but the unreserved characters (RFC 3986, 2.3). */
void rest_url_escape(struct buf *out, struct span s);
/* The API's URL without a final slash or /api (free). ERR_USAGE for what is no http(s) URL or holds a
 * login. */
int rest_url_base(const char *url, char **out, struct err *err);
/* The request target of a path, whose final slash before the query is added if it begins with /api/ (free).
 * ERR_USAGE for what could lead to another origin. */
int rest_url_path(const char *path, char **out, struct err *err);
/* The same without adding a slash. */
int rest_url_bare(const char *path, char **out, struct err *err);
/* The page that `next` (a JSON string's text) points to, as a path of this origin: `path` with
 * next's query (free). NULL when next has none. */
char *rest_url_next(const char *path, struct span next);

#endif
