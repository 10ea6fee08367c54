/* SPDX-License-Identifier: GPL-3.0-or-later */
/* device provision: device, sensors, credential and configuration as one, for one or thousands. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/request.h"
#include "iotctl/core/write.h"
#include "iotctl/output/result_line.h"
#include "iotctl/provision/provision_batch.h"
#include "iotctl/run.h"
#include "iotctl/verbs/device.h"

static void
plan_job(void *arg, size_t i)
{
	struct batch *b = arg;
	struct unit *u = &b->v[i];

	if (b->hopeless != NULL)
		return;
	progress_at(&b->progress, b->done++ / 2);
	u->failed = provision_unit_plan(b->c, &b->catalog, u, &u->err) != 0;
	if (u->failed && jobs_are_hopeless(&u->err) && b->hopeless == NULL)
		b->hopeless = &u->err;
}

/* What belongs to devices is looked for only where there are any. */
static int
read_held(struct batch *b, struct err *err)
{
	struct held *h = &b->catalog.held;
	size_t there = 0, i;
	int part;

	if (provision_held_read(b->c, h, HELD_DEVICES, b->n, err))
		return -1;
	for (i = 0; i < b->n; i++)
		there += provision_held_count(h, HELD_DEVICES, b->v[i].device);
	for (part = HELD_DEVICES + 1; part < HELD_PARTS; part++) {
		if (provision_held_read(b->c, h, (enum held_part)part, there, err))
			return -1;
	}
	return 0;
}

/* What goes wrong with a device goes into its line, which programs read. */
static int
run_jobs(struct batch *b, void (*job)(void *arg, size_t i), struct err *err)
{
	int failed;

	text_translate(false);
	failed = jobs_run(b->c, b->c->args->jobs, b->n, job, b, err);
	text_translate(true);
	return failed;
}

static int
plan_all(struct batch *b, struct err *err)
{
	if (read_held(b, err))
		return -1;
	if (run_jobs(b, plan_job, err))
		return -1;
	provision_held_release(&b->catalog.held);
	if (b->hopeless == NULL)
		return 0;
	*err = *b->hopeless;
	return -1;
}

/* Once for all of them. */
static void
tell_lacking(const struct batch *b)
{
	size_t n = 0, i;
	char *names;

	for (i = 0; i < b->n; i++)
		n += b->v[i].lacks_broker;
	if (n == 0)
		return;
	names = provision_unit_brokers(&b->catalog);
	log_error(P_("several brokers are active (%s), and %zu of %zu device names none: "
		     "say which with broker=",
		      "several brokers are active (%s), and %zu of %zu devices name "
		      "none: say which with broker=",
		      b->n),
	    names, n, b->n);
	free(names);
}

static void
say_body(const char *path, json_t *body, const char *resource)
{
	struct buf text = {0};

	request_put_body(&text, body, schema_find(resource));
	write_show("POST", path, buf_str(&text));
	buf_release(&text);
	json_decref(body);
}

/* The rules of a device whose account is gone are known once its name is. */
static void
say_unit(const struct batch *b, struct unit *u)
{
	struct ctl *c = b->c;
	size_t i;
	json_t *id;

	if (u->lacks_account && u->has_credential && !u->pending &&
	    provision_unit_plan_rules(c, &b->catalog, u, &u->err))
		log_err(&u->err);
	if (u->id == 0)
		say_body("/api/devices/", provision_unit_device_body(u), "device");
	json_array_foreach (u->missing, i, id) {
		device_sensor(c, 0, u->device, id, true, NULL, NULL);
	}
	if (!u->has_credential)
		say_body("/api/mqtt/credentials/", provision_unit_credential_body(u),
		    "credential");
	if (u->pending)
		write_show(
		    "PATCH", "/api/mqtt/credentials/", "{\"password\":\"********\"}");
	if (!u->has_config)
		say_body("/api/mqtt/device-config/", provision_unit_config_body(u),
		    "device-config");
	if (u->makes_account && u->id != 0)
		say_body(
		    "/api/mqtt/emqx-users/", provision_unit_account_body(u), "emqx-user");
	json_array_foreach (u->rules, i, id) {
		say_body("/api/mqtt/emqx-acl/", json_incref(id), "emqx-acl");
	}
}

