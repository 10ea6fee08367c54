/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_CONNECTIONS_H
#define IOTAPI_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/strv.h"

/*
 * The connections of the HTTP server: how long each may take for what, and which one goes when there are too many. The
 * library's own time-out counts from the last byte, so who sends a byte now and then would stay for ever, and whoever
 * comes behind its limit waits. Here each has a deadline that no byte moves, and when the slots run short the one
 * that has waited longest without being served is closed for the one that comes.
 *
 * Closing is shutdown(2): the library sees the end and frees it. Every function may be called in any thread.
 */
struct connections;
struct connection;

enum {
	CONNECTIONS_MOST = 1024,     /* or what the limit on open files leaves */
	CONNECTIONS_OF_ADDRESS = 64, /* of an IPv4 address, or of an IPv6 network of 64 bits */
	CONNECTIONS_WAITING = 16,    /* of which so many may wait for a password to be checked */
};

/* What a connection does; behind each how long it may. */
enum connection_state {
	CONNECTION_HEAD,   /* a request's head comes, 10 s since it was accepted or since the request line */
	CONNECTION_BODY,   /* its body comes, 30 s */
	CONNECTION_SERVED, /* the answer is made; as long as it takes */
	CONNECTION_WAITING, /* likewise, behind others whose passwords are checked */
	CONNECTION_SENT,   /* the answer leaves, 30 s and a second for each 32 KiB */
	CONNECTION_IDLE,   /* another request may come, 30 s */
};

struct connections_opts {
	bool limited;               /* CONNECTIONS_OF_ADDRESS and CONNECTIONS_WAITING count */
	const struct strv *proxies; /* addresses for which it does not; not kept */
};

/* Raises the process's limit on open files if need be. ERR_USAGE: a proxy is no address. */
int connections_new(
    struct connections **out, const struct connections_opts *opts, struct err *err);
/* None is left. Accepts NULL. */
void connections_free(struct connections *c);
/* Whether somebody from there may have one more. */
bool connections_may_come(struct connections *c, const struct sockaddr *from);
/* One that was accepted, in CONNECTION_HEAD; connections_remove frees it, before its descriptor is closed. May close
 * another one. */
struct connection *connections_add(struct connections *c, int fd, const struct sockaddr *from);
void connections_remove(struct connections *c, struct connection *connection);
/* `bytes` of an answer that is sent, which move its deadline, else 0. The first head's deadline is not moved by its request line. */
void connections_set(struct connections *c, struct connection *connection,
    enum connection_state state, size_t bytes);
/* Makes one that is served CONNECTION_WAITING. False: too many from there are. */
bool connections_wait(struct connections *c, struct connection *connection);
/* Closes those that took too long; to be called about each second. */
void connections_sweep(struct connections *c);
/* Whether an answer is being made or sent. */
bool connections_any_served(struct connections *c);

#endif
