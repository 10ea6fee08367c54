/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_ACCOUNT_H
#define IOTAPI_ACCOUNT_H

#include <stdint.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* The commands that make and end accounts and tokens, beside a server that runs: what they change counts for its next
 * request. Each opens the database itself, and blocks. ERR_NOT_FOUND: there is no such user or token. */

struct account_opts {
	const char *db;
	const char *password_file; /* NULL: the terminal is asked */
	bool read_only;
	int64_t days; /* that a token lives; 0: for ever */
};

/* ERR_USAGE: no good name or password, or there is such a user already. */
int account_add(const struct account_opts *o, const char *name, struct err *err);
/* A new password, which ends all the user's tokens and lets a disabled user in again. */
int account_passwd(const struct account_opts *o, const char *name, struct err *err);
/* Neither passwords nor tokens of the user count any more; the tokens are gone. */
int account_disable(const struct account_opts *o, const char *name, struct err *err);
int account_delete(const struct account_opts *o, const char *name, struct err *err);
/* A line for each user, tab-separated, below one with the names of the columns. */
int account_list(const struct account_opts *o, struct buf *out, struct err *err);

/* A token for programs, and a newline: all that is ever shown of it. */
int account_token_create(
    const struct account_opts *o, const char *name, struct buf *out, struct err *err);
/* As account_list, those for programs. */
int account_token_list(const struct account_opts *o, struct buf *out, struct err *err);
/* By the id in the list. */
int account_token_revoke(const struct account_opts *o, const char *id, struct err *err);

#endif
