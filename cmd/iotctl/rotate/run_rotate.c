/* SPDX-License-Identifier: GPL-3.0-or-later */
/* credential rotate: new passwords, at the API alone or over a broker; credential pending. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/confirm.h"
#include "iotctl/login/rotate.h"
#include "iotctl/output/report.h"
#include "iotctl/rotate/witness.h"
#include "iotctl/run.h"

static int
check_usage(const struct ctl *c, const struct strv *names, struct err *err)
{
	const struct sync_driver *driver = sync_driver(c);

	if (names->n == 0 && !c->args->all)
		return err_set(
		    err, ERR_USAGE, _("credential rotate DEVICE..., or --all [BROKER]"));
	if (c->args->all && names->n > 1)
		return err_set(
		    err, ERR_USAGE, _("--all takes the name of one broker at most"));
	if (c->args->all && driver == NULL)
		return err_set(err, ERR_USAGE,
		    _("--all needs a broker (--driver) and a way to the devices "
		      "(--deliver)"));
	if ((driver != NULL) != (c->args->deliver != NULL))
		return err_set(err, ERR_USAGE,
		    _("--driver and --deliver go together: a device has to learn its new "
		      "password before the broker wants it"));
	if (driver != NULL && driver->reads_late && c->args->reload == NULL)
		return err_set(err, ERR_USAGE,
		    _("--reload says what makes mosquitto read its files: without, no "
		      "new password would count"));
	return 0;
}

static int
confirm_kick(const struct rollout *r, struct err *err)
{
	char *question;
	int failed;

	if (!r->c->args->kick || r->c->args->yes || r->n == 0)
		return 0;
	question =
	    xasprintf(_("devices to disconnect: %zu; their kept sessions end with what "
			"is queued for them; go on? [y/N]"),
		r->n);
	failed = confirm(question, _("nothing was changed"), err);
	free(question);
	return failed;
}

static void
show(const struct rollout *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		printf(_("would rotate the password of '%s'\n"), r->v[i].id);
}

/* mosquitto tells of a device by its topics alone. */
static int
check_seen(const struct rollout *r, struct err *err)
{
	if (r->witness != &witness_mqtt ||
	    topic_has(r->sync.topics.status, TOPIC_DEVICE_ID) ||
	    topic_has(r->sync.topics.data, TOPIC_DEVICE_ID))
		return 0;
	return err_set(err, ERR_USAGE,
	    _("neither topic_data nor topic_status names the device: nobody would see "
	      "whether devices come"));
}

static int
roll_out(struct rollout *r, const struct strv *names, struct err *err)
{
	const struct strv none = {0};

	r->broker_name = rollout_broker(r->c, names, err);
	if (r->broker_name == NULL)
		return -1;
	r->broker = strchr(r->broker_name, ':') + 1;
	if (password_file_open(r->c, &r->file, err) ||
	    sync_want(&r->sync, r->broker_name, r->c->args->all ? &none : names, err) ||
	    check_seen(r, err) || r->sync.driver->read(&r->sync, err) ||
	    rollout_choose(r, names, err))
		return -1;
	if (!r->c->args->dry_run)
		return confirm_kick(r, err) || rollout_run(r, err) ? -1 : 0;
	show(r);
	if (r->failed != 0)
		err->code = ERR_FAILED;
	return r->failed != 0 ? -1 : 0;
}

static int
over_broker(struct ctl *c, const struct strv *names, struct err *err)
{
	struct rollout r = {.c = c, .sync.c = c};
	int failed;

	r.witness = c->args->driver == CTL_DRIVER_EMQX ? &witness_emqx : &witness_mqtt;
	failed = sync_begin(&r.sync, err) || roll_out(&r, names, err);
	rollout_release(&r);
	sync_end(&r.sync);
	return failed ? -1 : 0;
}

int
run_rotate(struct ctl *c, const struct operands *in, struct err *err)
{
	struct strv names = {0};
	int failed = ctl_operands(c, in, 0, &names, err) || check_usage(c, &names, err);

	if (!failed)
		failed = sync_driver(c) != NULL ? over_broker(c, &names, err)
						: rotate_each(c, &names, err);
	strv_release(&names);
	return failed ? -1 : 0;
}

static void
put_mark(void *arg, const struct password_file_mark *m)
{
	char since[32] = "";
	const char *const cells[] = {
	    m->device, password_file_stages[m->stage], m->broker, since};
	time_t at = (time_t)m->since;
	struct tm day;

	if (m->since > 0 && gmtime_r(&at, &day) != NULL)
		strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &day);
	report_row(arg, cells);
}

int
run_pending(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const columns[] = {"device", "stage", "broker", "since"};
	struct password_file file;
	struct report report;
	int failed;

	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("credential pending takes no name"));
	failed = password_file_open_any(c, &file, err);
	if (!failed) {
		report_start(&report, c, columns, ARRAY_LEN(columns), 0);
		password_file_each(&file, put_mark, &report);
		report_end(&report);
	}
	password_file_release(&file);
	return failed;
}
