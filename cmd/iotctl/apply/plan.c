/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what a file wants to what must be sent. */
#include "iotctl/apply/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/request.h"
#include "iotctl/core/value.h"
#include "iotctl/verbs/device.h"

/* An id for a name, through the index. What --dry-run only pretends to make has none: its name. */
static json_t *
ref_of(struct planner *p, const struct schema_resource *r, json_t *value, struct err *err)
{
	struct index *index;
	json_int_t id;
	ssize_t at;

	if (!json_is_string(value))
		return json_incref(value);
	index = index_of(&p->held, r, err);
	if (index == NULL)
		return NULL;
	at = index_find(index, json_string_value(value), err);
	if (at == INDEX_NONE)
		return NULL;
	id = lookup_id_of(buf_as_span(&index->objects.v[at]));
	return id != 0 ? json_integer(id) : json_incref(value);
}

static json_t *
refs_of(struct planner *p, const struct schema_resource *r, json_t *list, struct err *err)
{
	json_t *ids = json_array();
	json_t *item, *id;
	size_t i;

	json_array_foreach (list, i, item) {
		id = ref_of(p, r, item, err);
		if (id == NULL) {
			json_decref(ids);
			return NULL;
		}
		json_array_append_new(ids, id);
	}
	return ids;
}

/* One field as the API wants it; NULL with one field error more, or `err`. */
static json_t *
value_for(struct planner *p, const struct schema_field *f, json_t *value,
    struct field_errs *errs, struct err *err)
{
	json_t *ids, *good;

	if (f->type == SCHEMA_REF && json_is_string(value))
		return ref_of(p, schema_find(f->ref), value, err);
	if (f->type != SCHEMA_REFS || !json_is_array(value))
		return value_checked(f, value, errs);
	ids = refs_of(p, schema_find(f->ref), value, err);
	good = ids != NULL && p->c->args->dry_run ? json_incref(ids)
	    : ids != NULL                         ? validate_value(f, ids, errs)
						  : NULL;
	json_decref(ids);
	return good;
}

static int
join_errs(const struct field_errs *errs, struct err *err)
{
	struct buf all = {0};
	size_t i;

	for (i = 0; i < errs->n; i++)
		field_errs_put(&errs->v[i], &all);
	if (errs->n != 0)
		err_set(err, ERR_USAGE, "%s", buf_str(&all));
	buf_release(&all);
	return errs->n != 0 ? -1 : 0;
}

static int
make_body(struct planner *p, struct plan *plan, struct err *err)
{
	struct field_errs errs = {0};
	const char *key;
	json_t *value;
	int failed = 0;

	plan->body = json_object();
	json_object_foreach (plan->item->fields, key, value) {
		const struct schema_field *f = schema_field(plan->item->r, key);
		size_t before = errs.n;
		json_t *good = value_for(p, f, value, &errs, err);

		if (good != NULL) {
			json_object_set_new(plan->body, key, good);
		} else if (errs.n == before) {
			failed = err_in(err, "%s", key);
			break;
		}
	}
	failed = failed || join_errs(&errs, err);
	field_errs_release(&errs);
	return failed ? -1 : 0;
}

static int
check_required(const struct plan *plan, struct err *err)
{
	const struct schema_field *f;
	struct field_errs errs = {0};
	int failed;

	for (f = plan->item->r->fields; f->name != NULL; f++) {
		json_t *path = json_object_get(plan->item->absent, f->name);

		if (path != NULL)
			field_errs_add(&errs, f->name,
			    _("a new one needs it, and '%s' is not there"),
			    json_string_value(path));
		else if ((f->flags & SCHEMA_REQUIRED) != 0 &&
		    json_object_get(plan->body, f->name) == NULL)
			field_errs_add(&errs, f->name,
			    (f->flags & SCHEMA_WRITE_ONLY) != 0
				? _("a new one needs it: give %s@file")
				: _("This field is required."),
			    f->name);
	}
	failed = join_errs(&errs, err);
	field_errs_release(&errs);
	return failed;
}

/* A secret is new unless the API shows it, or we remember that we sent it. */
static enum sameness
compare_field(struct planner *p, const struct plan *plan, const struct schema_field *f,
    json_t *now, json_t *value)
{
	bool known;

	if ((f->flags & SCHEMA_WRITE_ONLY) == 0)
		return equal_value(f, now, value, p->c->args->api.tz);
	if (now != NULL)
		known = json_equal(now, value) != 0;
	else
		known = json_is_string(value) &&
		    sent_secrets_same(&p->secrets, p->c, plan->item->r, plan->item->label,
			f->name, json_string_value(value));
	return known ? SAME_YES : SAME_NO;
}

/* Who moves a broker has to show that the password is known: it goes with the new place. */
static void
add_secrets(struct plan *plan)
{
	const struct schema_field *f;
	bool moves = false;

	for (f = plan->item->r->fields; f->name != NULL; f++)
		moves = moves ||
		    ((f->flags & SCHEMA_PLACE) != 0 &&
			json_object_get(plan->change, f->name) != NULL);
	for (f = plan->item->r->fields; f->name != NULL && moves; f++) {
		json_t *secret = json_object_get(plan->body, f->name);

		if ((f->flags & SCHEMA_WRITE_ONLY) != 0 && secret != NULL)
			json_object_set(plan->change, f->name, secret);
	}
}

static int
compare(struct planner *p, struct plan *plan, struct span object, struct err *err)
{
	json_t *now = equal_load(object);
	const char *key;
	json_t *value;

	if (now == NULL)
		return err_set(err, ERR_PROTOCOL, _("what the API holds cannot be read"));
	plan->change = json_object();
	plan->unknown = json_object();
	json_object_foreach (plan->body, key, value) {
		enum sameness same = compare_field(p, plan,
		    schema_field(plan->item->r, key), json_object_get(now, key), value);

		if (same != SAME_YES)
			json_object_set(
			    same == SAME_NO ? plan->change : plan->unknown, key, value);
	}
	json_decref(now);
	add_secrets(plan);
	return 0;
}

