/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * apply -f FILE: makes the platform hold what the files say.
 *
 * Items are done level by level, so that what is referred to is there before it is referred to; those of one
 * level are jobs (core/jobs.h), --jobs at once. Whatever order they end in, their results are shown in
 * the order of the files.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/apply/plan.h"
#include "iotctl/apply/prune.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/write.h"
#include "iotctl/output/result_line.h"
#include "iotctl/run.h"
#include "iotctl/verbs/device.h"

enum outcome { WAITING, CREATED, CHANGED, UNCHANGED, FAILED };

/* One item on its way. */
struct work {
	struct plan plan;
	enum outcome doing;
	enum outcome outcome; /* WAITING: not done */
	struct err err;
};

struct apply {
	struct planner p;
	struct work *v; /* one an item */
	size_t next;    /* the first of the level at hand */
	size_t shown;   /* results go out in order */
	size_t failed;
	struct err hopeless; /* nothing that follows can do better */
};

static void
show_result(struct ctl *c, const struct item *item, const struct work *w)
{
	static const char *const words[] = {[CREATED] = "created",
	    [CHANGED] = "changed",
	    [UNCHANGED] = "unchanged",
	    [FAILED] = "failed"};
	static const enum ctl_done done[] = {[CREATED] = CTL_CREATED,
	    [CHANGED] = CTL_CHANGED,
	    [UNCHANGED] = CTL_UNCHANGED};

	if (c->args->format != FORMAT_TABLE)
		result_line_show(&(struct result_line){.row = item->row,
		    .resource = item->r->name,
		    .key = "name",
		    .name = item->label,
		    .result = words[w->outcome],
		    .why = w->outcome == FAILED ? &w->err : NULL});
	else if (w->outcome == FAILED)
		log_error("%s '%s': %s", item->r->name, item->label, w->err.text);
	else
		ctl_say_done(c, done[w->outcome], item->r->name, item->label, w->plan.id);
}

/* As far as they are known. */
static void
show_results(struct apply *a)
{
	struct ctl *c = a->p.c;

	for (; a->shown < a->p.m.n && a->v[a->shown].outcome != WAITING; a->shown++) {
		struct work *w = &a->v[a->shown];

		/* In a dry run the request stands for what would be done. */
		if (!c->args->dry_run || (w->outcome != CREATED && w->outcome != CHANGED))
			show_result(c, &a->p.m.v[a->shown], w);
		plan_release(&w->plan);
	}
}

/* Sends the change and takes the answer into the index; `object` points into `reply`. */
static int
send_change(struct apply *a, struct plan *plan, struct rest_reply *reply,
    struct span *object, struct err *err)
{
	const struct schema_resource *r = plan->item->r;
	bool create = plan->object == INDEX_NONE;
	char *path = create ? xstrdup(r->path) : ctl_object_path(r, plan->id, NULL);
	int failed = write_object(a->p.c, r, create ? "POST" : "PATCH", path, NULL,
	    plan->change, reply, object, err);

	free(path);
	if (failed || a->p.c->args->dry_run)
		return failed;
	if (create) {
		struct index *index = index_of(&a->p.held, r, err);

		plan->object = (ssize_t)index_add(index, *object);
		index->claimed[plan->object] = true;
	} else {
		index_replace(
		    index_of(&a->p.held, r, err), (size_t)plan->object, *object);
	}
	plan->id = lookup_id_of(*object);
	return 0;
}

/* What a POST ignored goes out once more: of a new device, say, the backend chose the client id, and lets it
 * be changed. What it has then must be what was asked for. */
static int
send_fields(struct apply *a, struct plan *plan, struct err *err)
{
	const struct schema_resource *r = plan->item->r;
	bool create = plan->object == INDEX_NONE;
	struct rest_reply reply = {0};
	struct span object;
	int failed;

	if (!create && json_object_size(plan->change) == 0)
		return 0;
	failed = send_change(a, plan, &reply, &object, err);
	if (!failed && !a->p.c->args->dry_run && create && (r->verbs & SCHEMA_SET) != 0) {
		json_t *ignored = equal_rest(a->p.c, r, plan->change, object);

		json_decref(plan->change);
		plan->change = ignored;
		if (json_object_size(ignored) != 0) {
			rest_reply_release(&reply);
			failed = send_change(a, plan, &reply, &object, err);
		}
	}
	if (!failed && !a->p.c->args->dry_run)
		failed =
		    equal_check(a->p.c, r, plan->item->label, plan->change, object, err);
	rest_reply_release(&reply);
	return failed;
}

