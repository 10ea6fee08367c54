/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_INT_H
#define REST_REST_INT_H

#include "base/hash.h"
#include "rest/rest.h"
#include "rest/rest_error.h"
#include "rest/token_cache.h"

/*
 * A request's way through the client, all on the loop's thread: rest_call.c keeps it until its caller is
 * told, and decides what is tried again; rest_auth.c gets it a token; rest_curl.c makes one HTTP exchange.
 * rest_list.c asks for page after page. Their functions stand here in this order.
 */

/* libcurl at work (rest_curl.c). */
struct rest_curl;

/* Somebody who waits for a token. */
struct rest_waiter {
	struct rest_waiter *next;
	void (*fn)(void *arg, const char *token, const struct err *why);
	void *arg;
};

/* rest_auth.c's state: one login or refresh at a time, whoever asks meanwhile waits for it. */
struct rest_auth {
	struct token_cache tokens;
	bool loaded; /* from the cache, once */
	bool busy;   /* with a login or a refresh */
	struct rest_waiter *waiters;
	char *stale;    /* the access token that was refused; NULL: none was */
	char *username; /* who logs in now */
	char *password; /* of rest_login or the password file, until it is answered */
	char *given;    /* opts.auth_path as a request's path; NULL: none */
	char *path;     /* where the login is; NULL: not known yet */
	size_t tried;   /* places where it is not */
	int lock;       /* of the token cache; -1: not held */
	int64_t deadline;        /* loop_now() by which it must be over */
	struct loop_timer again; /* tries the lock */
	bool own;       /* rest_login: the tokens become the context's */
	bool done;      /* rest_login: it is over, with `err` */
	struct err err;
};

struct rest {
	struct loop *loop;
	struct rest_opts opts;
	char *base;
	struct rest_curl *curl;
	struct rest_auth auth;
	struct rest_call *calls; /* in flight */
	int64_t quiet;          /* loop_now() until when the API asked to be left alone */
	int (*wait)(void *arg, const bool *over, struct err *err); /* rest_wait_by */
	void *wait_arg;
};

/* One HTTP exchange, as it is sent: no token but this, no retry. */
struct rest_exchange {
	const char *method;
	const char *path; /* the request target, with its query */
	struct span body; /* p == NULL: none; copied */
	const char *token; /* NULL: none */
	int64_t timeout;  /* ms */
};

/* How an exchange ended. */
struct rest_outcome {
	struct rest_reply reply; /* status 0: no answer, `err` says why */
	int64_t retry_after;    /* ms, at most a day; -1: the answer names none */
	bool lost;              /* the connection broke off: nobody knows what happened */
	bool late;              /* sent, but no answer in time: nobody knows either */
	struct err err;
};

/* Whom errors name. */
struct rest_peer rest_peer_of(const struct rest *a);
/* loop_now() by which a request that starts now must be over. */
int64_t rest_deadline(const struct rest *a);

/* Hands out a token other than `stale` (NULL: any): fn(arg, token, NULL) or fn(arg, NULL, why),
 * perhaps at once. Reads the cache, refreshes, logs in, in this order. */
void rest_auth_want(struct rest *a, const char *stale,
    void (*fn)(void *arg, const char *token, const struct err *why), void *arg);
void rest_auth_release(struct rest *a);

struct rest_curl *rest_curl_new(struct rest *a, struct err *err);
/* Ends what is under way and tells nobody. Accepts NULL. */
void rest_curl_free(struct rest_curl *w);
/* Starts it, with copies of what `x` points to; fn(arg, end) on the loop, never from inside this call.
 * The reply is the client's, but fn may move it away. */
void rest_curl_send(struct rest_curl *w, const struct rest_exchange *x,
    void (*fn)(void *arg, struct rest_outcome *end), void *arg);

/* One answer to a list request (rest_list.c). */
struct rest_page {
	struct span array;
	int64_t count; /* objects of the whole list; -1: it does not say */
	char *next;    /* the next page's path (free); NULL on the last */
};
/* `path` is that of the request, which `next` is made from. ERR_PROTOCOL. */
int rest_page_read(
    const char *path, struct span body, struct rest_page *out, struct err *err);

/* A set of numbers; a text goes in as its hash. */
struct rest_seen {
	struct rest_seen_block {
		uint64_t at, bits; /* of 64 numbers in a row, as ids mostly are */
	} *v;
	size_t room;
	struct hash_table blocks; /* indexes of v */
	size_t n;		  /* numbers */
};
/* False: it was there. */
bool rest_seen_add(struct rest_seen *s, struct span what);
void rest_seen_release(struct rest_seen *s);

#endif
