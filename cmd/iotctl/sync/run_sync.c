/* SPDX-License-Identifier: GPL-3.0-or-later */
/* broker sync NAME [DEVICE...]: the broker becomes what the platform says. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/acl/acl_file.h"
#include "iotctl/core/confirm.h"
#include "iotctl/run.h"
#include "iotctl/sync/sync.h"

/* How many that are there already are changed. */
static size_t
changed(const struct sync *s)
{
	size_t n = 0, i;

	for (i = 0; i < s->n; i++)
		n += s->v[i].there && (s->v[i].todo & (SYNC_PASSWORD | SYNC_RULES)) != 0;
	return n;
}

/* Ends connections, so it is asked for. */
static int
confirm_ends(struct sync *s, struct err *err)
{
	size_t n = sync_count(s, SYNC_REMOVE);
	size_t kicked = s->c->args->kick ? changed(s) : 0;
	char *question;
	int failed;

	if (n + kicked == 0 || s->c->args->yes)
		return 0;
	question = xasprintf(_("logins to remove: %zu, others to disconnect: %zu; their "
			       "kept sessions end with what is queued for them; go on? "
			       "[y/N]"),
	    n, kicked);
	failed = confirm(question, _("nothing was changed"), err);
	free(question);
	return failed;
}

static void
say_result(const struct sync *s)
{
	ctl_say(s->c,
	    _("broker '%s': logins made %zu, removed %zu, passwords set %zu, rules set "
	      "%zu"),
	    s->name, s->made, s->removed, s->given, s->ruled);
}

/* A device gets a new password by a rotation, a service from whoever runs it. */
static void
tell_unreachable(const struct sync *s)
{
	const bool takes_hashes =
	    !opt_lacks_needs(s->c->set, offsetof(struct args, hashes));

	if (s->unreachable != 0)
		log_warn(takes_hashes
			? _("logins whose password is not known here: %zu; 'iotctl "
			    "credential rotate' gives new ones, --hashes takes hashes")
			: _("logins whose password is not known here: %zu; 'iotctl "
			    "credential rotate' gives new ones"),
		    s->unreachable);
	if (s->unreachable_services != 0)
		log_warn(takes_hashes
			? _("logins of no device whose password is not known here: %zu; "
			    "make them by hand (%s), or --hashes takes hashes")
			: _("logins of no device whose password is not known here: %zu; "
			    "make them by hand (%s)"),
		    s->unreachable_services, s->driver->by_hand);
}

static void
tell(const struct sync *s)
{
	acl_file_tell(s->loss);
	tell_unreachable(s);
	if (s->strangers != 0 && !s->c->args->prune)
		log_warn(_("logins that the platform does not know: %zu; --prune "
			   "removes them"),
		    s->strangers);
}

/* What is left over was told. */
static int
end_of(const struct sync *s, bool left, struct err *err)
{
	if (s->failed != 0)
		return err_set(err, ERR_FAILED,
		    _("broker '%s': what could not be done: %zu"), s->name, s->failed);
	if (left || s->unreachable + s->unreachable_services != 0) {
		err->code = ERR_FAILED;
		return -1;
	}
	return 0;
}

/* A platform of which we are shown a part makes strangers of all others. */
static int
check_share(const struct sync *s, struct err *err)
{
	size_t held = 0, i;

	if (!s->c->args->prune || s->c->args->prune_most)
		return 0;
	for (i = 0; i < s->n; i++)
		held += (s->v[i].there || s->v[i].rules_there != NULL) && !s->v[i].kept;
	if (s->strangers <= held / 2)
		return 0;
	return err_set(err, ERR_FAILED,
	    P_("--prune: %zu of the broker's %zu login would go, more than half: does "
	       "the API show us all devices? --prune-most removes it",
		"--prune: %zu of the broker's %zu logins would go, more than half: does "
		"the API show us all devices? --prune-most removes them",
		held),
	    s->strangers, held);
}

static int
sync_all(struct sync *s, struct err *err)
{
	size_t todo;
	int failed, uncorrected;

	if (s->driver->read(s, err))
		return -1;
	todo = sync_plan(s, err);
	if (s->c->args->dry_run || !s->c->args->common.quiet)
		sync_show(s);
	tell(s);
	if (check_share(s, err))
		return -1;
	if (s->c->args->dry_run)
		return end_of(s, todo != 0, err);
	if (confirm_ends(s, err))
		return -1;
	progress_start(&s->progress, todo, s->c->args->common.quiet);
	failed = s->driver->apply(s, err);
	progress_hide(&s->progress);
	if (!failed)
		say_result(s);
	/* Also of those who are removed when not all could be done. */
	uncorrected = sync_correct(s);
	if (failed)
		return -1;
	if (s->c->args->verify && sync_verify(s, err))
		return -1;
	return end_of(s, uncorrected != 0, err);
}

static int
check_usage(const struct ctl *c, const struct operands *in, struct err *err)
{
	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("broker sync NAME [DEVICE...]"));
	if (sync_driver(c) == NULL)
		return err_set(err, ERR_USAGE,
		    _("--driver says what the broker is: files, dynsec (mosquitto) or "
		      "emqx"));
	if (c->args->prune && in->n > 1)
		return err_set(err, ERR_USAGE,
		    _("--prune is for all devices, not for some of them"));
	return 0;
}

int
run_broker_sync(struct ctl *c, const struct operands *in, struct err *err)
{
	struct sync s = {.c = c};
	struct strv devices = {0};
	int failed;

	c->args->prune |= c->args->prune_most;
	if (check_usage(c, in, err) || ctl_operands(c, in, 1, &devices, err))
		return -1;
	failed = sync_begin(&s, err) || sync_want(&s, in->v[0], &devices, err) ||
	    sync_all(&s, err);
	sync_end(&s);
	strv_release(&devices);
	return failed ? -1 : 0;
}
