/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_READINGS_H
#define IOTAPI_API_READINGS_H

#include "iotapi/http/request.h"

/* Handlers of routes.h. */

/* POST /api/readings/bulk/: all of {"lecturas":[...]}, or none. */
void readings_bulk_prepare(struct request *rq);
int readings_bulk(struct request *rq, struct err *err);
/* GET /api/readings/rejects/: messages that became no readings, newest first. */
int readings_rejects(struct request *rq, struct err *err);

#endif
