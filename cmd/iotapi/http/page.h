/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_PAGE_H
#define IOTAPI_HTTP_PAGE_H

#include "iotapi/http/request.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000, PAGE_BYTES = 32 << 20 };
/* One page of a list, {"count","next","previous","results"}; the results are written between page_begin and
 * page_end. Release with page_release. */
struct page {
	int64_t number; /* from 1; 0: the query has no good one */
	int64_t size;
	int64_t count; /* of all rows, the caller's to set before page_find */
	bool last;     /* page=last */
	bool more;     /* there is a next page; page_find says so by the count */
	struct buf key; /* the caller's: the last row's place in the list, for the link to the next page; n 0: none */
};
/* page and page_size of the query; wrong ones go to rq->errs. */
void page_read(struct request *rq, struct page *p);
/* Checks the number against the count (-1: answered 404). Not for a page that is asked for by a place in the list: that
 * one may have moved to another number. */
int page_find(struct request *rq, struct page *p);
/* Writes the beginning, up to "results":[. */
void page_begin(struct request *rq, struct page *p);
/* After each result: whether there may be more behind `results`. -1: answered, the page is longer than PAGE_BYTES, or there
 * is no room for it at this time. */
int page_room(struct request *rq, const struct buf *results);
/* The end, and status 200. */
void page_end(struct request *rq);
void page_release(struct page *p);

#endif
