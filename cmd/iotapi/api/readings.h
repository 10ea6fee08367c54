/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_READINGS_H
#define IOTAPI_API_READINGS_H

#include "iotapi/http/request.h"

/* Handlers of routes.h. */

/* POST /api/readings/bulk/: all of {"lecturas":[...]}, or none. */
void readings_bulk_prepare(struct request *rq);
int readings_bulk(struct request *rq, struct err *err);
/* DELETE /api/readings/?fecha_fin=...: those that the filters choose, of which one has to be a time; some hundreds at a
 * time, so what was deleted stays so when it ends in the middle. All is done by this; its `run` is actions_answered. */
void readings_delete_prepare(struct request *rq);
/* DELETE /api/devices/{id}/?force=1: its readings, unless something else refers to it. The rest is resource_delete's. */
void readings_force_prepare(struct request *rq);
/* GET /api/readings/rejects/: messages that became no readings, newest first. */
int readings_rejects(struct request *rq, struct err *err);

#endif
