/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/ctl_call.h"

#include <string.h>

#include "base/log.h"
#include "rest/rest_error.h"
#include "iotctl/core/jobs.h"

/* One line for each of the server's reasons; other errors need no context. */
static int
print_reasons(const struct ctl *c, const char *doing, const struct rest_reply *reply,
    struct err *err)
{
	struct buf lines = {0};
	char *line, *end;

	if (reply->status < 400 || reply->status >= 500 || reply->status == 401)
		return -1;
	rest_error_explain(reply->status, buf_as_span(&reply->body), &lines);
	if (c->join_reasons || strchr(buf_str(&lines), '\n') == NULL) {
		buf_release(&lines);
		return err_in(err, "%s", doing);
	}
	jobs_turn(c);
	for (line = buf_str(&lines); (end = strchr(line, '\n')) != NULL; line = end + 1)
		log_error("%s: %.*s", doing, (int)(end - line), line);
	err_set(err, err->code, "%s: %s", doing, line);
	buf_release(&lines);
	return -1;
}

int
ctl_call(struct ctl *c, const char *doing, const char *method, const char *path,
    struct span body, struct rest_reply *reply, struct err *err)
{
	struct rest_reply own = {0};
	int failed;

	if (ctl_api(c, err))
		return -1;
	failed = rest_call(c->api, method, path, body, &own, err);
	if (failed && doing != NULL)
		print_reasons(c, doing, &own, err);
	if (failed || reply == NULL)
		rest_reply_release(&own);
	else
		*reply = own;
	return failed;
}
