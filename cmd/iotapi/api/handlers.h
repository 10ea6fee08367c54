/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "iotapi/http/request.h"

/* The handlers that the table in routes.c names. */

/* resource.c: every resource of the schema. */
void body_read(struct request *rq);    /* any JSON object: rq->json */
void body_whole(struct request *rq);   /* of a new or replaced object: rq->values, rq->errs */
void body_partial(struct request *rq); /* of a PATCH */
int resource_create(struct request *rq, struct err *err);
int resource_get(struct request *rq, struct err *err);
int resource_update(struct request *rq, struct err *err);
int resource_delete(struct request *rq, struct err *err);

/* auth.c */
int auth_check(struct request *rq); /* the Authorization header: rq->person, or 401 */
void login_prepare(struct request *rq);
int login_run(struct request *rq, struct err *err);
void refresh_prepare(struct request *rq);
int refresh_run(struct request *rq, struct err *err);
int me_get(struct request *rq, struct err *err);

/* actions.c */
int broker_activate(struct request *rq, struct err *err);
int broker_deactivate(struct request *rq, struct err *err);
int broker_status(struct request *rq, struct err *err);
int topics_publish(struct request *rq, struct err *err);
int topics_subscribe(struct request *rq, struct err *err);
int config_status(struct request *rq, struct err *err);
int device_assign(struct request *rq, struct err *err);
int device_remove(struct request *rq, struct err *err);
int device_status(struct request *rq, struct err *err);
int health_get(struct request *rq, struct err *err);

/* readings.c */
void bulk_prepare(struct request *rq);
int bulk_run(struct request *rq, struct err *err);
int rejects_list(struct request *rq, struct err *err);

#endif
