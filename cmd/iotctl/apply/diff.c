/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diff -f FILE: what apply would change. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "iotctl/apply/plan.h"
#include "iotctl/apply/prune.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/request.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

static void
diff_value(const struct schema_field *f, char sign, json_t *value)
{
	struct buf line = {0};
	char *shown;

	if ((f->flags & SCHEMA_WRITE_ONLY) != 0)
		buf_puts(&line, "********");
	else
		request_put_body(&line, value, NULL);
	shown = show_text(buf_str(&line));
	printf("%c   %s: %s\n", sign, f->name, shown);
	free(shown);
	buf_release(&line);
}

static void
diff_show(struct planner *p, const struct plan *plan)
{
	const struct schema_resource *r = plan->item->r;
	struct index *index = index_of(&p->held, r, NULL);
	json_t *now = NULL, *value, *had;
	const char *key;
	char *label = show_text(plan->item->label);

	printf("%c %s '%s'\n", plan->object == INDEX_NONE ? '+' : ' ', r->name, label);
	free(label);
	if (plan->object != INDEX_NONE)
		now = equal_load(buf_as_span(&index->objects.v[plan->object]));
	json_object_foreach (plan->change, key, value) {
		const struct schema_field *f = schema_field(r, key);

		had = json_object_get(now, key);
		if (had != NULL)
			diff_value(f, '-', had);
		diff_value(f, '+', value);
	}
	json_object_foreach (plan->unknown, key, value) {
		diff_value(schema_field(r, key), '?', json_object_get(now, key));
		diff_value(schema_field(r, key), '?', value);
	}
	if (json_array_size(plan->unassign) != 0)
		printf("-   sensores: %zu\n", json_array_size(plan->unassign));
	if (json_array_size(plan->assign) != 0)
		printf("+   sensores: %zu\n", json_array_size(plan->assign));
	json_decref(now);
}

static size_t
diff_one(struct planner *p, struct item *item, struct err *err)
{
	struct plan plan;
	size_t differs = 0;

	if (plan_make(p, item, &plan, err)) {
		err_in(err, "%s '%s'", item->r->name, item->label);
	} else {
		differs = json_object_size(plan.change) + json_object_size(plan.unknown) +
		    json_array_size(plan.assign) + json_array_size(plan.unassign);
		if (differs != 0)
			diff_show(p, &plan);
		plan_pretend(p, &plan);
	}
	plan_release(&plan);
	return differs;
}

int
run_diff(struct ctl *c, const struct operands *in, struct err *err)
{
	struct planner p = {0};
	size_t differs = 0, i;
	int failed;

	/* Names of what is not there yet stand for it. */
	c->args->dry_run = true;
	failed = plan_open(&p, c, in, "diff", err) || plan_load(&p, 0, p.m.n, err);
	for (i = 0; i < p.m.n && !failed; i++) {
		differs += diff_one(&p, &p.m.v[i], err);
		failed = err->code != ERR_OK;
	}
	if (!failed && c->args->prune)
		differs += prune_show(&p);
	if (!failed && differs != 0)
		err->code = ERR_FAILED;
	plan_close(&p);
	return err->code != ERR_OK ? -1 : 0;
}
