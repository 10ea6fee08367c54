/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_TOKEN_CACHE_H
#define REST_TOKEN_CACHE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

/*
 * The tokens of a login, kept between runs: a small file a context, for its owner only, and one more for
 * each other platform or user that is asked for once within that context, which must not end the
 * context's own login. Files are read and written at once; nothing here waits.
 */
struct token_cache {
	char *access;  /* NULL: none, as in the zero value */
	char *refresh; /* NULL: none */
	char *auth_path; /* where the login was; NULL: not known */
};

/* Whose tokens: they are sent only where they came from, and only for the user who is asked for. */
struct token_cache_key {
	const char *context;  /* NULL: "default" */
	const char *base;     /* URL, as rest_base has it */
	const char *username; /* NULL: whoever has logged in */
};

/* Leaves *t empty rather than fail; a file that others may read, or of a newer iot-utils, is warned of and not
 * used. */
void token_cache_load(const struct token_cache_key *key, struct token_cache *t);
/* `username` is who has logged in. `own`: the tokens become the context's; else what the context has of
 * another platform or user stays, and so does a file of a newer iot-utils, which is an error. ERR_OUTPUT. */
int token_cache_save(const struct token_cache_key *key, const struct token_cache *t,
    const char *username, bool own, struct err *err);
/* Removes the files of the context and of the key. */
int token_cache_forget(const struct token_cache_key *key, struct err *err);
/* Overwrites and frees. */
void token_cache_release(struct token_cache *t);
/* Tries to lock the context's cache against other processes: a descriptor, which unlocks when it is
 * closed; -1 if another holds it, -2 if there is nothing to lock. Does not block. */
int token_cache_lock(const struct token_cache_key *key);
/* Takes access and refresh from an answer's body, and keeps the old refresh token when there is no new
 * one; false if there is no access token. */
bool token_cache_parse(struct span body, struct token_cache *t);

#endif
