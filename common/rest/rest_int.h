/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_INT_H
#define REST_REST_INT_H

#include "rest/rest.h"
#include "rest/token_cache.h"

/* What the parts of the REST client share; nobody else includes it. */

/* The curl side (rest_curl.c). */
struct rest_wire;

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

/* Sets `err` from an answer that is not 2xx (rest_error.c). */
void rest_status_error(const char *base, const struct rest_reply *reply, struct err *err);

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
