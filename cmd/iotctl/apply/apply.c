/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply -f FILE: makes the platform hold what the files say. */
#include "iotctl/apply/apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/command.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/request.h"
#include "iotctl/core/write.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

void
apply_say(struct ctl *c, size_t row, const struct schema_resource *r, const char *name,
    json_int_t id, enum outcome outcome, const struct err *why)
{
	static const char *const words[] = {[CREATED] = N_("created"),
	    [CHANGED] = N_("changed"),
	    [UNCHANGED] = N_("unchanged"),
	    [DELETED] = N_("deleted"),
	    [FAILED] = N_("failed")};
	struct buf line = {0};

	if (c->args->format == FORMAT_TABLE) {
		if (outcome == FAILED)
			log_error("%s '%s': %s", r->name, name, why->text);
		else
			ctl_say(c, "%s %s '%s' (id %" JSON_INTEGER_FORMAT ")",
			    _(words[outcome]), r->name, name, id);
		return;
	}
	buf_printf(&line, "{\"row\":%zu,\"resource\":\"%s\",\"name\":", row, r->name);
	json_put_string(&line, span_of(name));
	buf_printf(&line, ",\"result\":\"%s\"", words[outcome]);
	if (outcome == FAILED) {
		buf_puts(&line, ",\"error\":");
		json_put_text(&line, span_of(why->text));
	}
	buf_puts(&line, "}\n");
	show_bytes(buf_as_span(&line));
	buf_release(&line);
}

/* Results in the order of the files, as far as they are known. */
static void
show_results(struct apply *a)
{
	struct ctl *c = a->p.c;

	for (; a->shown < a->m.n && a->v[a->shown].outcome != WAITING; a->shown++) {
		struct work *w = &a->v[a->shown];

		/* In a dry run the request stands for what would be done. */
		if (!c->args->dry_run || (w->outcome != CREATED && w->outcome != CHANGED))
			apply_say(c, a->m.v[a->shown].row, a->m.v[a->shown].r,
			    a->m.v[a->shown].label, w->plan.id, w->outcome, &w->err);
		plan_release(&w->plan);
	}
}

static void pump(struct apply *a);

static void
finish(struct work *w)
{
	struct apply *a = w->a;

	if (w->err.code == ERR_OK && w->doing != UNCHANGED && !a->p.c->args->dry_run)
		plan_keep_secrets(&a->p, &w->plan);
	if (w->err.code == ERR_OK && json_object_size(w->plan.unknown) != 0)
		err_set(&w->err, ERR_FAILED,
		    _("%s stays as it is: the API's time has no zone, so it may be the "
		      "same (set api_tz)"),
		    json_object_iter_key(json_object_iter(w->plan.unknown)));
	w->outcome = w->err.code != ERR_OK ? FAILED : w->doing;
	if (w->outcome == FAILED) {
		a->failed++;
		if (w->err.code == ERR_UNREACHABLE || w->err.code == ERR_AUTH)
			a->hopeless = w->err;
	}
	show_results(a);
}

static void step(struct work *w);

/* Takes the answer into the stock, and looks whether it is what was asked for. What a POST ignored goes
 * out once more: of a new device, say, the backend chose the client id, and lets it be changed. */
static void
take_answer(struct work *w, struct rest_reply *reply)
{
	struct apply *a = w->a;
	const struct schema_resource *r = w->plan.item->r;
	struct index *stock = index_of(&a->p.stocks, r, &w->err);
	bool last = w->again || w->doing != CREATED || (r->verbs & SCHEMA_SET) == 0;
	struct span object;
	json_t *rest;

	if (!json_check(buf_as_span(&reply->body), &object, NULL)) {
		err_set(&w->err, ERR_PROTOCOL, _("the API's answer is no JSON"));
		return;
	}
	if (w->plan.object == INDEX_NONE) {
		w->plan.object = (ssize_t)index_add(stock, object);
		stock->touched[w->plan.object] = true;
	} else {
		index_replace(stock, (size_t)w->plan.object, object);
	}
	w->plan.id = lookup_id_of(object);
	rest = last ? json_object() : equal_rest(a->p.c, r, w->plan.change, object);
	if (last)
		equal_check(
		    a->p.c, r, w->plan.item->label, w->plan.change, object, &w->err);
	json_decref(w->plan.change);
	w->plan.change = rest;
	w->again = true;
}

