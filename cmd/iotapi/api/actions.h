/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_ACTIONS_H
#define IOTAPI_API_ACTIONS_H

#include "iotapi/http/request.h"

/* What the API does besides create, get, update and delete: `run` handlers of routes.h, each named by its route. */

/* POST /api/mqtt/brokers/{id}/activate/ and deactivate/ */
int actions_activate_broker(struct request *rq, struct err *err);
int actions_deactivate_broker(struct request *rq, struct err *err);
/* GET /api/mqtt/broker-status/: the worker's link to each broker. */
int actions_broker_status(struct request *rq, struct err *err);
/* POST /api/mqtt/test-connection/: connects to a broker that is in use, as the worker does, and says how far it came and
 * why no further. Blocks for the time that the body says, up to a minute. All is done by the first; the second is its
 * `run`. */
void actions_test_connection_prepare(struct request *rq);
int actions_answered(struct request *rq, struct err *err);
/* GET /api/mqtt/topics/publish_topics/ and subscribe_topics/: bare arrays. */
int actions_publish_topics(struct request *rq, struct err *err);
int actions_subscribe_topics(struct request *rq, struct err *err);
/* POST /api/mqtt/device-config/{id}/update_connection_status/ */
void actions_config_status_prepare(struct request *rq);
int actions_config_status(struct request *rq, struct err *err);
/* POST /api/devices/{id}/assign_sensor/ and DELETE .../remove_sensor/ */
void actions_assign_prepare(struct request *rq);
int actions_assign_device(struct request *rq, struct err *err);
int actions_remove_device(struct request *rq, struct err *err);
/* GET /api/mqtt/device-status/: how many devices are in which state. */
int actions_device_status(struct request *rq, struct err *err);
/* GET /healthz/: reads a row of each resource as the API shows it; 503 names those that cannot be read. */
int actions_health(struct request *rq, struct err *err);

#endif
