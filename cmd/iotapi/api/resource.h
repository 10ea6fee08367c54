/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_RESOURCE_H
#define IOTAPI_API_RESOURCE_H

#include "iotapi/http/request.h"

void resource_body_read(struct request *rq);    /* any JSON object: rq->json */
void resource_body_whole(struct request *rq);   /* of a new or replaced object: rq->values, rq->errs */
void resource_body_partial(struct request *rq); /* of a PATCH */
int resource_create(struct request *rq, struct err *err);
int resource_get(struct request *rq, struct err *err);
int resource_update(struct request *rq, struct err *err);
int resource_delete(struct request *rq, struct err *err);

#endif