/* A new login replaces whatever change of the password was pending, but for one that goes over a broker: that ends when
 * the device has come with it. */
static int
make_unit(struct batch *b, struct unit *u)
{
	struct password_file_mark m;

	if (provision_unit_make(b->c, &b->catalog, u, &u->err))
		return -1;
	if (u->has_credential || !password_file_look(&b->file, u->device, &m) ||
	    m.stage != PASSWORD_FILE_NONE)
		return 0;
	return password_file_settle(&b->file, u->device, &u->err);
}

/* Once nothing more can succeed, each unit that is left gets its line, but no
 * request. */
static void
make_job(void *arg, size_t i)
{
	struct batch *b = arg;
	struct unit *u = &b->v[i];
	bool complete = !u->failed && provision_unit_is_complete(u) && !u->pending;
	bool wanted = !u->failed && !complete;

	if (b->c->signo != 0)
		return;
	progress_at(&b->progress, (b->n + b->done++) / 2);
	if (wanted && b->hopeless != NULL) {
		u->err = *b->hopeless;
		u->failed = true;
	} else if (wanted && !b->c->args->dry_run) {
		u->failed = make_unit(b, u) != 0;
	}
	b->failed += u->failed;
	if (u->failed && jobs_are_hopeless(&u->err) && b->hopeless == NULL)
		b->hopeless = &u->err;
	jobs_turn(b->c);
	progress_hide(&b->progress);
	if (wanted && b->c->args->dry_run)
		say_unit(b, u);
	else
		result_line_show(&(struct result_line){.row = u->row,
		    .key = "device",
		    .name = u->device,
		    .result = u->failed ? "failed"
			: complete      ? "unchanged"
					: "created",
		    .why = u->failed ? &u->err : NULL});
}

static int
make_them(struct batch *b, struct err *err)
{
	int failed;

	b->done = 0;
	failed = run_jobs(b, make_job, err);
	progress_hide(&b->progress);
	if (failed)
		return -1;
	if (b->c->signo != 0)
		return err_set(err, (enum err_code)(ERR_SIGNAL + b->c->signo),
		    P_("stopped after %zu of %zu device",
			"stopped after %zu of %zu devices", b->n),
		    b->done, b->n);
	if (b->failed != 0)
		return err_set(err, ERR_FAILED,
		    P_("%zu of %zu device failed", "%zu of %zu devices failed", b->n),
		    b->failed, b->n);
	return 0;
}

static void
provision_batch_release(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		provision_unit_release(&b->v[i]);
	free(b->v);
	for (i = 0; i < FLEET_COLUMNS; i++)
		free(b->common[i]);
	provision_unit_catalog_release(&b->catalog);
	password_file_release(&b->file);
	fleet_file_release(&b->fleet);
	strv_release(&b->ids);
}

int
run_provision(struct ctl *c, const struct operands *in, struct err *err)
{
	struct batch b = {.c = c};
	int failed = provision_batch_read(&b, in, err);

	c->join_reasons = true;
	progress_start(&b.progress, b.n, c->args->common.quiet);
	/* Until here nothing is changed, and a signal ends the program at once. */
	failed = failed || password_file_open(c, &b.file, err) ||
	    provision_unit_catalog(c, &b.catalog, err) || plan_all(&b, err) ||
	    jobs_catch_signals(c, err) || provision_batch_save_logins(&b, err);
	if (!failed) {
		progress_hide(&b.progress);
		tell_lacking(&b);
		provision_batch_finish_logins(&b);
		failed = make_them(&b, err);
	}
	progress_hide(&b.progress);
	provision_batch_release(&b);
	return failed ? -1 : 0;
}
