/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_HTTP_ANSWER_H
#define IOTAPI_HTTP_ANSWER_H

#include "iotapi/http/request.h"

/* Answers. All replace what was answered before and return -1, so that a handler can end with them and have
 * undone what it wrote. */

/* {"detail":"text"}, with a "code" unless it is NULL. */
int answer_detail(struct request *rq, unsigned status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* {"KEY":"text"} */
int answer_text(struct request *rq, unsigned status, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* 400 with rq->errs, field -> array of texts. */
int answer_errs(struct request *rq);
int answer_not_found(struct request *rq);
/* Field errors as a JSON object. */
void answer_put_errs(struct buf *out, const struct field_errs *errs);

#endif
