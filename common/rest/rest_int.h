/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_APIPARTS_H
#define NET_APIPARTS_H

#include "rest/rest.h"

/* What the parts of the REST client share; nobody else includes it. */

/* The curl side (rest_curl.c). */
struct api_wire;

/* Tokens of one login at one URL. The zero value holds none. */
struct api_tokens {
	char *access;
	char *refresh; /* NULL: none */
};

/* Somebody who waits for a token. */
struct api_waiter {
	struct api_waiter *next;
	void (*fn)(void *arg, const char *token, const struct err *why);
	void *arg;
};

/* rest_auth.c's state: one login or refresh at a time, whoever asks meanwhile waits for it. */
struct api_auth {
	struct api_tokens tokens;
	bool loaded;
	bool busy;
	struct api_waiter *waiters;
	char *stale;    /* the access token that was refused */
	char *username; /* who logs in now */
	char *password;
	int lock;       /* of the token cache; -1: not held */
	int64_t deadline;
	struct loop_timer again;
	bool own;       /* api_login's: of the context itself */
	bool done;
	struct err err;
};

struct api {
	struct loop *loop;
	struct api_opts opts;
	char *base;
	struct api_wire *wire;
	struct api_auth auth;
	struct api_call *calls; /* in flight */
	int64_t quiet;          /* loop_now() until when the API asked to be left alone */
	int (*wait)(void *arg, const bool *over, struct err *err); /* api_wait_by */
	void *wait_arg;
};

/* One exchange: no token of its own accord, no retry. */
struct api_exchange {
	const char *method;
	const char *path; /* final; begins with / */
	struct span body; /* p == NULL: none; copied */
	const char *token; /* NULL: none */
	int64_t timeout;  /* ms */
};

/* How it ended. */
struct api_end {
	struct api_reply reply; /* status 0: no answer, `err` says why */
	int64_t retry_after;    /* ms; -1: the answer names none */
	bool lost;              /* the connection broke off: nobody knows what happened */
	bool late;              /* sent, but no answer in time: nobody knows either */
	struct err err;
};

/* loop_now() by which a request that starts now must be over. */
int64_t api_deadline(const struct api *a);

struct api_wire *api_wire_new(struct api *a, struct err *err);
void api_wire_free(struct api_wire *w);
/* Starts it; fn(arg, end) on the loop, never from inside this call. The reply may be taken. */
void api_wire_send(struct api_wire *w, const struct api_exchange *x,
    void (*fn)(void *arg, struct api_end *end), void *arg);

/* Hands out a token other than `stale` (NULL: any): fn(arg, token, NULL) or fn(arg, NULL, why),
 * perhaps at once. Reads the cache, refreshes, logs in, in this order. */
void api_auth_want(struct api *a, const char *stale,
    void (*fn)(void *arg, const char *token, const struct err *why), void *arg);
void api_auth_release(struct api *a);

/* The token cache of the context, bound to base URL and user (token_cache.c). Loading finds nothing
 * rather than fail; a cache that cannot be written is told once and otherwise harmless. */
void api_tokens_load(const struct api *a, struct api_tokens *t);
/* `own`: they are the context's from now on; otherwise they leave its own alone. */
int api_tokens_save(const struct api *a, const struct api_tokens *t, const char *username,
    bool own, struct err *err);
int api_tokens_forget(const struct api *a, struct err *err);
void api_tokens_release(struct api_tokens *t);
/* Tries to lock the cache against other processes: a descriptor to close, -1 if another holds it,
 * -2 if there is nothing to lock. Does not block. */
int api_tokens_lock(const struct api *a);

/* Takes access and refresh from an answer's body; false if there is no access token. */
bool api_tokens_parse(struct span body, struct api_tokens *t);

/* Sets `err` from an answer that is not 2xx (rest_error.c). */
void api_status_error(const char *base, const struct api_reply *reply, struct err *err);

/* With its final slash before the query (free); refuses what could leave the origin. */
int api_url_path(const char *path, char **out, struct err *err);
/* The same without adding a slash. */
int api_url_bare(const char *path, char **out, struct err *err);
/* The page that `next` (a JSON string's text) points to, as a path of this origin: `path` with
 * next's query (free). NULL when next has none. */
char *api_url_next(const char *path, struct span next);

/* One answer to a list request (rest_list.c). */
struct api_page {
	struct span array;
	int64_t count; /* objects of the whole list; -1: it does not say */
	char *next;    /* the next page's path (free); NULL on the last */
};
int api_page_read(
    const char *path, struct span body, struct api_page *out, struct err *err);

/* A set of numbers; a text goes in as its hash. */
struct api_seen {
	struct api_seen_block {
		uint64_t at, bits; /* of 64 numbers in a row, as ids mostly are; no bits: free */
	} *v;
	size_t room, used;
	size_t n; /* numbers */
};
/* False: it was there. */
bool api_seen_add(struct api_seen *s, struct span what);
void api_seen_release(struct api_seen *s);

#endif
