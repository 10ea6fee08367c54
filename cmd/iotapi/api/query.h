/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_QUERY_H
#define IOTAPI_API_QUERY_H

#include "iotapi/http/request.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000 };

/* GET of a collection: {count,next,previous,results} with page, page_size, search, ordering and the
 * resource's filters. Anything else in the query is a 400 that names it. */
int query_list(struct request *rq, struct err *err);

/* One page of any rows: `count` is their number, `page` from 1. Writes all but the results, between
 * the two calls. */
struct page {
	int64_t number, size, count;
	bool last;
};
/* page and page_size of the query; wrong ones go to rq->errs. */
void page_read(struct request *rq, struct page *p);
/* Checks the number against the count; writes the beginning, up to "results":[. */
int page_begin(struct request *rq, struct page *p);
void page_end(struct request *rq);

#endif
