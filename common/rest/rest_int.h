/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_INT_H
#define REST_REST_INT_H

#include "rest/rest.h"

/* What the parts of the REST client share; nobody else includes it. */

/* The curl side (rest_curl.c). */
struct rest_wire;

/* Tokens of one login at one URL. The zero value holds none. */
struct token_cache {
	char *access;
	char *refresh; /* NULL: none */
};

/* Somebody who waits for a token. */
struct rest_waiter {
	struct rest_waiter *next;
	void (*fn)(void *arg, const char *token, const struct err *why);
	void *arg;
};

/* rest_auth.c's state: one login or refresh at a time, whoever asks meanwhile waits for it. */
struct rest_auth {
	struct token_cache tokens;
	bool loaded;
	bool busy;
	struct rest_waiter *waiters;
	char *stale;    /* the access token that was refused */
	char *username; /* who logs in now */
	char *password;
	int lock;       /* of the token cache; -1: not held */
	int64_t deadline;
	struct loop_timer again;
	bool own;       /* rest_login's: of the context itself */
	bool done;
	struct err err;
};

struct rest {
	struct loop *loop;
	struct rest_opts opts;
	char *base;
	struct rest_wire *wire;
	struct rest_auth auth;
	struct rest_call *calls; /* in flight */
	int64_t quiet;          /* loop_now() until when the API asked to be left alone */
	int (*wait)(void *arg, const bool *over, struct err *err); /* rest_wait_by */
	void *wait_arg;
};

/* One exchange: no token of its own accord, no retry. */
struct rest_exchange {
	const char *method;
	const char *path; /* final; begins with / */
	struct span body; /* p == NULL: none; copied */
	const char *token; /* NULL: none */
	int64_t timeout;  /* ms */
};

/* How it ended. */
struct rest_end {
	struct rest_reply reply; /* status 0: no answer, `err` says why */
	int64_t retry_after;    /* ms; -1: the answer names none */
	bool lost;              /* the connection broke off: nobody knows what happened */
	bool late;              /* sent, but no answer in time: nobody knows either */
	struct err err;
};

/* loop_now() by which a request that starts now must be over. */
int64_t rest_deadline(const struct rest *a);

struct rest_wire *rest_curl_new(struct rest *a, struct err *err);
void rest_curl_free(struct rest_wire *w);
/* Starts it; fn(arg, end) on the loop, never from inside this call. The reply may be taken. */
void rest_curl_send(struct rest_wire *w, const struct rest_exchange *x,
    void (*fn)(void *arg, struct rest_end *end), void *arg);

/* Hands out a token other than `stale` (NULL: any): fn(arg, token, NULL) or fn(arg, NULL, why),
 * perhaps at once. Reads the cache, refreshes, logs in, in this order. */
void rest_auth_want(struct rest *a, const char *stale,
    void (*fn)(void *arg, const char *token, const struct err *why), void *arg);
void rest_auth_release(struct rest *a);

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

/* Sets `err` from an answer that is not 2xx (rest_error.c). */
void rest_status_error(const char *base, const struct rest_reply *reply, struct err *err);

/* With its final slash before the query (free); refuses what could leave the origin. */
int rest_url_path(const char *path, char **out, struct err *err);
/* The same without adding a slash. */
int rest_url_bare(const char *path, char **out, struct err *err);
/* The page that `next` (a JSON string's text) points to, as a path of this origin: `path` with
 * next's query (free). NULL when next has none. */
char *rest_url_next(const char *path, struct span next);

/* One answer to a list request (rest_list.c). */
struct rest_page {
	struct span array;
	int64_t count; /* objects of the whole list; -1: it does not say */
	char *next;    /* the next page's path (free); NULL on the last */
};
int rest_page_read(
    const char *path, struct span body, struct rest_page *out, struct err *err);

/* A set of numbers; a text goes in as its hash. */
struct rest_seen {
	struct rest_seen_block {
		uint64_t at, bits; /* of 64 numbers in a row, as ids mostly are; no bits: free */
	} *v;
	size_t room, used;
	size_t n; /* numbers */
};
/* False: it was there. */
bool rest_seen_add(struct rest_seen *s, struct span what);
void rest_seen_release(struct rest_seen *s);

#endif
