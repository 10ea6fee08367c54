/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/request.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "iotapi/http/answer.h"

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
	if (rq->arg_count == REQUEST_ARGS_MOST)
		return -1;
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

bool
request_is_host(const char *s)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
	const bool v6 = s[0] == '[';
	size_t n =
	    v6 ? 1 + strspn(s + 1, "0123456789abcdefABCDEF:.") : strspn(s, letters);

	if (n <= v6 || (v6 && s[n++] != ']'))
		return false;
	if (s[n] == ':')
		n += 1 + strspn(s + n + 1, "0123456789");
	return s[n] == '\0';
}

static bool
is_visible(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '#')
			return false;
	}
	return true;
}

/* The host of an absolute target counts, whatever the header Host says (RFC 9112, 3.2.2). Returns what is behind it;
 * NULL: it is none. */
static const char *
take_host(struct request *rq, const char *target)
{
	static const char scheme[] = "http://";
	size_t n;

	if (strncasecmp(target, scheme, sizeof(scheme) - 1) != 0)
		return target[0] == '/' ? target : NULL;
	target += sizeof(scheme) - 1;
	n = strcspn(target, "/?");
	free(rq->host);
	rq->host = xstrndup(target, n);
	return request_is_host(rq->host) ? target + n : NULL;
}

/* A missing final slash is put in: it costs nobody anything. */
int
request_target(struct request *rq, const char *target)
{
	const char *rest = is_visible(target) ? take_host(rq, target) : NULL;
	size_t n = rest != NULL ? strcspn(rest, "?") : 0;
	char *path = rest != NULL ? decode(rest, n, false) : NULL;
	size_t len = path != NULL ? strlen(path) : 0;

	if (path == NULL)
		return -1;
	rq->path = xasprintf("%s%s", path, len != 0 && path[len - 1] == '/' ? "" : "/");
	free(path);
	if (strstr(rq->path, "/../") != NULL)
		return -1;
	return rest[n] == '?' ? parse_query(rq, rest + n + 1) : 0;
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

bool
request_may_hold(struct request *rq, size_t bytes)
{
	const size_t all = (bytes + REQUEST_SHORT - 1) / REQUEST_SHORT * REQUEST_SHORT;
	const size_t more = all > rq->held ? all - rq->held : 0;

	if (bytes <= REQUEST_SHORT || more == 0)
		return true;
	if (atomic_fetch_add(&rq->app->held, more) + more <= REQUEST_HELD_MOST) {
		rq->held += more;
		return true;
	}
	atomic_fetch_sub(&rq->app->held, more);
	rq->retry_after = 1;
	free(rq->location);
	rq->location = NULL;
	buf_release(&rq->out);
	answer_detail(rq, 503, NULL,
	    "Too many long requests and answers are on their way: come again later.");
	return false;
}

void
request_drop_body(struct request *rq)
{
	if (rq->body.p != NULL)
		explicit_bzero(rq->body.p, rq->body.n);
	buf_release(&rq->body);
	atomic_fetch_sub(&rq->app->held, rq->held);
	rq->held = 0;
}

void
request_begin_again(struct request *rq)
{
	json_decref(rq->json);
	rq->json = NULL;
	buf_clear(&rq->out);
	rq->status = 0;
	rq->must_hash = false;
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
	request_drop_body(rq);
	json_decref(rq->json);
	json_decref(rq->values);
	free(rq->hash);
	field_errs_release(&rq->errs);
	buf_release(&rq->out);
	free(rq->location);
}
