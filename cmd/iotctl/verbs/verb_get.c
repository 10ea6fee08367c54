/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE get NAME... */
#include "iotctl/verbs/verb.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/ctl_call.h"
#include "iotctl/output/show.h"

int
verb_need_names(const struct request *q, const char *verb, struct err *err)
{
	if (q->n != 0)
		return err_set(err, ERR_USAGE,
		    _("'%s' takes names, no FIELD; to find %s by a field "
		      "use '%s list'"),
		    verb, q->r->name, q->r->name);
	if (!q->named)
		return err_set(err, ERR_USAGE, _("which %s? '%s %s NAME...'"), q->r->name,
		    q->r->name, verb);
	return 0;
}

static int
get_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	struct show *s = arg;
	struct lookup_found f;
	struct rest_reply reply = {0};
	struct span object;
	char *path, *doing;
	int failed;

	if (lookup(c, s->r, name, &f, err))
		return -1;
	path = ctl_object_path(s->r, f.id, NULL);
	doing = xasprintf(_("cannot get %s '%s'"), s->r->name, name);
	failed = ctl_call(c, doing, "GET", path, (struct span){0}, &reply, err);
	if (!failed && (failed = ctl_object(&reply, path, &object, err)) == 0) {
		jobs_turn(c);
		show_object(s, object);
	}
	rest_reply_release(&reply);
	free(doing);
	free(path);
	lookup_release(&f);
	return failed;
}

int
verb_get(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	struct show s;
	int failed =
	    request_parse(c, r, in, false, &q, err) || verb_need_names(&q, "get", err);
	bool many = q.names.n != 1 || strcmp(in->v[0], "-") == 0;

	if (!failed && (failed = show_start(&s, c, r, many, err)) == 0) {
		failed = jobs_each(c, c->args->jobs, &q.names, get_one, &s, err);
		show_end(&s, s.count != 0 || q.names.n == 0);
	}
	request_release(&q);
	return failed ? -1 : 0;
}
