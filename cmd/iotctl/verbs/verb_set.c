/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE set NAME... FIELD... */
#include "iotctl/verbs/verb.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "iotctl/apply/sent_secrets.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/view.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/output/show.h"
#include "iotctl/verbs/credential_check.h"
#include "iotctl/verbs/device_rename.h"

/* A device's id. */
#define ID_KEY "identificador_unico"

/* What `set` carries to each of its names. */
struct setting {
	const struct request *q;
	json_t **values;
	struct show show; /* where a format was asked for */
	bool shows;
};

/* Leaves in `body` only what would change. */
static void
make_change(const struct ctl *c, const struct setting *s, json_t *current, json_t *body)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;

	for (i = 0; i < s->q->n; i++)
		write_member(body, &s->q->v[i], s->values[i], current);
	json_object_foreach_safe (body, next, key, value) {
		if (equal_value(schema_field(s->q->r, key), json_object_get(current, key),
			value, c->args->api.tz) == SAME_YES)
			json_object_del(body, key);
	}
}

/* In a machine format each object is shown, changed or not. */
static int
show_set(struct ctl *c, struct setting *s, enum ctl_done done, struct span object,
    struct err *err)
{
	if (!s->shows)
		return write_result(c, s->q->r, done, object, err);
	show_object(&s->show, object);
	return 0;
}

/* A client id that is the device's id goes along with it. */
static void
add_client_id(const struct schema_resource *r, json_t *current, json_t *body)
{
	json_t *id = json_object_get(body, ID_KEY);
	json_t *client = json_object_get(current, "mqtt_client_id");

	if (strcmp(r->name, "device") == 0 && json_is_string(id) &&
	    json_object_get(body, "mqtt_client_id") == NULL && json_is_string(client) &&
	    json_equal(client, json_object_get(current, ID_KEY)))
		json_object_set(body, "mqtt_client_id", id);
}

/* What goes by the object's name when it gets another one. */
static int
follow_name(struct ctl *c, const struct schema_resource *r, json_int_t id,
    json_t *current, json_t *body, struct err *err)
{
	const char *from = json_string_value(json_object_get(current, ID_KEY));
	const char *to = json_string_value(json_object_get(body, ID_KEY));

	return strcmp(r->name, "device") == 0 && from != NULL && to != NULL
	    ? device_rename(c, id, from, to, err)
	    : 0;
}

static int
change(struct ctl *c, struct setting *s, const struct lookup_found *f, const char *path,
    struct err *err)
{
	const struct schema_resource *r = s->q->r;
	char *doing = xasprintf(_("cannot change %s '%s'"), r->name, f->label);
	struct rest_reply reply = {0};
	json_t *current = NULL;
	json_t *body = json_object();
	struct span object;
	int failed = ctl_call(c, doing, "GET", path, (struct span){0}, &reply, err);

	if (!failed) {
		/* += on a list that could not be read would replace the list. */
		current = equal_load(buf_as_span(&reply.body));
		if (!json_is_object(current)) {
			failed = err_set(err, ERR_PROTOCOL,
			    _("the API's answer to '%s' cannot be read"), path);
		} else {
			make_change(c, s, current, body);
			add_client_id(r, current, body);
			failed = credential_check(r, current, body, err);
		}
	}
	if (!failed && json_object_size(body) == 0) {
		jobs_turn(c);
		failed = ctl_object(&reply, path, &object, err) ||
		    show_set(c, s, CTL_UNCHANGED, object, err);
	} else if (!failed) {
		rest_reply_release(&reply);
		failed =
		    write_object(c, r, "PATCH", path, doing, body, &reply, &object, err);
		jobs_turn(c);
		if (!failed && !c->args->dry_run) {
			sent_secrets_note(c, r, object, body);
			failed = equal_check(c, r, f->label, body, object, err) ||
			    show_set(c, s, CTL_CHANGED, object, err);
		}
		failed = failed || follow_name(c, r, f->id, current, body, err);
	}
	rest_reply_release(&reply);
	json_decref(current);
	json_decref(body);
	free(doing);
	return failed;
}

/* The new id of a device, as it is given; NULL: none is. */
static const char *
new_id(const struct setting *s)
{
	size_t i;

	for (i = 0; i < s->q->n && strcmp(s->q->r->name, "device") == 0; i++) {
		if (strcmp(s->q->v[i].field->name, ID_KEY) == 0)
			return json_string_value(s->values[i]);
	}
	return NULL;
}

/* Whether the device has the id that it shall get, and was found by another name, which may be the id that it had:
 * nombre often is. A client id goes along with the id, so that one is a name of its own. */
static bool
may_be_renamed(struct span device, const char *name, const char *id)
{
	return strcmp(name, id) != 0 && view_member_is(device, ID_KEY, id) &&
	    !view_member_is(device, "mqtt_client_id", name);
}

/* By its name, or, when an earlier run gave it its new id and could not go on, by that. */
static int
find(struct ctl *c, const struct setting *s, const char *name, struct lookup_found *f,
    struct err *err)
{
	const char *id = new_id(s);
	struct err why = {0};
	bool there = lookup(c, s->q->r, name, f, err) == 0;
	bool begun;

	if (there && (id == NULL || !may_be_renamed(buf_as_span(&f->bytes), name, id)))
		return 0;
	if (!there &&
	    (err->code != ERR_NOT_FOUND || id == NULL ||
		lookup(c, s->q->r, id, f, &why) != 0))
		return -1;
	begun = device_rename_go_on(c, f->id, name, id, there, &why);
	if (there || begun)
		*err = why;
	if (err->code == ERR_OK)
		return 0;
	lookup_release(f);
	return -1;
}

static int
set_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	struct setting *s = arg;
	struct lookup_found f;
	char *path;
	int failed;

	if (find(c, s, name, &f, err))
		return -1;
	path = ctl_object_path(s->q->r, f.id, NULL);
	failed = change(c, s, &f, path, err);
	free(path);
	lookup_release(&f);
	return failed;
}

static int
need_both(const struct request *q, struct err *err)
{
	if (!q->named)
		return err_set(err, ERR_USAGE,
		    _("which %s? '%s set NAME... FIELD=VALUE...'"), q->r->name,
		    q->r->name);
	if (q->n == 0)
		return err_set(err, ERR_USAGE,
		    _("nothing to set: '%s set NAME... FIELD=VALUE...'"), q->r->name);
	return 0;
}

int
verb_set(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	struct setting s = {.q = &q};
	struct field_errs errs = {0};
	int failed = request_parse(c, r, in, false, &q, err) || need_both(&q, err);
	bool many = q.names.n != 1;
	size_t i;

	for (i = 0; i < in->n; i++)
		many = many || strcmp(in->v[i], "-") == 0;
	s.values = xcalloc(q.n + 1, sizeof(json_t *));
	failed = failed || write_values(c, &q, s.values, &errs, err) ||
	    ctl_field_errs(&errs, err) || (many && jobs_catch_signals(c, err));
	s.shows = !failed && !c->args->dry_run && c->args->format != FORMAT_TABLE;
	failed = failed || (s.shows && show_start(&s.show, c, r, many, err));
	if (!failed) {
		failed = jobs_each(c, c->args->jobs, &q.names, set_one, &s, err);
		if (s.shows)
			show_end(&s.show, s.show.count != 0 || q.names.n == 0);
	}
	write_values_free(s.values, q.n);
	field_errs_release(&errs);
	request_release(&q);
	return failed ? -1 : 0;
}
