/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE create [NAME] FIELD..., and what it shares with set. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/value.h"
#include "iotctl/core/write.h"
#include "iotctl/output/show.h"
#include "iotctl/verbs/verb.h"

void
verb_say_request(const char *method, const char *path, const char *body)
{
	printf("%s %s%s%s\n", method, path, body != NULL ? " " : "",
	    body != NULL ? body : "");
}

int
write_result(struct ctl *c, const struct schema_resource *r, const char *what,
    const struct rest_reply *reply, struct err *err)
{
	struct show s;
	struct span object;
	char *label;

	if (ctl_object(reply, r->path, &object, err))
		return -1;
	if (c->args->format == FORMAT_TABLE && !c->args->json) {
		label = lookup_label_of(r, object);
		ctl_say(c, "%s %s '%s' (id %" JSON_INTEGER_FORMAT ")", what, r->name,
		    label, lookup_id_of(object));
		free(label);
		return 0;
	}
	if (show_start(&s, c, r, false, err))
		return -1;
	show_object(&s, object);
	show_end(&s, true);
	return 0;
}

int
write_send(struct ctl *c, const struct schema_resource *r, const char *method,
    const char *path, const char *doing, json_t *body, struct rest_reply *reply,
    struct err *err)
{
	struct buf text = {0};
	int failed = 0;

	request_put_body(&text, body, c->args->dry_run ? r : NULL);
	if (c->args->dry_run) {
		jobs_turn(c);
		verb_say_request(method, path, buf_str(&text));
	} else {
		failed = ctl_call(c, doing, method, path, buf_as_span(&text), reply, err);
	}
	explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed;
}

/* Adds to or takes from a list of ids, in place. */
static void
change_list(json_t *list, json_t *ids, bool add)
{
	size_t i, j;
	json_t *id;

	json_array_foreach (ids, i, id) {
		for (j = 0; j < json_array_size(list); j++) {
			if (json_equal(json_array_get(list, j), id))
				break;
		}
		if (add && j == json_array_size(list))
			json_array_append(list, id);
		else if (!add && j < json_array_size(list))
			json_array_remove(list, j);
	}
}

void
write_member(json_t *body, const struct assign *a, json_t *value, json_t *current)
{
	json_t *list = json_object_get(body, a->field->name);

	if (a->op != FIELD_ADD && a->op != FIELD_DROP) {
		json_object_set(body, a->field->name, value);
		return;
	}
	if (list == NULL) {
		list = json_copy(json_object_get(current, a->field->name));
		if (!json_is_array(list)) {
			json_decref(list);
			list = json_array();
		}
		json_object_set_new(body, a->field->name, list);
	}
	change_list(list, value, a->op == FIELD_ADD);
}

int
write_values(struct ctl *c, const struct request *q, json_t **values,
    struct field_errs *errs, struct err *err)
{
	size_t i;

	for (i = 0; i < q->n; i++) {
		size_t before = errs->n;

		values[i] = value_of(c, &q->v[i], errs, err);
		if (values[i] == NULL && errs->n == before)
			return -1;
	}
	return 0;
}

void
write_values_free(json_t **values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		json_decref(values[i]);
	free(values);
}

/* create NAME: the natural key without its field's name. */
static int
put_name(struct ctl *c, const struct request *q, json_t *body, struct field_errs *errs,
    struct err *err)
{
	const struct schema_field *key;
	size_t before = errs->n;
	json_t *value;

	if (q->names.n == 0)
		return 0;
	if (q->names.n > 1 || q->r->keys[0] == NULL)
		return err_set(err, ERR_USAGE, _("'%s': create takes %s and FIELD=VALUE"),
		    q->names.v[q->names.n - 1],
		    q->r->keys[0] != NULL ? _("one NAME") : _("only"));
	key = schema_field(q->r, q->r->keys[0]);
	value = value_of_text(c, key, q->names.v[0], errs, err);
	if (value == NULL)
		return errs->n != before ? 0 : -1;
	json_object_set_new(body, key->name, value);
	return 0;
}