/* The sensors that a device has and should not have. */
static void
find_surplus(struct plan *plan, struct span device, json_t *wanted)
{
	struct json_iter it = {0};

	if (!json_member(device, "sensores_asignados", &it.value))
		return;
	while (json_next(&it)) {
		struct span bytes;
		json_t *id, *other;
		size_t i;
		bool keep = false;

		if (!json_member(it.item, "sensor", &bytes))
			continue;
		id = json_loadb(bytes.p, bytes.n, JSON_DECODE_ANY, NULL);
		json_array_foreach (wanted, i, other)
			keep = keep || json_equal(id, other);
		if (!keep && id != NULL)
			json_array_append(plan->unassign, id);
		json_decref(id);
	}
}

static void
count_absent(struct planner *p, const struct item *item)
{
	const char *key;
	json_t *path;

	json_object_foreach (item->absent, key, path) {
		if (p->absent++ == 0)
			p->lacked = json_string_value(path);
	}
}

static int
plan_sensors(struct planner *p, struct plan *plan, struct span device, struct err *err)
{
	json_t *wanted, *id;
	size_t i;

	if (plan->item->sensors == NULL)
		return 0;
	wanted = refs_of(p, schema_find("sensor"), plan->item->sensors, err);
	if (wanted == NULL)
		return err_in(err, "sensores");
	plan->assign = json_array();
	plan->unassign = json_array();
	json_array_foreach (wanted, i, id) {
		if (device.p == NULL || !json_is_integer(id) ||
		    !device_has_sensor(device, json_integer_value(id)))
			json_array_append(plan->assign, id);
	}
	if (device.p != NULL)
		find_surplus(plan, device, wanted);
	json_decref(wanted);
	return 0;
}

int
plan_make(struct planner *p, struct item *item, struct plan *out, struct err *err)
{
	struct index *index = index_of(&p->held, item->r, err);
	struct span object = {0};

	*out = (struct plan){.item = item, .object = INDEX_NONE};
	if (index == NULL || make_body(p, out, err))
		return -1;
	if (index->missing)
		return err_set(err, ERR_NOT_FOUND, _("the API at '%s' has no %s"),
		    rest_base(p->c->api), item->r->name);
	out->object = index_match(index, out->body, p->c->args->api.tz, err);
	if (err->code != ERR_OK)
		return -1;
	if (out->object != INDEX_NONE) {
		object = buf_as_span(&index->objects.v[out->object]);
		index->claimed[out->object] = true;
		out->id = lookup_id_of(object);
		if (compare(p, out, object, err))
			return -1;
		count_absent(p, item);
	} else if (check_required(out, err)) {
		return -1;
	} else {
		out->change = json_incref(out->body);
	}
	return plan_sensors(p, out, object, err);
}

void
plan_pretend(struct planner *p, const struct plan *plan)
{
	struct index *index = index_of(&p->held, plan->item->r, NULL);
	struct buf object = {0};

	if (plan->object == INDEX_NONE && index != NULL) {
		request_put_body(&object, plan->body, plan->item->r);
		index_add(index, buf_as_span(&object));
	}
	buf_release(&object);
}

int
plan_open(struct planner *p, struct ctl *c, const struct operands *in, const char *name,
    struct err *err)
{
	p->c = c;
	index_set_init(&p->held, c);
	if (in->n != 0)
		return err_set(
		    err, ERR_USAGE, _("'%s': %s takes files with -f"), in->v[0], name);
	if (c->args->files.n == 0)
		return err_set(
		    err, ERR_USAGE, _("%s -f FILE, or -f - for standard input"), name);
	if (manifest_read(c, &c->args->files, &p->m, err) || ctl_api(c, err))
		return -1;
	sent_secrets_load(&p->secrets, c, "applied");
	return 0;
}

int
plan_load(struct planner *p, size_t from, size_t to, struct err *err)
{
	const struct schema_field *f;
	size_t i;

	for (i = from; i < to; i++) {
		if (index_of(&p->held, p->m.v[i].r, err) == NULL ||
		    (p->m.v[i].sensors != NULL &&
			index_of(&p->held, schema_find("sensor"), err) == NULL))
			return -1;
		for (f = p->m.v[i].r->fields; f->name != NULL; f++) {
			if (f->ref != NULL &&
			    index_of(&p->held, schema_find(f->ref), err) == NULL)
				return -1;
		}
	}
	return 0;
}

void
plan_close(struct planner *p)
{
	if (p->absent != 0)
		log_warn(
		    _("secrets without their file stay as they are: %zu, the first '%s'"),
		    p->absent, p->lacked);
	sent_secrets_end(&p->secrets);
	index_set_release(&p->held);
	manifest_release(&p->m);
}

void
plan_release(struct plan *plan)
{
	json_decref(plan->body);
	json_decref(plan->change);
	json_decref(plan->assign);
	json_decref(plan->unassign);
	json_decref(plan->unknown);
	*plan = (struct plan){0};
}

void
plan_keep_secrets(struct planner *p, const struct plan *plan)
{
	const char *key;
	json_t *value;

	json_object_foreach (plan->body, key, value) {
		const struct schema_field *f = schema_field(plan->item->r, key);

		if ((f->flags & SCHEMA_WRITE_ONLY) != 0 && json_is_string(value))
			sent_secrets_put(&p->secrets, p->c, plan->item->r,
			    plan->item->label, key, json_string_value(value));
	}
}
