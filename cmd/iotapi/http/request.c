/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/request.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "iotapi/http/json_out.h"

/* NULL for a bad escape, a NUL, or what is no UTF-8. */
static char *
decode(const char *s, size_t n, bool plus_is_blank)
{
	char *text = xstrndup(s, n), *p;

	for (p = text; plus_is_blank && *p != '\0'; p++) {
		if (*p == '+')
			*p = ' ';
	}
	if (text_percent_decode(text) && utf8_is_valid(text, strlen(text)))
		return text;
	free(text);
	return NULL;
}

static int
add_arg(struct request *rq, const char *pair, size_t n)
{
	const char *eq = memchr(pair, '=', n);
	size_t name = eq != NULL ? (size_t)(eq - pair) : n;
	struct query_arg a;

	if (n == 0)
		return 0;
	a.name = decode(pair, name, true);
	a.value = eq != NULL ? decode(eq + 1, n - name - 1, true) : xstrdup("");
	if (a.name == NULL || a.value == NULL) {
		free(a.name);
		free(a.value);
		return -1;
	}
	rq->args = xreallocarray(rq->args, rq->arg_count + 1, sizeof(a));
	rq->args[rq->arg_count++] = a;
	return 0;
}

static int
parse_query(struct request *rq, const char *query)
{
	while (*query != '\0') {
		size_t n = strcspn(query, "&");

		if (add_arg(rq, query, n))
			return -1;
		query += n + (query[n] == '&');
	}
	return 0;
}

/* A missing final slash is put in: it costs nobody anything. */
int
request_target(struct request *rq, const char *target)
{
	size_t n = strcspn(target, "?#");
	char *path = target[0] == '/' ? decode(target, n, false) : NULL;
	size_t len = path != NULL ? strlen(path) : 0;

	if (path == NULL || strstr(path, "/../") != NULL) {
		free(path);
		return -1;
	}
	rq->path = xasprintf("%s%s", path, path[len - 1] == '/' ? "" : "/");
	free(path);
	return target[n] == '?' ? parse_query(rq, target + n + 1) : 0;
}

const char *
request_arg(const struct request *rq, const char *name)
{
	size_t i;

	for (i = 0; i < rq->arg_count; i++) {
		if (strcmp(rq->args[i].name, name) == 0)
			return rq->args[i].value;
	}
	return NULL;
}

void
request_release(struct request *rq)
{
	size_t i;

	for (i = 0; i < rq->arg_count; i++) {
		free(rq->args[i].name);
		free(rq->args[i].value);
	}
	free(rq->args);
	free(rq->path);
	free(rq->host);
	mem_free_secret(rq->authorization);
	free(rq->content_type);
	if (rq->body.p != NULL)
		explicit_bzero(rq->body.p, rq->body.n);
	buf_release(&rq->body);
	json_decref(rq->json);
	json_decref(rq->values);
	field_errs_release(&rq->errs);
	buf_release(&rq->out);
	free(rq->location);
}
