/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_SERVER_H
#define IOTAPI_HTTP_SERVER_H

#include "loop/loop.h"
#include "iotapi/app.h"

/* The HTTP server: libmicrohttpd's threads in front of routes_serve, behind a guard (guard.h). */
struct server;

/* Serves on ADDRESS:PORT (port 0: a free one) in threads of its own until server_stop; the loop only looks for
 * connections that are too slow. Errors as listen_on's. */
int server_start(struct server **out, struct loop *loop, struct app *app, const char *listen,
    struct err *err);
/* "http://ADDRESS:PORT" */
const char *server_url(const struct server *h);
/* Takes no more connections, finishes the requests that are under way. Accepts NULL. Blocks. */
void server_stop(struct server *h);

#endif
