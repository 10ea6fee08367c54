/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor [DEVICE...|-]: what is wrong, and what is the cause. */
#include "iotctl/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

enum { NAMES_SHOWN = 5 };

/* Devices with one and the same cause. */
struct cause {
	char *text; /* "broker: ..." */
	struct strv devices;
};

struct causes {
	struct cause *v;
	size_t n;
	size_t devices, well;
};

static void
report_findings(const struct ctl *c, const struct findings *f)
{
	static const char *const columns[] = {"check", "result", "detail"};
	static const char *const words[] = {[HEALTH_OK] = N_("ok"),
	    [HEALTH_BAD] = N_("FAILED"),
	    [HEALTH_WARN] = N_("warning"),
	    [HEALTH_UNKNOWN] = N_("not testable"),
	    [HEALTH_NONE] = "-"};
	struct report r;
	size_t i;

	report_start(&r, c, columns, ARRAY_LEN(columns), 0);
	for (i = 0; i < f->n; i++)
		report_row(&r,
		    (const char *const[]){
			f->v[i].check, _(words[f->v[i].health]), f->v[i].text});
	report_end(&r);
}

static int
conclude(const struct findings *f, const char *subject, struct err *err)
{
	size_t bad = findings_bad(f);

	if (bad == 0)
		return 0;
	return err_set(err, ERR_FAILED,
	    P_("%s: %zu of %zu check failed", "%s: %zu of %zu checks failed", f->n),
	    subject, bad, f->n);
}

static struct cause *
cause_of(struct causes *all, const struct findings *f)
{
	char *text;
	size_t i;

	for (i = 0; i < f->n && f->v[i].health != HEALTH_BAD; i++)
		;
	if (i == f->n)
		return NULL;
	text = xasprintf("%s: %s", f->v[i].check, f->v[i].text);
	for (i = 0; i < all->n && strcmp(all->v[i].text, text) != 0; i++)
		;
	if (i == all->n) {
		all->v = xreallocarray(all->v, all->n + 1, sizeof(*all->v));
		all->v[all->n++] = (struct cause){.text = text};
	} else {
		free(text);
	}
	return &all->v[i];
}

static int
most_first(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	return x->devices.n == y->devices.n ? strcmp(x->text, y->text)
	    : x->devices.n > y->devices.n   ? -1
					    : 1;
}

static void
report_causes(const struct ctl *c, struct causes *all)
{
	static const char *const columns[] = {"devices", "of", "cause", "names"};
	bool people = c->args->format == FORMAT_TABLE;
	struct report r;
	size_t i, k;

	if (all->n > 1)
		qsort(all->v, all->n, sizeof(*all->v), most_first);
	report_start(&r, c, columns, ARRAY_LEN(columns), 3);
	for (i = 0; i < all->n; i++) {
		const struct strv *devices = &all->v[i].devices;
		struct buf names = {0};
		char count[24], of[24];

		for (k = 0; k < devices->n && (!people || k < NAMES_SHOWN); k++)
			buf_printf(&names, "%s%s", k > 0 ? "," : "", devices->v[k]);
		buf_puts(&names, k < devices->n ? ",..." : "");
		snprintf(count, sizeof(count), "%zu", devices->n);
		snprintf(of, sizeof(of), "%zu", all->devices);
		report_row(&r,
		    (const char *const[]){count, of, all->v[i].text, buf_str(&names)});
		buf_release(&names);
	}
	report_end(&r);
}

static void
causes_release(struct causes *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		free(all->v[i].text);
		strv_release(&all->v[i].devices);
	}
	free(all->v);
}

/* A name that is no device is a cause like another. */
static int
check_one(struct doctor *d, const char *name, struct causes *all, struct err *err)
{
	const struct schema_resource *r = schema_find("device");
	struct findings f = {0};
	struct err why = {0};
	struct span device;
	struct cause *cause;
	json_int_t id;
	int failed = 0;

	all->devices++;
	if (lookup_among(r, &d->view.v[VIEW_DEVICES], name, &id, &why)) {
		findings_add(&f, "identity", HEALTH_BAD, "%s",
		    why.code == ERR_NOT_FOUND ? _("no such device on the platform")
					      : why.text);
	} else {
		device = view_by_id(&d->view, VIEW_DEVICES, "id", id);
		failed = doctor_check_device(d, device, &f, err);
	}
	cause = failed ? NULL : cause_of(all, &f);
	if (cause != NULL)
		strv_add(&cause->devices, name);
	else
		all->well++;
	findings_release(&f);
	return failed;
}

static int
check_many(struct doctor *d, const struct strv *names, struct err *err)
{
	struct causes all = {0};
	size_t i;
	int failed = view_load(d->c, NULL, &d->view, err);

	d->cause_only = true;
	for (i = 0; i < names->n && !failed; i++)
		failed = check_one(d, names->v[i], &all, err);
	if (!failed) {
		report_causes(d->c, &all);
		if (all.n != 0)
			failed = err_set(err, ERR_FAILED,
			    P_("%zu of %zu device is not well",
				"%zu of %zu devices are not well", all.devices),
			    all.devices - all.well, all.devices);
		else
			log_info(
			    P_("%zu device is well", "%zu devices are well", all.devices),
			    all.devices);
	}
	causes_release(&all);
	return failed;
}

static int
check_single(struct doctor *d, const char *name, struct err *err)
{
	struct findings f = {0};
	struct lookup_found device;
	char *subject;
	int failed;

	if (lookup(d->c, schema_find("device"), name, &device, err))
		return -1;
	failed = view_load(d->c, &device, &d->view, err) ||
	    doctor_check_device(d, buf_as_span(&device.bytes), &f, err);
	if (!failed) {
		report_findings(d->c, &f);
		subject = xasprintf(_("device '%s'"), name);
		failed = conclude(&f, subject, err);
		free(subject);
	}
	findings_release(&f);
	lookup_release(&device);
	return failed ? -1 : 0;
}

static int
check_site(struct doctor *d, struct err *err)
{
	struct findings f = {0};
	int failed = doctor_check_site(d, &f, err);

	if (!failed) {
		report_findings(d->c, &f);
		failed = conclude(&f, _("the platform"), err);
	}
	findings_release(&f);
	return failed;
}

/* The file of passwords is optional, but one that others can read is a finding. The brokers of another
 * platform must not see devices' passwords; of a whole site none is tried. */
static int
open_files(struct doctor *d, bool devices, struct err *err)
{
	struct ctl *c = d->c;

	if (topic_set_compile(&d->topics, &c->args->topics, err))
		return -1;
	return devices ? password_file_open(c, &d->file, err)
		       : password_file_open_any(c, &d->file, err);
}

int
run_doctor(struct ctl *c, const struct operands *in, struct err *err)
{
	struct doctor d = {.c = c, .brokers = {.c = c, .view = &d.view}};
	struct strv names = {0};
	int failed =
	    ctl_operands(c, in, 0, &names, err) || open_files(&d, in->n != 0, err);

	if (!failed && in->n == 0)
		failed = check_site(&d, err);
	else if (!failed && names.n == 1 && strcmp(in->v[0], "-") != 0)
		failed = check_single(&d, names.v[0], err);
	else if (!failed)
		failed = check_many(&d, &names, err);
	strv_release(&names);
	broker_cache_release(&d.brokers);
	password_file_release(&d.file);
	topic_set_release(&d.topics);
	view_release(&d.view);
	return failed ? -1 : 0;
}
