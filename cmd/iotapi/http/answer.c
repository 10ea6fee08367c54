/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/answer.h"

#include <stdarg.h>

#include "base/json.h"
#include "iotapi/http/json_out.h"

static void __attribute__((format(printf, 4, 0))) begin_answer(
    struct request *rq, unsigned status, const char *key, const char *fmt, va_list ap)
{
	struct buf text = {0};

	buf_vprintf(&text, fmt, ap);
	rq->status = status;
	buf_clear(&rq->out);
	buf_putc(&rq->out, '{');
	json_out_key(&rq->out, key);
	json_put_string(&rq->out, buf_as_span(&text));
	buf_release(&text);
}

int
answer_detail(struct request *rq, unsigned status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin_answer(rq, status, "detail", fmt, ap);
	va_end(ap);
	if (code != NULL) {
		json_out_key(&rq->out, "code");
		json_out_string(&rq->out, code);
	}
	buf_putc(&rq->out, '}');
	return -1;
}

int
answer_text(struct request *rq, unsigned status, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin_answer(rq, status, key, fmt, ap);
	va_end(ap);
	buf_putc(&rq->out, '}');
	return -1;
}

int
answer_not_found(struct request *rq)
{
	return answer_detail(rq, 404, NULL, "Not found.");
}

static bool
is_repeated(const struct field_errs *errs, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++) {
		if (strcmp(errs->v[j].field, errs->v[i].field) == 0)
			return true;
	}
	return false;
}

void
answer_put_errs(struct buf *out, const struct field_errs *errs)
{
	size_t i, j;

	buf_putc(out, '{');
	for (i = 0; i < errs->n; i++) {
		if (is_repeated(errs, i))
			continue;
		json_out_key(out, errs->v[i].field);
		buf_putc(out, '[');
		for (j = i; j < errs->n; j++) {
			if (strcmp(errs->v[j].field, errs->v[i].field) != 0)
				continue;
			json_out_comma(out);
			json_out_string(out, errs->v[j].text);
		}
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
}

int
answer_errs(struct request *rq)
{
	rq->status = 400;
	buf_clear(&rq->out);
	answer_put_errs(&rq->out, &rq->errs);
	return -1;
}
