/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_H
#define REST_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/schema.h"
#include "loop/loop.h"

/*
 * The REST client on libcurl's multi interface, driven by the loop. Sends "Authorization: Bearer"
 * to the configured origin only and follows no redirect; a request's JSON goes out with Content-Length
 * (the Django backend reads no chunked body), paths get their final slash.
 */
struct rest_opts {
	const char *url;   /* with or without a final slash or /api */
	const char *token; /* NULL: log in, or the context's cached token */
	const char *username;
	const char *password_file; /* read only when a login is needed */
	const char *cafile;
	const char *auth_path; /* where to log in; NULL, or not there: where others have it */
	const char *context; /* of the token cache; NULL: "default" */
	int64_t timeout;     /* ms, one request with its retries */
	const char *basic;   /* "KEY:SECRET" sent as HTTP Basic instead of a token, paths as given:
				EMQX's management API; NULL: the platform's own */
	int64_t until;       /* loop_now() by which every request must be over; 0: none */
};

struct rest;

struct rest_reply {
	long status;
	struct buf body;
	char *location; /* NULL: none */
	int64_t date;   /* of the server's clock, seconds since 1970; 0: it did not say */
};
void rest_reply_release(struct rest_reply *r);

/* Keeps pointers to the strings of `opts`. NULL: ERR_USAGE for a URL that is none, ERR_FAILED. */
struct rest *rest_new(struct loop *loop, const struct rest_opts *opts, struct err *err);
/* Requests under way end and tell nobody. Accepts NULL. */
void rest_free(struct rest *a);
/* The configured URL without a final slash or /api. */
const char *rest_base(const struct rest *a);
/* Warns when what is sent there, passwords among it, crosses a network as plain text: http:// to another machine. */
void rest_warn_plain(const struct rest *a);

/* Starts a request; done(arg, reply, why) on the loop, once. `path` begins with /api/ and may hold a
 * query; `body` is copied, p == NULL: none. `why` is set for everything but 2xx, and
 * for a web page in the place of the answer to what is no GET, in the codes of
 * base/err.h (401/403 AUTH, 404 NOT_FOUND, 400/409/422 REFUSED, 5xx and network UNREACHABLE), and
 * is one line that shows the server's reasons in any of its error shapes; `reply` is there
 * whenever the server answered, and is the callee's only during the call. Retries 429 and 503 by
 * Retry-After, and idempotent methods on a lost connection; logs in or refreshes once on 401. */
void rest_send(struct rest *a, const char *method, const char *path, struct span body,
    void (*done)(void *arg, struct rest_reply *reply, const struct err *why), void *arg);

/* As rest_send, and runs the loop until it is done. `reply` may be NULL; else the caller releases it, also
 * when the call failed. */
int rest_call(struct rest *a, const char *method, const char *path, struct span body,
    struct rest_reply *reply, struct err *err);

/* From now on rest_call does not run the loop itself but calls wait(arg, over, err), which returns 0 when
 * the loop has made *over true, after which the loop stops, or -1 if that cannot come about. For a caller in
 * another thread than the loop's. NULL: as before. */
void rest_wait_by(struct rest *a,
    int (*wait)(void *arg, const bool *over, struct err *err), void *arg);

/* The path of a list (free). `filters` is "" or "&name=value...", escaped. `order` is "[-]field", one
 * that the server sorts by; NULL: the resource's own. What the server sorts by besides follows it, so
 * that equals stay where they are from page to page. `page`: objects a page, where the server lets
 * one choose; 0: as many as it gives. */
char *rest_list_path(
    const struct schema_resource *r, const char *filters, const char *order, int page);
/* Whether the server sorts by it. */
bool rest_list_sorts(const struct schema_resource *r, const struct schema_field *f);

/* Each object of a list as the server's own bytes, all pages; page objects and bare arrays alike, an
 * id once. A `next` link of another origin is rewritten to the configured one. A list that changed while its
 * pages were read, so that some may be lost, is read again, three times at most; then only what had not come
 * yet is given to `fn`. Stops when `fn`
 * returns not 0 and returns that. ERR_FAILED: all pages came, but it is not whole for all that: not what the
 * list counts, or with no count some came twice, or it changed each time; anything else: not even all pages. */
int rest_list(struct rest *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err);
/* The same for who can forget: again(arg) says that all objects come once more, as they are now, and those
 * that are gone do not. */
int rest_list_again(struct rest *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void (*again)(void *arg),
    void *arg, struct err *err);

/* Logs in and saves the tokens in the context's cache (0600). Runs the loop until that is done. ERR_AUTH for
 * a wrong password. */
int rest_login(struct rest *a, const char *username, const char *password, struct err *err);
/* Where rest_login did so, which the caller may want to keep. NULL before. */
const char *rest_auth_path(const struct rest *a);
/* Forgets the cached tokens. */
int rest_logout(struct rest *a, struct err *err);

#endif
