/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_ERROR_H
#define REST_REST_ERROR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "rest/rest.h"

/* Sets `err` from an answer that is not 2xx, in the exit table's terms and with the server's reasons in one
 * line. `base` is the URL to name. */
void rest_error_set(const char *base, const struct rest_reply *reply, struct err *err);

/* Appends the lines of an error body in any shape the platform sends, one a field ("port: text"), separated
 * by newlines; a web page becomes one line. */
void rest_error_explain(long status, struct span body, struct buf *out);

#endif
