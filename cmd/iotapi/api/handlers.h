/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_HANDLERS_H
#define IOTAPI_API_HANDLERS_H

#include "iotapi/http/request.h"

/* The handlers that the table in routes.c names. */

/* resource.c: every resource of the schema. */
void resource_body_read(struct request *rq);    /* any JSON object: rq->json */
void resource_body_whole(struct request *rq);   /* of a new or replaced object: rq->values, rq->errs */
void resource_body_partial(struct request *rq); /* of a PATCH */
int resource_create(struct request *rq, struct err *err);
int resource_get(struct request *rq, struct err *err);
int resource_update(struct request *rq, struct err *err);
int resource_delete(struct request *rq, struct err *err);

/* auth.c */
int auth_check(struct request *rq); /* the Authorization header: rq->person, or 401 */
void auth_login_prepare(struct request *rq);
int auth_login(struct request *rq, struct err *err);
void auth_refresh_prepare(struct request *rq);
int auth_refresh(struct request *rq, struct err *err);
int auth_me(struct request *rq, struct err *err);

/* actions.c */
int actions_activate_broker(struct request *rq, struct err *err);
int actions_deactivate_broker(struct request *rq, struct err *err);
int actions_broker_status(struct request *rq, struct err *err);
int actions_publish_topics(struct request *rq, struct err *err);
int actions_subscribe_topics(struct request *rq, struct err *err);
int actions_config_status(struct request *rq, struct err *err);
int actions_assign_device(struct request *rq, struct err *err);
int actions_remove_device(struct request *rq, struct err *err);
int actions_device_status(struct request *rq, struct err *err);
int actions_health(struct request *rq, struct err *err);

/* readings.c */
void readings_bulk_prepare(struct request *rq);
int readings_bulk(struct request *rq, struct err *err);
int readings_rejects(struct request *rq, struct err *err);

#endif
