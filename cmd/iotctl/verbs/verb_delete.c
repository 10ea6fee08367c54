/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE delete NAME...: all are found first, then asked about, then deleted. */
#include "iotctl/verbs/verb.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/confirm.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/referrers.h"
#include "iotctl/core/request.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/device_login.h"
#include "iotctl/mqtt/retained.h"

/* An object to delete, from its name to its end. */
struct deletion {
	const char *name; /* as it was asked for */
	struct lookup_found f;
	struct buf referrers;
	bool begun;
	struct err err;
};

/* A whole run. */
struct deleting {
	struct ctl *c;
	const struct schema_resource *r;
	struct deletion *v;
	size_t n;
	size_t failed;
	bool stopped;   /* nothing more is begun */
	struct err why; /* the first hopeless error */
};

/* Prints and counts a failure; main prints that of a single object. */
static void
take_failure(struct deleting *d, struct deletion *x)
{
	bool again = d->why.code != ERR_OK && strcmp(d->why.text, x->err.text) == 0;

	if (x->err.code == ERR_OK)
		return;
	d->failed++;
	if (d->n > 1 && !again)
		log_err(&x->err);
	if (d->why.code == ERR_OK && jobs_are_hopeless(&x->err))
		d->why = x->err;
}

static void
find_job(void *arg, size_t i)
{
	struct deleting *d = arg;
	struct deletion *x = &d->v[i];
	struct ctl *c = d->c;

	if (d->stopped)
		return;
	x->begun = true;
	if (lookup(c, d->r, x->name, &x->f, &x->err) == 0 && !c->args->common.quiet)
		referrers_list(c, d->r, x->f.id, &x->referrers, &x->err);
	d->stopped = d->stopped || jobs_are_hopeless(&x->err);
}

static int
ask(struct ctl *c, const struct schema_resource *r, const char *label, struct err *err)
{
	if (!c->args->yes && !tty_is_there())
		return err_set(err, ERR_USAGE,
		    _("will not delete %s '%s' without --yes: no terminal to ask on"),
		    r->name, label);
	return confirm_delete(c, r, label, err);
}

/* Nothing is under way while somebody thinks about the answer. Some backends delete what refers to
 * it without a word. */
static void
ask_all(struct deleting *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct deletion *x = &d->v[i];

		if (x->begun && x->err.code == ERR_OK && x->referrers.n != 0)
			log_warn(_("%s '%s' is used by %s"), d->r->name, x->f.label,
			    buf_str(&x->referrers));
		if (x->begun && x->err.code == ERR_OK && !d->c->args->dry_run)
			ask(d->c, d->r, x->f.label, &x->err);
		take_failure(d, x);
	}
}

static int
delete_it(struct deleting *d, struct deletion *x)
{
	struct ctl *c = d->c;
	char *path = ctl_object_path(d->r, x->f.id, NULL);
	char *doing = xasprintf(_("cannot delete %s '%s'"), d->r->name, x->name);
	int failed = 0;

	if (c->args->dry_run) {
		jobs_turn(c);
		write_show("DELETE", path, NULL);
	} else {
		failed =
		    ctl_call(c, doing, "DELETE", path, (struct span){0}, NULL, &x->err);
		jobs_turn(c);
		if (!failed)
			ctl_say_done(c, CTL_DELETED, d->r->name, x->f.label, x->f.id);
		if (!failed) {
			device_login_forget(c, d->r, buf_as_span(&x->f.bytes));
			retained_clear(c, d->r, buf_as_span(&x->f.bytes));
		}
	}
	free(doing);
	free(path);
	return failed;
}

static void
delete_job(void *arg, size_t i)
{
	struct deleting *d = arg;
	struct deletion *x = &d->v[i];

	x->begun = x->begun && !d->stopped && d->c->signo == 0;
	if (!x->begun || x->err.code != ERR_OK || delete_it(d, x) == 0)
		return;
	d->stopped = d->stopped || jobs_are_hopeless(&x->err);
	jobs_turn(d->c);
	take_failure(d, x);
}

static int
sum_up(const struct deleting *d, struct err *err)
{
	size_t begun = 0, i;

	for (i = 0; i < d->n; i++)
		begun += d->v[i].begun;
	if (d->c->signo != 0)
		return err_set(err, (enum err_code)(ERR_SIGNAL + d->c->signo),
		    _("stopped: %zu of %zu were not begun"), d->n - begun, d->n);
	if (d->failed == 0)
		return 0;
	if (d->n == 1)
		*err = d->v[0].err;
	else if (d->why.code != ERR_OK)
		*err = (struct err){.code = d->why.code};
	else
		err_set(err, ERR_FAILED, _("%zu of %zu failed"), d->failed, d->n);
	return -1;
}

static int
delete_all(struct deleting *d, struct err *err)
{
	struct ctl *c = d->c;

	if (jobs_run(c, c->args->jobs, d->n, find_job, d, err))
		return -1;
	ask_all(d);
	if (!d->stopped &&
	    ((d->n > 1 && jobs_catch_signals(c, err)) ||
		jobs_run(c, c->args->jobs, d->n, delete_job, d, err)))
		return -1;
	return sum_up(d, err);
}

int
verb_delete(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct deleting d = {.c = c, .r = r};
	struct request q;
	size_t i;
	int failed =
	    request_parse(c, r, in, false, &q, err) || verb_need_names(&q, "delete", err);

	d.v = xcalloc(q.names.n + 1, sizeof(*d.v));
	for (d.n = 0; !failed && d.n < q.names.n; d.n++)
		d.v[d.n].name = q.names.v[d.n];
	failed = failed || delete_all(&d, err);
	for (i = 0; i < d.n; i++) {
		lookup_release(&d.v[i].f);
		buf_release(&d.v[i].referrers);
	}
	free(d.v);
	request_release(&q);
	return failed ? -1 : 0;
}
