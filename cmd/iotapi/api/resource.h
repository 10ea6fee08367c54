/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_RESOURCE_H
#define IOTAPI_API_RESOURCE_H

#include "iotapi/http/request.h"

/* Create, get, update and delete, for every resource of the schema table: handlers of routes.h. */

/* `prepare` handlers, which leave an answer when there is something wrong with the body as a whole. Of any JSON
 * object: rq->json. */
void resource_body_read(struct request *rq);
/* As resource_body_read, of one that has no other members than these, behind the last of which there is NULL. */
void resource_body_named(struct request *rq, const char *const *names);
/* As resource_body_read, but nothing of it is read: *object are its bytes in the body. -1: answered. For bodies of
 * which a part at a time is enough. */
int resource_body_object(struct request *rq, struct span *object);
/* Of a new or replaced object: also rq->values, with its secrets protected, and rq->errs. */
void resource_body_whole(struct request *rq);
/* The same of a PATCH. */
void resource_body_partial(struct request *rq);

/* `run` handlers, of rq->resource and rq->id. */
int resource_create(struct request *rq, struct err *err);
int resource_get(struct request *rq, struct err *err);
int resource_update(struct request *rq, struct err *err);
int resource_delete(struct request *rq, struct err *err);

/* Whether a device is to be deleted with its readings, ?force=1. */
bool resource_is_forced(const struct request *rq);
/* Whether anything refers to the object, of a forced one but its readings. */
bool resource_is_used(struct request *rq);

#endif
