/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_QUERY_H
#define IOTAPI_API_QUERY_H

#include "iotapi/http/request.h"

/* A `run` handler of routes.h: GET of a collection, {count,next,previous,results} with page, page_size, search, ordering and the
 * resource's filters. Anything else in the query is a 400 that names it. */
int query_list(struct request *rq, struct err *err);

/* The resource's filters alone, for who changes what they choose: " WHERE ..." over its table named t, appended to
 * `where`, and its values to the array `binds`. Anything else in the query goes to rq->errs. */
void query_filters(struct request *rq, struct buf *where, json_t *binds);

#endif
