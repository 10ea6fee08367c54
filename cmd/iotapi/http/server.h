/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_SERVER_H
#define IOTAPI_HTTP_SERVER_H

#include <stdbool.h>

#include "base/strv.h"
#include "loop/loop.h"
#include "iotapi/app.h"

/* The HTTP server: libmicrohttpd's threads in front of routes_serve, behind a guard (guard.h). */
struct server;

struct server_opts {
	const char *listen; /* ADDRESS:PORT, port 0: a free one */
	bool insecure;      /* also where other machines come from */
	const struct strv *proxies; /* addresses that may have any number of connections */
};

/* Serves in threads of its own until server_stop; the loop only looks for connections that are too slow. Errors as
 * those of listen_on and connections_new. */
int server_start(struct server **out, struct loop *loop, struct app *app,
    const struct server_opts *opts, struct err *err);
/* "http://ADDRESS:PORT" */
const char *server_url(const struct server *h);
/* Takes no more connections, finishes the requests that are under way. Accepts NULL. Blocks. */
void server_stop(struct server *h);

#endif
