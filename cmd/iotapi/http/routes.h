/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_ROUTES_H
#define IOTAPI_HTTP_ROUTES_H

#include "iotapi/http/request.h"

enum route_flag {
	ROUTE_OPEN = 1,  /* needs no token */
	ROUTE_WRITE = 2, /* `run` in a transaction of the writer, else on a reader */
	ROUTE_ADMIN = 4, /* not for who may only read; nor is what writes, but for ROUTE_OPEN */
	ROUTE_HASHES = 8, /* takes a person's password: not on a thread that serves */
	ROUTE_DIALS = 16, /* connects to others, likewise */
};

struct route {
	const char *method;
	const char *path; /* "{id}" is a whole number */
	const char *resource; /* NULL: none */
	/* Before the transaction, on the request's own thread: reads and checks the body, hashes.
	 * May leave an answer, which `run` may replace. */
	void (*prepare)(struct request *rq);
	/* Answers; not 0 undoes what it wrote. An answer it left counts; without one it is a 500. */
	int (*run)(struct request *rq, struct err *err);
	unsigned flags;
};

/* The longest body this target may have. */
size_t routes_body_limit(const struct request *rq);
/* Whether who asks may send a body of more than ROUTES_BODY_OF_ANYBODY bytes, by the token: false: answered. A body stays
 * in memory, and before it is whole nobody else looks whose it is. Blocks. */
enum { ROUTES_BODY_OF_ANYBODY = 64 << 10 };
bool routes_may_send(struct request *rq);
/* Finds rq->route; NULL: there is none for this target and method, which routes_serve answers. */
void routes_find(struct request *rq);
/* Whether a password is hashed that takes long: a person's, or a device's with many rounds (--hash-rounds). What asks for
 * rq->may_hash by rq->must_hash comes besides. */
bool routes_is_hashing(const struct request *rq);
/* Answers, in place of the route, that too many wait already: to come again after so many seconds. */
void routes_refuse(struct request *rq, int seconds);
/* Whether the route may take seconds by what it was asked: then it is not for a thread that serves. */
bool routes_is_long(const struct request *rq);
/* Checks the token and runs the route that was found: rq holds the answer. Blocks. */
void routes_serve(struct request *rq);

#endif
