/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_METRICS_H
#define IOTAPI_API_METRICS_H

#include "iotapi/http/request.h"

/* GET /metrics/: Prometheus' text format 0.0.4, for routes.h. Cheap whatever the database has in it: devices are counted
 * by an index, readings by the ids that were given out. */
int metrics_get(struct request *rq, struct err *err);

#endif
