/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_REQUEST_H
#define IOTAPI_HTTP_REQUEST_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/field_errs.h"
#include "model/schema.h"
#include "iotapi/app.h"
#include "iotapi/db/db.h"

/* A name and value of a query string, decoded. */
struct query_arg {
	char *name;
	char *value;
};

struct route;

/* One HTTP request and its answer, free of the HTTP library. For one thread. app, method, route, resource and
 * db are borrowed; all else is its own. */
struct request {
	struct app *app;
	const char *method;
	char *path; /* decoded, always with its final slash */
	struct query_arg *args;
	size_t arg_count;
	char *host;          /* of the Host header; NULL: none */
	char *authorization; /* NULL: none */
	char *content_type;  /* NULL: none */
	struct buf body;
	char peer[INET6_ADDRSTRLEN]; /* the client's address; "": not known */

	const struct route *route;
	const struct schema_resource *resource; /* NULL: none */
	int64_t id;                             /* of the path */
	int64_t person;                         /* who asks; 0: nobody */
	bool read_only;                         /* who may change nothing */
	json_t *json;                           /* the body; NULL: none, or no JSON */
	char *hash; /* of the person's password that was found right; NULL: none was */
	struct span list;                       /* of JSON in the body; p == NULL: none */
	json_t *values;                         /* the good fields in canonical types */
	struct field_errs errs;                 /* the wrong ones */
	struct db *db; /* while the handler runs: a reader, or the writer in a transaction */
	size_t held;   /* its part of app->held */
	bool may_hash; /* on a thread that may take its time */
	bool must_hash; /* what was answered is void: to be run again on such a thread */

	unsigned status; /* 0: not answered yet */
	struct buf out;  /* empty for 204 */
	const char *type; /* of what is in it; NULL: JSON */
	size_t bytes;    /* of it, when it was handed to the HTTP library */
	char *location;
	int64_t retry_after; /* seconds; 0: no such header */
	char allow[64];
};

enum {
	REQUEST_ARGS_MOST = 64,
	REQUEST_SHORT = 64 << 10,      /* bytes of body and answer that are not counted */
	REQUEST_HELD_MOST = 256 << 20, /* of all others together */
	REQUEST_LONG = 1 << 20,        /* bytes that are the system's own to give, and to have back */
};
/* Takes a raw request target apart: a path and its query, also behind "http://HOST", which then counts instead of
 * the header Host. Not 0: it is malformed (a NUL, a control character, a bad escape, "..", "#"), or has more than
 * REQUEST_ARGS_MOST arguments. */
int request_target(struct request *rq, const char *target);
/* Whether it is HOST or HOST:PORT, where an IPv6 address stands in brackets. */
bool request_is_host(const char *s);
/* The value of a query argument, NULL when it is not there. */
const char *request_arg(const struct request *rq, const char *name);
/* A body is in memory until it is served, an answer until it is read: of long ones there are only so many. Whether this
 * request may have so many bytes of both; else it is answered 503. What it was given counts until request_release. */
bool request_may_hold(struct request *rq, size_t bytes);
/* Frees the body, wiped, and gives back what request_may_hold gave: it is refused. */
void request_drop_body(struct request *rq);
/* Forgets the body's JSON and the answer: the route is run again where it may hash. */
void request_begin_again(struct request *rq);
/* Frees all that is the request's own; secrets are wiped. */
void request_release(struct request *rq);

#endif
