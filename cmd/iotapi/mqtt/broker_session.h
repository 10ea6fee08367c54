/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_SESSION_H
#define IOTAPI_MQTT_BROKER_SESSION_H

#include "base/strv.h"
#include "loop/loop.h"
#include "iotapi/app.h"

/* The durable session with one broker. Reconnects for ever, and slowly after a refused login too:
 * the broker may be about to learn it (iotapi export, SIGHUP). */
struct broker_session;

/* What a broker's row and the topics say; all strings are copied. */
struct broker_session_opts {
	int64_t broker;
	const char *name, *host, *username, *password, *ca_pem, *client_id;
	int port, keepalive;
	bool tls, ws;
	const struct strv *patterns; /* of the publish topics */
};

struct broker_session *broker_session_new(
    struct loop *loop, struct app *app, const struct broker_session_opts *opts);
int64_t broker_session_broker(const struct broker_session *u);
/* Whether it was made of the same. */
bool broker_session_is(const struct broker_session *u, const struct broker_session_opts *opts);
/* Stores and acknowledges what it has taken, disconnects, then gone(arg) on the loop: free it then
 * or later. */
void broker_session_stop(struct broker_session *u, void (*gone)(void *arg), void *arg);
void broker_session_free(struct broker_session *u);

#endif
