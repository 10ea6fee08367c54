/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RESOURCE create [NAME] FIELD... */
#include "iotctl/verbs/verb.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotctl/apply/sent_secrets.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/value.h"
#include "iotctl/core/write.h"
#include "iotctl/verbs/credential_check.h"

/* create NAME: the natural key without its field's name. */
static int
put_name(struct ctl *c, const struct request *q, json_t *body, struct field_errs *errs,
    struct err *err)
{
	const struct schema_field *key;
	size_t before = errs->n, i;
	json_t *value;

	if (q->names.n == 0)
		return 0;
	if (q->names.n > 1 || q->r->keys[0] == NULL)
		return err_set(err, ERR_USAGE,
		    q->r->keys[0] != NULL
			? _("'%s': create takes one NAME and FIELD=VALUE")
			: _("'%s': create takes FIELD=VALUE only"),
		    q->names.v[q->names.n - 1]);
	key = schema_field(q->r, q->r->keys[0]);
	for (i = 0; i < q->n; i++) {
		if (q->v[i].field == key)
			return err_set(err, ERR_USAGE,
			    _("'%s' is the %s of the new %s already: '%s=' gives it "
			      "twice"),
			    q->names.v[0], key->name, q->r->name, key->name);
	}
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

/* Adds the errors of fields that are missing. A field whose value is wrong is not in
 * the body, and has its error already. */
static void
check_whole(const struct schema_resource *r, json_t *body, struct field_errs *errs)
{
	struct field_errs more = {0};
	size_t told = errs->n;
	size_t i;

	json_decref(validate_body(r, body, false, &more));
	for (i = 0; i < more.n; i++) {
		if (is_told(errs, told, more.v[i].field))
			continue;
		field_errs_add(errs, more.v[i].field, "%s", more.v[i].text);
		if (more.v[i].hint != NULL)
			field_errs_hint(errs, xstrdup(more.v[i].hint));
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
	failed = failed || ctl_field_errs(&errs, err) ||
	    credential_check(q->r, NULL, body, err);
	write_values_free(values, q->n);
	field_errs_release(&errs);
	return failed ? -1 : 0;
}

/* The object exists; this checks whether it is what was asked for. Times of readings
 * are compared apart: the API may show them in an unknown zone. */
static int
check_created(struct ctl *c, const struct schema_resource *r, json_t *body,
    const struct rest_reply *reply, struct span object, struct err *err)
{
	bool reading = strcmp(r->name, "reading") == 0;
	json_t *sent = reading ? json_incref(json_object_get(body, "timestamp")) : NULL;
	char *label = lookup_label_of(r, object);
	struct err why = {0};
	int failed;

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
	char *doing = xasprintf(_("cannot create %s"), r->name);
	struct span object;
	int failed = request_parse(c, r, in, false, &q, err) ||
	    make_body(c, &q, body, err) ||
	    (write_object(c, r, "POST", r->path, doing, body, &reply, &object, err) &&
		ctl_no_resource(c, r, err));

	if (!failed && !c->args->dry_run) {
		sent_secrets_note(c, r, object, body);
		failed = write_result(c, r, CTL_CREATED, object, err) ||
		    check_created(c, r, body, &reply, object, err);
	}
	rest_reply_release(&reply);
	free(doing);
	json_decref(body);
	request_release(&q);
	return failed ? -1 : 0;
}