static void
on_written(void *arg, struct rest_reply *reply, const struct err *why)
{
	struct work *w = arg;

	if (why != NULL)
		w->err = *why;
	else
		take_answer(w, reply);
	step(w);
}

static void
on_sensor(void *arg, struct rest_reply *reply, const struct err *why)
{
	struct work *w = arg;

	(void)reply;
	if (why != NULL)
		w->err = *why;
	step(w);
}

/* What a request needs; a dry run prints it and goes on. */
static void
send_request(struct work *w, const char *method, char *path, struct buf *body,
    void (*done)(void *arg, struct rest_reply *reply, const struct err *why))
{
	struct ctl *c = w->a->p.c;

	if (c->args->dry_run) {
		write_show(method, path, body->n != 0 ? buf_str(body) : NULL);
	} else {
		w->a->flying++;
		rest_send(c->api, method, path,
		    body->n != 0 ? buf_as_span(body) : (struct span){0}, done, w);
	}
	if (body->p != NULL)
		explicit_bzero(body->p, body->n);
	buf_release(body);
	free(path);
}

static bool
send_fields(struct work *w)
{
	const struct schema_resource *r = w->plan.item->r;
	bool create = w->plan.object == INDEX_NONE;
	struct buf body = {0};
	char *path;

	if (!create && json_object_size(w->plan.change) == 0)
		return false;
	path = create ? xstrdup(r->path)
		      : xasprintf("%s%" JSON_INTEGER_FORMAT "/", r->path, w->plan.id);
	request_put_body(&body, w->plan.change, w->a->p.c->args->dry_run ? r : NULL);
	send_request(w, create ? "POST" : "PATCH", path, &body, on_written);
	return true;
}

static bool
send_sensor(struct work *w, json_t *list, bool assign)
{
	size_t n = json_array_size(list);
	struct buf body = {0}, sensor = {0};
	char *device, *path;

	if (n == 0)
		return false;
	/* In a dry run what is not there yet has its name for a number. */
	device = w->plan.id != 0 ? xasprintf("%" JSON_INTEGER_FORMAT, w->plan.id)
				 : xstrdup(w->plan.item->label);
	request_put_body(&sensor, json_array_get(list, n - 1), NULL);
	json_array_remove(list, n - 1);
	if (w->doing == UNCHANGED)
		w->doing = CHANGED;
	if (assign) {
		path = xasprintf("/api/devices/%s/assign_sensor/", device);
		buf_printf(&body, "{\"sensor_id\":%s}", buf_str(&sensor));
	} else {
		path = xasprintf("/api/devices/%s/remove_sensor/?sensor_id=%s", device,
		    buf_str(&sensor));
	}
	buf_release(&sensor);
	free(device);
	send_request(w, assign ? "POST" : "DELETE", path, &body, on_sensor);
	return true;
}

/* The next request of an item, or its end. Called with one less in flight than there was. */
static void
step(struct work *w)
{
	struct apply *a = w->a;

	a->flying--;
	if (w->err.code != ERR_OK ||
	    (!send_fields(w) && !send_sensor(w, w->plan.unassign, false) &&
		!send_sensor(w, w->plan.assign, true)))
		finish(w);
	pump(a);
}

/* Dry: every request is printed at once; what would be made gets a place for names to find it. */
static void
pretend(struct work *w)
{
	struct index *stock = index_of(&w->a->p.stocks, w->plan.item->r, &w->err);
	struct buf object = {0};

	send_fields(w);
	while (send_sensor(w, w->plan.unassign, false) ||
	    send_sensor(w, w->plan.assign, true))
		;
	if (w->plan.object == INDEX_NONE) {
		request_put_body(&object, w->plan.body, w->plan.item->r);
		index_add(stock, buf_as_span(&object));
		buf_release(&object);
	}
	finish(w);
}

