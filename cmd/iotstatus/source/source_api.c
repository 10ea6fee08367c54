/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotstatus/source/source.h"
#include "iotstatus/verdict.h"

int
source_api_counts(struct rest *api, struct counts *c, struct err *err)
{
	struct rest_reply reply = {0};
	int failed = rest_call(api, "GET", "/api/mqtt/device-status/", (struct span){0},
			 &reply, err) ||
	    verdict_read(c, buf_as_span(&reply.body), err);

	rest_reply_release(&reply);
	return failed ? -1 : 0;
}

enum field { ID, ALIAS, STATE, SEEN, GROUP, FIELDS };

struct reader {
	struct device_table *fleet;
	const char *keys[FIELDS];
	struct buf text[FIELDS];
	bool there[FIELDS];
	bool silent; /* it does not speak MQTT */
	int64_t number;
	const char *state; /* only those in it; NULL: all */
};

/* One pass over the members: a fleet has a hundred thousand of them. */
static void
read_members(struct reader *r, struct span object)
{
	struct json_iter it = {.value = object};
	int i;

	r->number = 0;
	r->silent = false;
	for (i = 0; i < FIELDS; i++) {
		buf_clear(&r->text[i]);
		r->there[i] = false;
	}
	while (json_next(&it)) {
		struct span key = {it.key.p + 1, it.key.n - 2};

		if (span_is(key, "id"))
			r->number = strtoll(it.item.p, NULL, 10);
		if (span_is(key, "mqtt_enabled"))
			r->silent = json_kind(it.item) == JSON_KIND_FALSE;
		for (i = 0; i < FIELDS; i++) {
			if (r->keys[i] == NULL || !span_is(key, r->keys[i]) ||
			    json_kind(it.item) != JSON_KIND_STRING)
				continue;
			json_unescape(&r->text[i], it.item);
			r->there[i] = true;
		}
	}
}

static int
read_reported(struct reader *r, struct device_seen *s, struct err *err)
{
	enum presence state;

	if (!presence_by_name(buf_as_span(&r->text[STATE]), &state))
		return err_set(err, ERR_PROTOCOL,
		    _("the API's device '%s' has the connection_status '%s', not online, "
		      "offline "
		      "or error"),
		    buf_str(&r->text[ID]), buf_str(&r->text[STATE]));
	*s = (struct device_seen){.known = true, .state = state};
	if (r->there[SEEN])
		s->seen = source_time(buf_str(&r->text[SEEN]));
	if (s->state != PRESENCE_ONLINE)
		s->since = s->seen;
	if (s->state == PRESENCE_OFFLINE && !r->there[SEEN])
		s->state = PRESENCE_NEVER;
	return 0;
}

static int
on_device(void *arg, struct span object, struct err *err)
{
	struct reader *r = arg;
	struct device *d;

	read_members(r, object);
	if (r->text[ID].n == 0)
		return err_set(err, ERR_PROTOCOL, _("a device of the API has no id"));
	/* Some backends ignore filters. */
	if (r->silent ||
	    (r->state != NULL && strcmp(r->state, buf_str(&r->text[STATE])) != 0))
		return 0;
	d = device_table_get(r->fleet, buf_as_span(&r->text[ID]));
	d->listed = true;
	d->number = r->number;
	if (r->keys[GROUP] != NULL)
		d->group = device_table_group(r->fleet,
		    r->there[GROUP] ? buf_as_span(&r->text[GROUP]) : SPAN("none"));
	if (r->there[ALIAS] && strcmp(buf_str(&r->text[ALIAS]), d->id) != 0) {
		free(d->alias);
		d->alias = xstrdup(buf_str(&r->text[ALIAS]));
	}
	return read_reported(r, &d->reported[VIEW_SOURCE], err);
}

/* The list changed while it was read, and comes again. */
static void
forget_devices(void *arg)
{
	struct reader *r = arg;
	size_t i;

	for (i = 0; i < r->fleet->n; i++) {
		r->fleet->v[i].listed = false;
		r->fleet->v[i].reported[VIEW_SOURCE] = (struct device_seen){0};
	}
}