/* A secret that must be there is asked for when there is somebody to ask. */
static int
ask_secrets(const struct request *q, json_t *body, struct err *err)
{
	const struct schema_field *f;

	for (f = q->r->fields; f->name != NULL; f++) {
		unsigned both = SCHEMA_REQUIRED | SCHEMA_WRITE_ONLY;
		char *text = NULL;

		if ((f->flags & both) != both || json_object_get(body, f->name) != NULL ||
		    !tty_is_there())
			continue;
		if (tty_ask(f->name, true, &text, err))
			return -1;
		json_object_set_new(body, f->name, json_string(text));
		mem_free_secret(text);
	}
	return 0;
}

static bool
is_told(const struct field_errs *errs, size_t n, const char *field)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(errs->v[i].field, field) == 0)
			return true;
	}
	return false;
}

/* Adds what is missing. A wrong value is not in the body: that it is missing would be news to
 * nobody. */
static void
check_whole(const struct schema_resource *r, json_t *body, struct field_errs *errs)
{
	struct field_errs more = {0};
	size_t told = errs->n;
	size_t i;

	json_decref(validate_body(r, body, false, &more));
	for (i = 0; i < more.n; i++) {
		if (!is_told(errs, told, more.v[i].field))
			field_errs_add(errs, more.v[i].field, "%s", more.v[i].text);
	}
	field_errs_release(&more);
}

static int
make_body(struct ctl *c, const struct request *q, json_t *body, struct err *err)
{
	json_t **values = xcalloc(q->n + 1, sizeof(json_t *));
	struct field_errs errs = {0};
	size_t i;
	int failed =
	    put_name(c, q, body, &errs, err) || write_values(c, q, values, &errs, err);

	for (i = 0; i < q->n && !failed; i++) {
		if (values[i] != NULL)
			write_member(body, &q->v[i], values[i], NULL);
	}
	if (!failed && errs.n == 0)
		failed = ask_secrets(q, body, err);
	if (!failed)
		check_whole(q->r, body, &errs);
	failed = failed || ctl_field_errs(&errs, err);
	write_values_free(values, q->n);
	field_errs_release(&errs);
	return failed ? -1 : 0;
}

/* It is there, if not as it was wanted. The times of readings are shown in a zone that may not be
 * known. */
static int
check_created(struct ctl *c, const struct schema_resource *r, json_t *body,
    const struct rest_reply *reply, struct err *err)
{
	bool reading = strcmp(r->name, "reading") == 0;
	struct err why = {0};
	struct span object;
	json_t *sent;
	char *label;
	int failed;

	if (ctl_object(reply, r->path, &object, err))
		return -1;
	label = lookup_label_of(r, object);
	sent = reading ? json_incref(json_object_get(body, "timestamp")) : NULL;
	if (reading)
		json_object_del(body, "timestamp");
	failed = equal_check(c, r, label, body, object, err);
	if (json_is_string(sent) && !c->args->server_time &&
	    equal_reading_time(c, json_string_value(sent), reply, &why)) {
		if (failed)
			log_err(err);
		*err = why;
		failed = -1;
	}
	json_decref(sent);
	free(label);
	return failed ? -1 : 0;
}

int
verb_create(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    struct err *err)
{
	struct request q;
	struct rest_reply reply = {0};
	json_t *body = json_object();
	char *doing = xasprintf("cannot create %s", r->name);
	int failed = request_parse(c, r, in, false, &q, err) ||
	    make_body(c, &q, body, err) ||
	    (write_send(c, r, "POST", r->path, doing, body, &reply, err) &&
		ctl_no_resource(c, r, err));

	if (!failed && !c->args->dry_run)
		failed = write_result(c, r, _("created"), &reply, err) ||
		    check_created(c, r, body, &reply, err);
	rest_reply_release(&reply);
	free(doing);
	json_decref(body);
	request_release(&q);
	return failed ? -1 : 0;
}
