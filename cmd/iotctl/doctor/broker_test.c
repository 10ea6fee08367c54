/* SPDX-License-Identifier: GPL-3.0-or-later */
/* broker test NAME: a real connection from here, stage by stage. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "iotctl/command.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/output/report.h"

static void
report_stage(struct report *r, const struct probe *p, enum probe_stage s)
{
	static const char *const words[] = {[PROBE_NOT_TRIED] = "not tried",
	    [PROBE_OK] = "ok",
	    [PROBE_FAILED] = "FAILED",
	    [PROBE_NOT_THERE] = "-"};
	const struct probe_result *v = &p->v[s];
	char ms[32] = "";

	if (v->state == PROBE_OK || v->state == PROBE_FAILED)
		snprintf(ms, sizeof(ms), "%.1f", v->ms);
	report_row(r,
	    (const char *const[]){probe_names[s], words[v->state], ms,
		v->state == PROBE_FAILED ? v->err.text : v->detail});
}

static void
report_probe(const struct ctl *c, const struct probe *p)
{
	static const char *const columns[] = {"stage", "result", "ms", "detail"};
	struct report r;
	int i;

	report_start(&r, c, columns, ARRAY_LEN(columns), 1u << 2);
	for (i = 0; i < PROBE_STAGES; i++)
		report_stage(&r, p, (enum probe_stage)i);
	report_end(&r);
}

static int
test_one(struct ctl *c, const char *name, struct err *err)
{
	struct target t = {0};
	struct session_opts o = {0};
	struct probe p = {0};
	enum probe_stage at;
	char *why = NULL;
	int failed = target_broker(c, name, &t, err) ||
	    target_connection(c, &t, &o, err) || probe_run(c, &o, PROBE_QOS_2, &p, err);

	if (!failed) {
		report_probe(c, &p);
		at = probe_failed(&p);
		if (at != PROBE_STAGES) {
			why = probe_why(&p);
			failed = err_set(
			    err, p.v[at].err.code, _("broker '%s': %s"), name, why);
		}
	}
	free(why);
	probe_release(&p);
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
