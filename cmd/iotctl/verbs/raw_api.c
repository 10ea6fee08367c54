/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api METHOD PATH: any request, the answer as it came. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/request.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

enum { BODY_MAX = 64 << 20 };

static char *
method_of(const char *word, struct err *err)
{
	static const char *const known[] = {
	    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL};
	char *method = xstrdup(word);
	size_t i;

	for (i = 0; method[i] != '\0'; i++)
		method[i] = (char)toupper((unsigned char)method[i]);
	for (i = 0; known[i] != NULL; i++) {
		if (strcmp(known[i], method) == 0)
			return method;
	}
	free(method);
	err_set(err, ERR_USAGE, _("'%s' is no method such as GET, POST, PATCH or DELETE"),
	    word);
	return NULL;
}

/* "mqtt/brokers" is short for "/api/mqtt/brokers/". */
static char *
path_of(const char *word)
{
	if (word[0] == '/')
		return xstrdup(word);
	if (strncmp(word, "api/", 4) == 0)
		return xasprintf("/%s", word);
	return xasprintf("/api/%s", word);
}

/* Without a schema FIELD=TEXT is a string and FIELD:=JSON anything else. */
static json_t *
raw_value(struct ctl *c, const struct field_word *w, struct err *err)
{
	struct buf text = {0};
	json_t *value;

	if (w->op == FIELD_TEXT)
		return json_string(w->value);
	if (w->op == FIELD_JSON)
		return json_loads(
		    w->value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (w->op != FIELD_FILE ||
	    (strcmp(w->value, "-") == 0 && ctl_claim_stdin(c, _("a field"), err)) ||
	    file_read(w->value, BODY_MAX, &text, err))
		return NULL;
	if (text.n != 0 && text.p[text.n - 1] == '\n')
		text.n--;
	value = json_stringn(buf_as_span(&text).p, text.n);
	buf_release(&text);
	return value;
}

static int
take_field(struct ctl *c, char *word, json_t *body, struct err *err)
{
	struct field_word w = field_split(word);
	json_t *value = NULL;
	char *name;

	if (w.op == FIELD_NONE || w.op == FIELD_ADD || w.op == FIELD_DROP)
		return err_set(err, ERR_USAGE,
		    _("'%s' is no FIELD=TEXT, FIELD:=JSON or FIELD@FILE"), word);
	value = raw_value(c, &w, err);
	if (value == NULL)
		return err->code != ERR_OK
		    ? -1
		    : err_set(err, ERR_USAGE, _("what '%.*s' is given is no JSON"),
			  (int)w.name.n, w.name.p);
	name = xstrndup(w.name.p, w.name.n);
	json_object_set_new(body, name, value);
	free(name);
	return 0;
}

/* Fields of a GET are its query. */
static void
put_query(struct buf *path, json_t *fields)
{
	const char *key;
	json_t *value;

	json_object_foreach (fields, key, value) {
		struct buf text = {0};

		if (json_is_string(value))
			buf_puts(&text, json_string_value(value));
		else
			request_put_body(&text, value, NULL);
		buf_putc(path, memchr(path->p, '?', path->n) != NULL ? '&' : '?');
		rest_url_escape(path, span_of(key));
		buf_putc(path, '=');
		rest_url_escape(path, buf_as_span(&text));
		buf_release(&text);
	}
}

static int
check_body(struct buf *body, struct err *err)
{
	struct span value;
	size_t at;

	if (json_check(buf_as_span(body), &value, &at))
		return 0;
	return err_set(
	    err, ERR_USAGE, _("the body is no JSON: wrong at byte %zu"), at + 1);
}

/* The body: JSON as it stands, from stdin, or made of fields. */
static int
take_body(struct ctl *c, const struct operands *in, bool query, struct buf *path,
    struct buf *body, struct err *err)
{
	json_t *fields;
	int failed = 0;
	size_t i;

	if (in->n == 1 && strcmp(in->v[0], "-") == 0)
		return ctl_claim_stdin(c, _("the body"), err) ||
			file_read("-", BODY_MAX, body, err) || check_body(body, err)
		    ? -1
		    : 0;
	if (in->n == 1 && strchr("{[", in->v[0][0]) != NULL) {
		buf_puts(body, in->v[0]);
		return check_body(body, err);
	}
	fields = json_object();
	for (i = 0; i < in->n && !failed; i++)
		failed = take_field(c, in->v[i], fields, err);
	if (!failed && query)
		put_query(path, fields);
	else if (!failed && in->n != 0)
		request_put_body(body, fields, NULL);
	json_decref(fields);
	return failed;
}

int
run_api(struct ctl *c, const struct operands *in, struct err *err)
{
	struct operands rest = {in->v + 2, in->n > 2 ? in->n - 2 : 0, 0};
	struct rest_reply reply = {0};
	struct buf path = {0}, body = {0};
	char *method, *text, *doing;
	int failed;

	if (in->n < 2)
		return err_set(
		    err, ERR_USAGE, _("api METHOD PATH, such as: api GET mqtt/brokers"));
	method = method_of(in->v[0], err);
	if (method == NULL)
		return -1;
	text = path_of(in->v[1]);
	buf_puts(&path, text);
	doing = xasprintf("%s %s", method, text);
	failed = take_body(c, &rest, strcmp(method, "GET") == 0, &path, &body, err);
	if (!failed && c->args->dry_run && strcmp(method, "GET") != 0)
		write_show(method, buf_str(&path), body.n != 0 ? buf_str(&body) : NULL);
	else if (!failed)
		failed = ctl_call(c, doing, method, buf_str(&path),
		    body.n != 0 ? buf_as_span(&body) : (struct span){0}, &reply, err);
	if (!failed)
		show_raw(buf_as_span(&reply.body));
	rest_reply_release(&reply);
	buf_release(&body);
	buf_release(&path);
	free(doing);
	free(text);
	free(method);
	return failed;
}
