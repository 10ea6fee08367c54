/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/value.h"
#include "iotctl/ctl_call.h"
#include "iotctl/output/show.h"

void
write_show(const char *method, const char *path, const char *body)
{
	printf("%s %s%s%s\n", method, path, body != NULL ? " " : "",
	    body != NULL ? body : "");
}

int
write_result(struct ctl *c, const struct schema_resource *r, enum ctl_done done,
    struct span object, struct err *err)
{
	struct show s;
	char *label;

	if (c->args->format == FORMAT_TABLE) {
		label = lookup_label_of(r, object);
		ctl_say_done(c, done, r->name, label, lookup_id_of(object));
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
write_object(struct ctl *c, const struct schema_resource *r, const char *method,
    const char *path, const char *doing, json_t *body, struct rest_reply *reply,
    struct span *object, struct err *err)
{
	struct buf text = {0};
	int failed = 0;

	*object = (struct span){0};
	request_put_body(&text, body, c->args->dry_run ? r : NULL);
	if (c->args->dry_run) {
		jobs_turn(c);
		write_show(method, path, buf_str(&text));
	} else {
		failed =
		    ctl_call(c, doing, method, path, buf_as_span(&text), reply, err) ||
		    ctl_object(reply, path, object, err);
	}
	explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed ? -1 : 0;
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
