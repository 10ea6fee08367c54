/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_URL_H
#define REST_REST_URL_H

#include "base/buf.h"
#include "base/err.h"

/* Percent-encodes a query or path part. */
void rest_url_escape(struct buf *out, struct span s);
/* The same of any URL (free); refuses what is no http(s) URL or holds a password. */
int rest_url_base(const char *url, char **out, struct err *err);
/* With its final slash before the query (free); refuses what could leave the origin. */
int rest_url_path(const char *path, char **out, struct err *err);
/* The same without adding a slash. */
int rest_url_bare(const char *path, char **out, struct err *err);
/* The page that `next` (a JSON string's text) points to, as a path of this origin: `path` with
 * next's query (free). NULL when next has none. */
char *rest_url_next(const char *path, struct span next);

#endif
