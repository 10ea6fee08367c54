/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE get NAME... and RESOURCE delete NAME... */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cell.h"
#include "hang.h"
#include "lookup.h"
#include "request.h"
#include "retained.h"
#include "show.h"
#include "tty.h"
#include "verbs.h"

static int
need_names(const struct request *q, const char *verb, struct err *err)
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
	struct found f;
	struct api_reply reply = {0};
	struct span object;
	char *id, *path, *doing;
	int failed;

	if (lookup(c, s->r, name, &f, err))
		return -1;
	id = xasprintf("%" JSON_INTEGER_FORMAT, f.id);
	path = ctl_path(s->r, id, NULL);
	doing = xasprintf("cannot get %s '%s'", s->r->name, name);
	failed = ctl_call(c, doing, "GET", path, (struct span){0}, &reply, err);
	if (!failed && !json_check(buf_as_span(&reply.body), &object, NULL))
		failed = err_set(
		    err, ERR_PROTOCOL, _("the API's answer to '%s' is no JSON"), path);
	if (!failed)
		show_object(s, object);
	api_reply_release(&reply);
	free(doing);
	free(path);
	free(id);
	found_release(&f);
	return failed;
}

int
verb_get(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	struct show s;
	int failed =
	    request_parse(c, r, in, false, &q, err) || need_names(&q, "get", err);
	bool many = q.names.n != 1 || strcmp(in->v[0], "-") == 0;

	if (!failed && (failed = show_start(&s, c, r, many, err)) == 0) {
		failed = ctl_each(c, &q.names, get_one, &s, err);
		show_end(&s, s.count != 0);
	}
	request_release(&q);
	return failed ? -1 : 0;
}

static int
confirm(
    struct ctl *c, const struct schema_resource *r, const char *label, struct err *err)
{
	char *question, *answer = NULL;
	int failed;

	if (c->args->yes)
		return 0;
	if (!tty_is_there())
		return err_set(err, ERR_USAGE,
		    _("will not delete %s '%s' without --yes: no terminal to ask on"),
		    r->name, label);
	question = xasprintf(_("delete %s '%s'? [y/N]"), r->name, label);
	failed = tty_ask(question, false, &answer, err);
	if (!failed && strchr("yYsS", answer[0]) == NULL)
		failed = err_set(err, ERR_FAILED, _("%s '%s' was kept"), r->name, label);
	else if (!failed && answer[0] == '\0')
		failed = err_set(err, ERR_FAILED, _("%s '%s' was kept"), r->name, label);
	free(answer);
	free(question);
	return failed;
}

/* Some backends delete what hangs on it without a word. */
static int
tell_hanging(struct ctl *c, const struct schema_resource *r, const struct found *f,
    struct err *err)
{
	struct buf others = {0};
	int failed = 0;

	if (!c->args->common.quiet)
		failed = hang_list(c, r, f->id, &others, err);
	if (!failed && others.n != 0)
		log_warn(_("%s '%s' is used by %s"), r->name, f->label, buf_str(&others));
	buf_release(&others);
	return failed;
}

/* Others would go on seeing it. */
static void
clear_status(struct ctl *c, const struct schema_resource *r, const struct found *f)
{
	struct buf id = {0};

	if (strcmp(r->name, "device") == 0 &&
	    cell_member(buf_as_span(&f->bytes), "identificador_unico", &id))
		retained_clear(c, buf_str(&id));
	buf_release(&id);
}

static int
delete_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	const struct schema_resource *r = arg;
	struct found f;
	char *id, *path, *doing;
	int failed;

	if (lookup(c, r, name, &f, err))
		return -1;
	id = xasprintf("%" JSON_INTEGER_FORMAT, f.id);
	path = ctl_path(r, id, NULL);
	doing = xasprintf("cannot delete %s '%s'", r->name, name);
	failed = 0;
	if (c->args->dry_run) {
		say_request("DELETE", path, NULL);
	} else {
		failed = tell_hanging(c, r, &f, err) || confirm(c, r, f.label, err) ||
		    ctl_call(c, doing, "DELETE", path, (struct span){0}, NULL, err);
		if (!failed) {
			ctl_say(
			    c, "%s %s '%s' (id %s)", _("deleted"), r->name, f.label, id);
			clear_status(c, r, &f);
		}
	}
	free(doing);
	free(path);
	free(id);
	found_release(&f);
	return failed ? -1 : 0;
}

int
verb_delete(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	int failed = request_parse(c, r, in, false, &q, err) ||
	    need_names(&q, "delete", err) ||
	    ctl_each(c, &q.names, delete_one, (void *)(uintptr_t)r, err);

	request_release(&q);
	return failed ? -1 : 0;
}
