/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_BROKER_AUTH_H
#define IOTAPI_API_BROKER_AUTH_H

#include "iotapi/http/request.h"

/*
 * What an EMQX with an HTTP authenticator and authorizer asks: POST /api/mqtt/auth/ at each CONNECT, POST /api/mqtt/acl/ for what
 * the answer to that does not settle. What it makes of an answer that is no plain "allow" or "deny" is not what it should be
 * (an error lets the next authenticator decide, or no_match), so everything but a wrong token is answered 200.
 */

/* Checks the password, outside of the transaction. One that was right before costs nothing; any other is hashed, which may
 * take its time: without rq->may_hash it denies and sets rq->must_hash. */
void broker_auth_prepare(struct request *rq);
/* Denies since too many wait to be hashed, and tells it. */
void broker_auth_full(struct request *rq);
/* The rules of the login go with the answer: EMQX asks about none then. */
int broker_auth_login(struct request *rq, struct err *err);
/* One publication or subscription. With a wrong token too the answer is 200, a denial: EMQX would go on to its
 * next source, whose default allows. */
int broker_auth_rule(struct request *rq, struct err *err);

#endif
