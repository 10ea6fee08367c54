/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_AUTH_H
#define IOTAPI_API_AUTH_H

#include "iotapi/http/request.h"

int auth_check(struct request *rq); /* the Authorization header: rq->person, or 401 */
void auth_login_prepare(struct request *rq);
int auth_login(struct request *rq, struct err *err);
void auth_refresh_prepare(struct request *rq);
int auth_refresh(struct request *rq, struct err *err);
int auth_me(struct request *rq, struct err *err);

#endif
