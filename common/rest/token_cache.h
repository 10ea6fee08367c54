/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_TOKEN_CACHE_H
#define REST_TOKEN_CACHE_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"

/* Tokens of one login at one URL. The zero value holds none. */
struct rest;

struct token_cache {
	char *access;
	char *refresh; /* NULL: none */
};
/* The token cache of the context, bound to base URL and user (token_cache.c). Loading finds nothing
 * rather than fail; a cache that cannot be written is told once and otherwise harmless. */
void token_cache_load(const struct rest *a, struct token_cache *t);
/* `own`: they are the context's from now on; otherwise they leave its own alone. */
int token_cache_save(const struct rest *a, const struct token_cache *t, const char *username,
    bool own, struct err *err);
int token_cache_forget(const struct rest *a, struct err *err);
void token_cache_release(struct token_cache *t);
/* Tries to lock the cache against other processes: a descriptor to close, -1 if another holds it,
 * -2 if there is nothing to lock. Does not block. */
int token_cache_lock(const struct rest *a);
/* Takes access and refresh from an answer's body; false if there is no access token. */
bool token_cache_parse(struct span body, struct token_cache *t);

#endif
