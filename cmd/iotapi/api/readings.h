/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_READINGS_H
#define IOTAPI_API_READINGS_H

#include "iotapi/http/request.h"

void readings_bulk_prepare(struct request *rq);
int readings_bulk(struct request *rq, struct err *err);
int readings_rejects(struct request *rq, struct err *err);

#endif
