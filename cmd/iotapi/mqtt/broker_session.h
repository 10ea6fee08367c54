/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include "iotapi/app.h"
#include "loop/loop.h"

/* The durable session with one broker. Reconnects for ever, and slowly after a refused login too:
 * the broker may be about to learn it (iotapi export, SIGHUP). */
struct upstream;

/* What a broker's row and the topics say; all strings are copied. */
struct upstream_opts {
	int64_t broker;
	const char *name, *host, *username, *password, *ca_pem, *client_id;
	int port, keepalive;
	bool tls, ws;
	const struct strv *patterns; /* of the publish topics */
};

struct upstream *upstream_new(
    struct loop *loop, struct app *app, const struct upstream_opts *opts);
int64_t upstream_broker(const struct upstream *u);
/* Whether it was made of the same. */
bool upstream_is(const struct upstream *u, const struct upstream_opts *opts);
/* Stores and acknowledges what it has taken, disconnects, then gone(arg) on the loop: free it then
 * or later. */
void upstream_stop(struct upstream *u, void (*gone)(void *arg), void *arg);
void upstream_free(struct upstream *u);

#endif