int
source_api_devices(struct rest *api, struct device_table *f, const char *by,
    const char *state, struct err *err)
{
	struct reader r = {.fleet = f,
	    .keys = {"identificador_unico", "mqtt_client_id", "connection_status",
		"last_seen", by},
	    .state = state};
	char *filters = xasprintf("&mqtt_enabled=true%s%s",
	    state != NULL ? "&connection_status=" : "", state != NULL ? state : "");
	char *path = rest_list_path(schema_find("device"), filters, NULL, 0);
	int failed = rest_list_again(api, path, on_device, forget_devices, &r, err);
	int i;

	for (i = 0; i < FIELDS; i++)
		buf_release(&r.text[i]);
	free(path);
	free(filters);
	return failed;
}

struct numbered {
	int64_t number;
	size_t at;
};

struct configs {
	struct device_table *fleet;
	struct numbered *v;
	size_t n;
	bool groups;
	struct buf text;
};

static int
by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int
on_config(void *arg, struct span object, struct err *err)
{
	struct configs *c = arg;
	struct span value;
	const struct numbered *found;
	struct device *d;

	(void)err;
	if (!json_member(object, "dispositivo", &value))
		return 0;
	found = bsearch(&(struct numbered){.number = strtoll(value.p, NULL, 10)}, c->v,
	    c->n, sizeof(*c->v), by_number);
	if (found == NULL)
		return 0;
	d = &c->fleet->v[found->at];
	buf_clear(&c->text);
	if (d->reported[VIEW_SOURCE].state == PRESENCE_ONLINE &&
	    json_member_string(object, "last_connection", &c->text))
		d->reported[VIEW_SOURCE].since = source_time(buf_str(&c->text));
	buf_clear(&c->text);
	if (c->groups && json_member_string(object, "broker_nombre", &c->text))
		d->group = device_table_group(c->fleet, buf_as_span(&c->text));
	return 0;
}

int
source_api_configs(struct rest *api, struct device_table *f, bool groups, struct err *err)
{
	struct configs c = {.fleet = f, .n = f->n, .groups = groups};
	char *path = rest_list_path(schema_find("device-config"), "", NULL, 0);
	size_t i;
	int failed;

	c.v = xcalloc(f->n + 1, sizeof(*c.v));
	for (i = 0; i < f->n; i++) {
		c.v[i] = (struct numbered){f->v[i].number, i};
		if (groups)
			f->v[i].group = device_table_group(f, SPAN("none"));
	}
	qsort(c.v, c.n, sizeof(*c.v), by_number);
	failed = rest_list(api, path, on_config, &c, err);
	free(path);
	free(c.v);
	buf_release(&c.text);
	return failed;
}

/* An operator sees the devices assigned to them, everyone else all of them. */
static char *
describe(struct span user)
{
	struct buf name = {0}, role = {0};
	struct span detail, flag;
	char *text;

	if (!json_member_string(user, "username", &name))
		buf_puts(&name, "?");
	if (json_member(user, "rol_detail", &detail) &&
	    json_kind(detail) == JSON_KIND_OBJECT)
		json_member_string(detail, "nombre", &role);
	if (json_member(user, "is_superuser", &flag) && json_kind(flag) == JSON_KIND_TRUE)
		text =
		    xasprintf(_("seen by '%s' (superuser: all devices)"), buf_str(&name));
	else if (strcmp(buf_str(&role), "operador") == 0)
		text = xasprintf(
		    _("seen by '%s' (operador: own devices only)"), buf_str(&name));
	else
		text = xasprintf(_("seen by '%s'"), buf_str(&name));
	buf_release(&name);
	buf_release(&role);
	return text;
}

int
source_api_view(struct rest *api, char **out, struct err *err)
{
	struct rest_reply reply = {0};
	struct span user;
	int failed =
	    rest_call(api, "GET", "/api/users/me/", (struct span){0}, &reply, err);

	/* simplejwt alone has no such resource. */
	if (failed && reply.status == 404) {
		rest_reply_release(&reply);
		*err = (struct err){0};
		return 0;
	}
	if (!failed &&
	    (!json_check(buf_as_span(&reply.body), &user, NULL) ||
		json_kind(user) != JSON_KIND_OBJECT))
		failed = err_set(err, ERR_PROTOCOL,
		    _("the API's answer to '/api/users/me/' is no JSON object"));
	if (!failed)
		*out = describe(user);
	rest_reply_release(&reply);
	return failed;
}
