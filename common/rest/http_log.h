/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_HTTP_LOG_H
#define REST_HTTP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/*
 * One line on standard error for each HTTP request, for --verbose twice:
 *
 *	http > GET /api/readings/7/ status=200 ms=12 bytes=3456
 *
 * ">" was asked by us, "<" of us. There is never a header or a body in it, and of the query only the values that page
 * through a list: others may be secrets.
 */
struct http_log_request {
	bool served;
	const char *method; /* NULL: it did not come so far */
	const char *target; /* as on the wire */
	unsigned status;    /* 0: no answer */
	int64_t ms;
	size_t bytes; /* of the answer's body */
};

static inline bool
http_log_is_on(void)
{
	return log_level() >= LOG_DEBUG;
}

/* Nothing while none is shown. Thread-safe. */
void http_log(const struct http_log_request *r);

#endif
