/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/cell.h"

static const char *const resources[VIEW_PARTS] = {
    "device", "credential", "device-config", "broker", "topic", "emqx-user", "emqx-acl"};

static const char *const members[VIEW_PARTS] = {[VIEW_DEVICES] = "id",
    [VIEW_CREDENTIALS] = "dispositivo",
    [VIEW_CONFIGS] = "dispositivo",
    [VIEW_BROKERS] = "id",
    [VIEW_TOPICS] = "id",
    [VIEW_ACCOUNTS] = "dispositivo",
    [VIEW_RULES] = "username"};

bool
view_member_is(struct span object, const char *name, const char *wanted)
{
	struct buf text = {0};
	bool same = object.p != NULL && cell_member(object, name, &text) &&
	    strcmp(buf_str(&text), wanted) == 0;

	buf_release(&text);
	return same;
}

char *
view_text_of(struct span object, const char *member)
{
	struct buf text = {0};

	if (object.p != NULL)
		cell_member(object, member, &text);
	return buf_steal(&text);
}

/* Of one device, unless that is 0. */
static int
load_part(struct ctl *c, struct view *v, enum view_part part, json_int_t device,
    const char *query, struct err *err)
{
	struct err why = {0};
	int failed = device != 0
	    ? objects_of_device(c, resources[part], device, &v->v[part], &why)
	    : objects_fetch(c, resources[part], query, &v->v[part], &why);

	if (!failed)
		return 0;
	objects_release(&v->v[part]);
	v->missing[part] = true;
	v->hidden[part] = why.code == ERR_AUTH;
	if (part != VIEW_DEVICES && (why.code == ERR_NOT_FOUND || why.code == ERR_AUTH))
		return 0;
	*err = why;
	return -1;
}

/* The rules of one account are asked for by its name. */
static int
load_rules(struct ctl *c, struct view *v, bool only, struct err *err)
{
	struct buf query = {0};
	char *name;
	int failed;

	if (only && v->v[VIEW_ACCOUNTS].n != 0) {
		name = view_text_of(buf_as_span(&v->v[VIEW_ACCOUNTS].v[0]), "username");
		buf_puts(&query, "&username=");
		rest_url_escape(&query, span_of(name));
		free(name);
	}
	failed = load_part(c, v, VIEW_RULES, 0, buf_str(&query), err);
	buf_release(&query);
	return failed;
}

static void
make_indexes(struct view *v)
{
	size_t part, i;

	for (part = 0; part < VIEW_PARTS; part++) {
		for (i = 0; i < v->v[part].n; i++) {
			char *key =
			    view_text_of(buf_as_span(&v->v[part].v[i]), members[part]);

			hash_table_add(&v->index[part], hash_of(span_of(key)), i);
			free(key);
		}
	}
}

int
view_load(
    struct ctl *c, const struct lookup_found *only, struct view *out, struct err *err)
{
	static const enum view_part of_device[] = {
	    VIEW_CREDENTIALS, VIEW_CONFIGS, VIEW_ACCOUNTS};
	json_int_t device = only != NULL ? only->id : 0;
	size_t i;

	*out = (struct view){0};
	if (only != NULL)
		objects_add(&out->v[VIEW_DEVICES], buf_as_span(&only->bytes));
	else if (load_part(c, out, VIEW_DEVICES, 0, "", err))
		return -1;
	for (i = 0; i < ARRAY_LEN(of_device); i++) {
		if (load_part(c, out, of_device[i], device, "", err))
			return -1;
	}
	if (load_part(c, out, VIEW_BROKERS, 0, "", err) ||
	    load_part(c, out, VIEW_TOPICS, 0, "", err) ||
	    load_rules(c, out, only != NULL, err))
		return -1;
	make_indexes(out);
	return 0;
}

void
view_release(struct view *v)
{
	size_t i;

	for (i = 0; i < VIEW_PARTS; i++) {
		objects_release(&v->v[i]);
		hash_table_release(&v->index[i]);
	}
	*v = (struct view){0};
}

struct view_search
view_find(const struct view *v, enum view_part part, const char *value)
{
	return (struct view_search){
	    v, part, value, hash_find(&v->index[part], hash_of(span_of(value)))};
}

bool
view_next(struct view_search *s, struct span *object)
{
	size_t i;

	while (hash_next(&s->at, &i)) {
		*object = buf_as_span(&s->view->v[s->part].v[i]);
		if (view_member_is(*object, members[s->part], s->value))
			return true;
	}
	return false;
}

struct span
view_by(const struct view *v, enum view_part part, const char *member, const char *value)
{
	struct view_search s = view_find(v, part, value);
	struct span found;
	size_t i;

	/* A part that was fetched by itself has no index. */
	if (strcmp(member, members[part]) == 0 && v->index[part].n == v->v[part].n)
		return view_next(&s, &found) ? found : (struct span){0};
	for (i = 0; i < v->v[part].n; i++) {
		struct span object = buf_as_span(&v->v[part].v[i]);

		if (view_member_is(object, member, value))
			return object;
	}
	return (struct span){0};
}

struct span
view_by_id(const struct view *v, enum view_part part, const char *member, json_int_t id)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, id);
	return view_by(v, part, member, digits);
}
