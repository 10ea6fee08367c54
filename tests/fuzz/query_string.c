/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte chooses the resource, the rest is the query string of its list: answered 200, 400 or 404, in JSON, and never an
 * error of the database. */
#include "iotapi/api/query.h"

#include "base/json.h"
#include "base/mem.h"
#include "tests/fuzz/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request rq = {.app = &api_app, .db = api_database(), .method = "GET"};
	struct err err = {0};
	struct span value;
	char *target;

	if (size == 0)
		return 0;
	rq.resource = api_resource(data[0]);
	target = xasprintf(
	    "%s?%.*s", rq.resource->path, (int)(size - 1), (const char *)data + 1);
	if (request_target(&rq, target) == 0) {
		query_list(&rq, &err);
		api_require(err.code == ERR_OK, err.text);
		api_require(
		    rq.status == 200 || rq.status == 400 || rq.status == 404, "a status");
		api_require(json_check(buf_as_span(&rq.out), &value, NULL), "no JSON");
	}
	request_release(&rq);
	free(target);
	return 0;
}
