/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_AUTH_H
#define IOTAPI_API_AUTH_H

#include "iotapi/http/request.h"

/* Who asks. The handlers are for routes.h. */

/* The Authorization header: rq->person, or -1 and a 401. rq->db is a connection. */
int auth_check(struct request *rq);
/* POST /api/auth/login/. The first half checks the password, about 50 ms (password.h), or refuses a user name that
 * failed too often (guesses.h). */
void auth_login_prepare(struct request *rq);
int auth_login(struct request *rq, struct err *err);
/* 429, to come again after so many seconds: too many wait to be hashed. Nobody's guess, and told as none. */
void auth_login_full(struct request *rq, int64_t seconds);
/* POST /api/auth/refresh/: two new tokens for a refresh token, which is spent. */
void auth_refresh_prepare(struct request *rq);
int auth_refresh(struct request *rq, struct err *err);
/* GET /api/users/me/ */
int auth_me(struct request *rq, struct err *err);

#endif