static void
start(struct apply *a, size_t i)
{
	struct work *w = &a->v[i];

	w->a = a;
	if (plan_make(&a->p, &a->m.v[i], &w->plan, &w->err)) {
		finish(w);
		return;
	}
	w->doing = w->plan.object == INDEX_NONE     ? CREATED
	    : json_object_size(w->plan.change) != 0 ? CHANGED
						    : UNCHANGED;
	if (a->p.c->args->dry_run) {
		pretend(w);
		return;
	}
	if (!send_fields(w) && !send_sensor(w, w->plan.unassign, false) &&
	    !send_sensor(w, w->plan.assign, true))
		finish(w);
}

/* Fills up what may be in flight; stops the loop when a level is done. */
static void
pump(struct apply *a)
{
	while (a->next < a->end && a->flying < (size_t)a->p.c->args->jobs &&
	    a->hopeless.code == ERR_OK)
		start(a, a->next++);
	if (a->flying == 0)
		loop_stop(a->p.c->loop);
}

int
apply_load(struct apply *a, size_t from, size_t to, struct err *err)
{
	const struct schema_field *f;
	size_t i;

	for (i = from; i < to; i++) {
		if (index_of(&a->p.stocks, a->m.v[i].r, err) == NULL ||
		    (a->m.v[i].sensors != NULL &&
			index_of(&a->p.stocks, schema_find("sensor"), err) == NULL))
			return -1;
		for (f = a->m.v[i].r->fields; f->name != NULL; f++) {
			if (f->ref != NULL &&
			    index_of(&a->p.stocks, schema_find(f->ref), err) == NULL)
				return -1;
		}
	}
	return 0;
}

/* Level by level: what is referred to is there before it is referred to. */
static int
run_levels(struct apply *a, struct err *err)
{
	while (a->next < a->m.n && a->hopeless.code == ERR_OK) {
		size_t level = a->m.v[a->next].level;

		for (a->end = a->next; a->end < a->m.n && a->m.v[a->end].level == level;)
			a->end++;
		/* Read only now: what went before may have made some of it. */
		if (apply_load(a, a->next, a->end, err))
			return -1;
		pump(a);
		while (a->flying != 0) {
			if (loop_run(a->p.c->loop, err))
				return -1;
		}
	}
	return 0;
}

static int
sum_up(struct apply *a, struct err *err)
{
	if (a->failed == 0)
		return 0;
	if (a->hopeless.code != ERR_OK)
		return err_set(err, a->hopeless.code,
		    _("stopped: %zu of %zu were not reached"), a->m.n - a->shown, a->m.n);
	if (a->m.n == 1)
		err->code = a->v[0].err.code;
	if (a->m.n == 1)
		return -1;
	return err_set(err, ERR_FAILED, _("%zu of %zu failed"), a->failed, a->m.n);
}

int
apply_begin(struct apply *a, struct ctl *c, const struct operands *in, const char *name,
    struct err *err)
{
	a->p.c = c;
	index_set_init(&a->p.stocks, c);
	if (in->n != 0)
		return err_set(
		    err, ERR_USAGE, _("'%s': %s takes files with -f"), in->v[0], name);
	if (c->args->files.n == 0)
		return err_set(
		    err, ERR_USAGE, _("%s -f FILE, or -f - for standard input"), name);
	if (manifest_read(c, &c->args->files, &a->m, err) || ctl_api(c, err))
		return -1;
	sent_secrets_load(&a->p.secrets, c);
	a->v = xcalloc(a->m.n + 1, sizeof(*a->v));
	return 0;
}

void
apply_end(struct apply *a)
{
	size_t i;

	if (a->p.absent != 0)
		log_warn(
		    _("secrets without their file stay as they are: %zu, the first '%s'"),
		    a->p.absent, a->p.lacked);
	for (i = 0; a->v != NULL && i < a->m.n; i++)
		plan_release(&a->v[i].plan);
	free(a->v);
	sent_secrets_end(&a->p.secrets);
	index_set_release(&a->p.stocks);
	manifest_release(&a->m);
}

int
run_apply(struct ctl *c, const struct operands *in, struct err *err)
{
	struct apply a = {0};
	int failed = (c->args->prune && apply_prune_check(c, err)) ||
	    apply_begin(&a, c, in, "apply", err) || run_levels(&a, err) ||
	    sum_up(&a, err) || (c->args->prune && apply_prune_run(&a, err));

	apply_end(&a);
	return failed ? -1 : 0;
}
