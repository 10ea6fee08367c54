/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/page.h"

#include "base/json.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "rest/rest_url.h"
#include "iotapi/http/answer.h"

void
page_read(struct request *rq, struct page *p)
{
	const char *size = request_arg(rq, "page_size");
	const char *number = request_arg(rq, "page");
	int64_t v;

	*p = (struct page){.number = 1, .size = PAGE_DEFAULT};
	if (size != NULL) {
		if (text_int(size, 1, PAGE_MOST, "page_size", &v, NULL))
			field_errs_add(&rq->errs, "page_size",
			    "A whole number from 1 to %d is required.", PAGE_MOST);
		else
			p->size = v;
	}
	if (number == NULL)
		return;
	p->last = strcmp(number, "last") == 0;
	/* 0 is no page: page_begin says so. */
	p->number = text_int(number, 1, INT32_MAX, "page", &v, NULL) ? 0 : v;
}

/* The key stands beside the number, so that rows before it are not read again to be passed over. */
static void
put_link(struct request *rq, int64_t number, const struct buf *key)
{
	struct buf link = {0};
	const char *sep = "?";
	size_t i;

	buf_printf(&link, "http://%s%s", rq->host != NULL ? rq->host : "", rq->path);
	if (number > 1) {
		buf_printf(&link, "?page=%lld", (long long)number);
		sep = "&";
	}
	if (key != NULL && key->n != 0) {
		buf_printf(&link, "%safter=", sep);
		rest_url_escape(&link, buf_as_span(key));
	}
	for (i = 0; i < rq->arg_count; i++) {
		if (strcmp(rq->args[i].name, "page") == 0 ||
		    strcmp(rq->args[i].name, "after") == 0)
			continue;
		buf_puts(&link, sep);
		rest_url_escape(&link, span_of(rq->args[i].name));
		buf_putc(&link, '=');
		rest_url_escape(&link, span_of(rq->args[i].value));
		sep = "&";
	}
	json_put_string(&rq->out, buf_as_span(&link));
	buf_release(&link);
}

int
page_find(struct request *rq, struct page *p)
{
	int64_t pages = p->count > 0 ? (p->count + p->size - 1) / p->size : 1;

	if (p->last)
		p->number = pages;
	if (p->number < 1 || p->number > pages)
		return answer_detail(rq, 404, NULL, "Invalid page.");
	p->more = p->number < pages;
	return 0;
}

void
page_begin(struct request *rq, struct page *p)
{
	buf_printf(&rq->out, "{\"count\":%lld,\"next\":", (long long)p->count);
	if (p->more)
		put_link(rq, p->number + 1, &p->key);
	else
		buf_puts(&rq->out, "null");
	buf_puts(&rq->out, ",\"previous\":");
	if (p->number > 1)
		put_link(rq, p->number - 1, NULL);
	else
		buf_puts(&rq->out, "null");
	buf_puts(&rq->out, ",\"results\":[");
}

int
page_room(struct request *rq, const struct buf *results)
{
	if (results->n <= PAGE_BYTES)
		return request_may_hold(rq, rq->body.n + results->n) ? 0 : -1;
	return answer_detail(rq, 400, "too_large",
	    "This page is longer than %d MiB: ask for a smaller page_size.",
	    PAGE_BYTES >> 20);
}

void
page_end(struct request *rq)
{
	buf_puts(&rq->out, "]}");
	rq->status = 200;
}

void
page_release(struct page *p)
{
	buf_release(&p->key);
}
