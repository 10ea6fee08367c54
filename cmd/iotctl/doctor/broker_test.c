/* SPDX-License-Identifier: GPL-3.0-or-later */
/* broker test NAME: a real connection from here, stage by stage. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

static void
report_stage(struct report *r, const struct broker_probe *p, enum broker_probe_stage s)
{
	static const char *const words[] = {[BROKER_PROBE_NOT_TRIED] = N_("not tried"),
	    [BROKER_PROBE_OK] = N_("ok"),
	    [BROKER_PROBE_FAILED] = N_("FAILED"),
	    [BROKER_PROBE_NOT_THERE] = "-"};
	const struct broker_probe_result *v = &p->v[s];
	char ms[32] = "";

	if (v->state == BROKER_PROBE_OK || v->state == BROKER_PROBE_FAILED)
		snprintf(ms, sizeof(ms), "%.1f", v->ms);
	report_row(r,
	    (const char *const[]){broker_probe_names[s], _(words[v->state]), ms,
		v->state == BROKER_PROBE_FAILED ? v->err.text : v->detail});
}

static void
report_probe(const struct ctl *c, const struct broker_probe *p)
{
	static const char *const columns[] = {"stage", "result", "ms", "detail"};
	struct report r;
	int i;

	report_start(&r, c, columns, ARRAY_LEN(columns), 1u << 2);
	for (i = 0; i < BROKER_PROBE_STAGES; i++)
		report_stage(&r, p, (enum broker_probe_stage)i);
	report_end(&r);
}

static int
test_one(struct ctl *c, const char *name, struct err *err)
{
	struct target t = {0};
	struct session_opts o = {0};
	struct broker_probe p = {0};
	enum broker_probe_stage at;
	char *why = NULL;
	int failed = target_broker(c, name, &t, err) ||
	    target_connection(c, &t, &o, err) ||
	    broker_probe_run(c, &o, BROKER_PROBE_QOS_2, &p, err);

	if (!failed) {
		report_probe(c, &p);
		at = broker_probe_failed(&p);
		if (at != BROKER_PROBE_STAGES) {
			why = broker_probe_why(&p);
			failed = err_set(
			    err, p.v[at].err.code, _("broker '%s': %s"), name, why);
		}
	}
	free(why);
	broker_probe_release(&p);
	target_release(&t);
	return failed ? -1 : 0;
}

int
run_broker_test(struct ctl *c, const struct operands *in, struct err *err)
{
	if (in->n != 1)
		return err_set(err, ERR_USAGE, _("broker test takes one NAME"));
	return test_one(c, in->v[0], err);
}