static int
send_sensors(struct apply *a, const struct plan *plan, json_t *sensors, bool assign,
    struct err *err)
{
	size_t i;

	for (i = 0; i < json_array_size(sensors); i++) {
		if (device_sensor(a->p.c, plan->id, plan->item->label,
			json_array_get(sensors, i), assign, NULL, err))
			return -1;
	}
	return 0;
}

static int
do_item(struct apply *a, struct work *w, struct item *item, struct err *err)
{
	struct plan *plan = &w->plan;

	if (plan_make(&a->p, item, plan, err))
		return -1;
	w->doing = plan->object == INDEX_NONE ? CREATED
	    : json_object_size(plan->change) != 0 || json_array_size(plan->assign) != 0 ||
		json_array_size(plan->unassign) != 0
	    ? CHANGED
	    : UNCHANGED;
	if (send_fields(a, plan, err) ||
	    send_sensors(a, plan, plan->unassign, false, err) ||
	    send_sensors(a, plan, plan->assign, true, err))
		return -1;
	if (a->p.c->args->dry_run)
		plan_pretend(&a->p, plan);
	else if (w->doing != UNCHANGED)
		plan_keep_secrets(&a->p, plan);
	if (json_object_size(plan->unknown) == 0)
		return 0;
	return err_set(err, ERR_FAILED,
	    _("%s stays as it is: the API's time has no zone, so it may be the "
	      "same (set api_tz)"),
	    json_object_iter_key(json_object_iter(plan->unknown)));
}

static void
item_job(void *arg, size_t i)
{
	struct apply *a = arg;
	struct work *w = &a->v[a->next + i];

	if (a->hopeless.code != ERR_OK)
		return;
	if (do_item(a, w, &a->p.m.v[a->next + i], &w->err)) {
		w->outcome = FAILED;
		a->failed++;
		if (jobs_are_hopeless(&w->err))
			a->hopeless = w->err;
	} else {
		w->outcome = w->doing;
	}
	show_results(a);
}

static int
run_levels(struct apply *a, struct err *err)
{
	struct ctl *c = a->p.c;
	const struct manifest *m = &a->p.m;

	while (a->next < m->n && a->hopeless.code == ERR_OK) {
		size_t end = a->next;

		while (end < m->n && m->v[end].level == m->v[a->next].level)
			end++;
		/* Read only now: what went before may have made some of it. */
		if (plan_load(&a->p, a->next, end, err) ||
		    jobs_run(c, c->args->dry_run ? 1 : c->args->jobs, end - a->next,
			item_job, a, err))
			return -1;
		a->next = end;
	}
	return 0;
}

static int
sum_up(struct apply *a, struct err *err)
{
	size_t n = a->p.m.n;

	if (a->failed == 0)
		return 0;
	if (a->hopeless.code != ERR_OK)
		return err_set(err, a->hopeless.code,
		    _("stopped: %zu of %zu were not reached"), n - a->shown, n);
	if (n == 1)
		err->code = a->v[0].err.code;
	if (n == 1)
		return -1;
	return err_set(err, ERR_FAILED, _("%zu of %zu failed"), a->failed, n);
}

static int
run_all(struct apply *a, struct err *err)
{
	a->v = xcalloc(a->p.m.n + 1, sizeof(*a->v));
	return run_levels(a, err) || sum_up(a, err) ? -1 : 0;
}

int
run_apply(struct ctl *c, const struct operands *in, struct err *err)
{
	struct apply a = {0};
	size_t i;
	int failed = (c->args->prune && prune_check(c, err)) ||
	    plan_open(&a.p, c, in, "apply", err) || run_all(&a, err) ||
	    (c->args->prune && prune_run(&a.p, err));

	for (i = 0; a.v != NULL && i < a.p.m.n; i++)
		plan_release(&a.v[i].plan);
	free(a.v);
	plan_close(&a.p);
	return failed ? -1 : 0;
}
