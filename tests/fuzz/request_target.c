/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is taken as a request target has a path from slash to slash without "..", a host, and arguments of UTF-8. */
#include "iotapi/http/request.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "tests/fuzz/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *target = xstrndup((const char *)data, size);
	struct request rq = {.app = &api_app};
	size_t i;

	if (request_target(&rq, target) == 0) {
		size_t n = strlen(rq.path);

		api_require(rq.path[0] == '/' && rq.path[n - 1] == '/', "no path");
		api_require(strstr(rq.path, "/../") == NULL, "it leads up");
		api_require(utf8_is_valid(rq.path, n), "no UTF-8");
		api_require(rq.host == NULL || request_is_host(rq.host), "no host");
		api_require(rq.arg_count <= REQUEST_ARGS_MOST, "many arguments");
		for (i = 0; i < rq.arg_count; i++) {
			const struct query_arg *a = &rq.args[i];

			api_require(utf8_is_valid(a->name, strlen(a->name)) &&
				utf8_is_valid(a->value, strlen(a->value)),
			    "an argument is no UTF-8");
		}
	}
	request_release(&rq);
	free(target);
	return 0;
}
