/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/visible.h"
#include "model/field_errs.h"

int
ctl_loop(struct ctl *c, struct err *err)
{
	if (c->loop == NULL)
		c->loop = loop_new(err);
	return c->loop != NULL ? 0 : -1;
}

int
ctl_api(struct ctl *c, struct err *err)
{
	struct rest_opts o;

	if (c->api != NULL)
		return 0;
	if (ctl_loop(c, err) ||
	    rest_options_resolve(&c->args->api, c->args->common.context, &o, err))
		return -1;
	c->api = rest_new(c->loop, &o, err);
	return c->api != NULL ? 0 : -1;
}

void
ctl_release(struct ctl *c)
{
	rest_free(c->api);
	loop_free(c->loop);
	*c = (struct ctl){0};
}

int
ctl_no_resource(const struct ctl *c, const struct schema_resource *r, struct err *err)
{
	if (err->code == ERR_NOT_FOUND)
		err_set(err, ERR_NOT_FOUND,
		    _("the API at '%s' has no %s: '%s' is not there"), rest_base(c->api),
		    r->name, r->path);
	return -1;
}

int
ctl_field_errs(const struct field_errs *errs, struct err *err)
{
	struct buf text = {0};
	size_t i;

	for (i = 0; i < errs->n; i++) {
		buf_clear(&text);
		field_errs_put(&errs->v[i], &text);
		if (i + 1 < errs->n)
			log_error("%s", buf_str(&text));
		else
			err_set(err, ERR_USAGE, "%s", buf_str(&text));
	}
	buf_release(&text);
	return errs->n != 0 ? -1 : 0;
}

char *
ctl_object_path(const struct schema_resource *r, json_int_t id, const char *action)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, id);
	return ctl_path(r, digits, action);
}

char *
ctl_path(const struct schema_resource *r, const char *id, const char *action)
{
	if (action == NULL)
		return xasprintf("%s%s/", r->path, id);
	return xasprintf("%s%s/%s/", r->path, id, action);
}

int
ctl_object(const struct rest_reply *reply, const char *path, struct span *object,
    struct err *err)
{
	if (json_check(buf_as_span(&reply->body), object, NULL) &&
	    json_kind(*object) == JSON_KIND_OBJECT)
		return 0;
	return err_set(
	    err, ERR_PROTOCOL, _("the API's answer to '%s' is no JSON object"), path);
}

int
ctl_claim_stdin(struct ctl *c, const char *what, struct err *err)
{
	if (c->stdin_used)
		return err_set(err, ERR_USAGE,
		    _("%s cannot be read from standard input: something else is"), what);
	c->stdin_used = true;
	return 0;
}

int
ctl_names(struct ctl *c, struct strv *names, struct err *err)
{
	struct strv out = {0};
	size_t i;
	int failed = 0;

	for (i = 0; i < names->n && !failed; i++) {
		if (strcmp(names->v[i], "-") != 0)
			strv_add(&out, names->v[i]);
		else
			failed = ctl_claim_stdin(c, _("names"), err) ||
			    file_names(stdin, "-", &out, err);
	}
	strv_release(names);
	*names = out;
	return failed ? -1 : 0;
}

int
ctl_operands(struct ctl *c, const struct operands *in, size_t first, struct strv *names,
    struct err *err)
{
	size_t i;

	for (i = first; i < in->n; i++)
		strv_add(names, in->v[i]);
	return ctl_names(c, names, err);
}

void
ctl_say(const struct ctl *c, const char *fmt, ...)
{
	struct buf text = {0}, shown = {0};
	va_list ap;

	if (c->args->common.quiet)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	visible_put(&shown, buf_as_span(&text));
	puts(buf_str(&shown));
	buf_release(&text);
	buf_release(&shown);
}

/* Each a sentence of its own: what agrees with what differs between languages. */
void
ctl_say_done(const struct ctl *c, enum ctl_done done, const char *resource,
    const char *label, json_int_t id)
{
	const long long n = id;

	switch (done) {
	case CTL_CREATED:
		ctl_say(c, _("created %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_CHANGED:
		ctl_say(c, _("changed %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_UNCHANGED:
		ctl_say(c, _("unchanged %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_DELETED:
		ctl_say(c, _("deleted %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_ASSIGNED:
		ctl_say(c, _("assigned %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_UNASSIGNED:
		ctl_say(c, _("unassigned %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_ACTIVATED:
		ctl_say(c, _("activated %s '%s' (id %lld)"), resource, label, n);
		break;
	case CTL_DEACTIVATED:
		ctl_say(c, _("deactivated %s '%s' (id %lld)"), resource, label, n);
		break;
	}
}
