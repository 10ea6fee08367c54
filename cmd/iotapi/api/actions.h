/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_ACTIONS_H
#define IOTAPI_API_ACTIONS_H

#include "iotapi/http/request.h"

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

#endif
