/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_PAGE_H
#define IOTAPI_HTTP_PAGE_H

#include "iotapi/http/request.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000 };
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
