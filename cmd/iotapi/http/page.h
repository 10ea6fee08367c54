/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_PAGE_H
#define IOTAPI_HTTP_PAGE_H

#include "iotapi/http/request.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000 };
/* One page of a list, {"count","next","previous","results"}; the results are written between page_begin and
 * page_end. */
struct page {
	int64_t number; /* from 1; 0: the query has no good one */
	int64_t size;
	int64_t count; /* of all rows, the caller's to set before page_begin */
	bool last;     /* page=last */
};
/* page and page_size of the query; wrong ones go to rq->errs. */
void page_read(struct request *rq, struct page *p);
/* Checks the number against the count (-1: answered 404); writes the beginning, up to "results":[. */
int page_begin(struct request *rq, struct page *p);
/* The end, and status 200. */
void page_end(struct request *rq);

#endif
