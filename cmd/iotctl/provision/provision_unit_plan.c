/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Provisioning, before anything is changed: references, and what is there already. */
#include "iotctl/provision/provision_unit_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "rest/rest_url.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/output/cell.h"
#include "iotctl/verbs/device.h"

int
provision_unit_catalog(struct ctl *c, struct catalog *k, struct err *err)
{
	if (topic_set_compile(&k->set, &c->args->topics, err))
		return -1;
	k->data = topic_text(k->set.data);
	k->commands = topic_text(k->set.commands);
	k->status = topic_text(k->set.status);
	k->responses = topic_text(k->set.responses);
	k->alerts = topic_text(k->set.alerts);
	return objects_fetch(c, "broker", "", &k->brokers, err) ||
		objects_fetch(c, "topic", "", &k->topics, err) ||
		objects_fetch(c, "sensor", "", &k->sensors, err)
	    ? -1
	    : 0;
}

void
provision_unit_catalog_release(struct catalog *k)
{
	objects_release(&k->brokers);
	objects_release(&k->topics);
	objects_release(&k->sensors);
	provision_held_release(&k->held);
	topic_set_release(&k->set);
}

/* A column of the fleet file, as the field of a resource that it becomes. */
struct same {
	enum fleet_column column;
	const char *field;
};

/* The only object whose member has this value; 0 if there is none, -1 if there are several. */
static json_int_t
only_one(const struct objects *among, const char *name, const char *wanted)
{
	json_int_t id = 0;
	size_t i;

	for (i = 0; i < among->n; i++) {
		struct span object = buf_as_span(&among->v[i]);

		if (view_member_is(object, name, wanted))
			id = id == 0 ? lookup_id_of(object) : -1;
	}
	return id;
}

/* The one that is asked for. */
static int
plan_broker(const struct catalog *k, struct unit *u, struct err *err)
{
	return u->text[FLEET_BROKER] == NULL
	    ? 0
	    : lookup_among(schema_find("broker"), &k->brokers, u->text[FLEET_BROKER],
		  &u->broker, err);
}

/* For a new device-config where none is asked for. */
static int
plan_only_broker(const struct catalog *k, struct unit *u, struct err *err)
{
	if (u->has_config || u->broker != 0 || u->only_account)
		return 0;
	u->broker = only_one(&k->brokers, "is_active", "true");
	if (u->broker == 0)
		return err_set(
		    err, ERR_NOT_FOUND, _("no active broker: create one first"));
	u->lacks_broker = u->broker < 0;
	if (u->lacks_broker)
		return err_set(
		    err, ERR_USAGE, _("several active brokers: say which with broker="));
	return 0;
}

char *
provision_unit_brokers(const struct catalog *k)
{
	struct buf names = {0};
	size_t i;

	for (i = 0; i < k->brokers.n; i++) {
		struct span broker = buf_as_span(&k->brokers.v[i]);
		char *name = view_text_of(broker, "nombre");

		if (view_member_is(broker, "is_active", "true"))
			buf_printf(&names, "%s'%s'", names.n != 0 ? ", " : "", name);
		free(name);
	}
	return buf_steal(&names);
}

static int
plan_list(const struct schema_resource *r, const struct objects *among, const char *text,
    json_t *ids, struct err *err)
{
	struct strv names = {0};
	json_int_t id;
	size_t i;
	int failed = 0;

	if (text != NULL)
		strv_split(&names, text, ';');
	for (i = 0; i < names.n && !failed; i++) {
		failed = lookup_among(r, among, names.v[i], &id, err);
		if (!failed)
			json_array_append_new(ids, json_integer(id));
	}
	strv_release(&names);
	return failed;
}

static int
plan_topics(const struct catalog *k, struct unit *u, struct err *err)
{
	const struct schema_resource *topic = schema_find("topic");
	json_int_t commands;

	u->subscribe = json_array();
	if (u->text[FLEET_PUBLISH] != NULL) {
		if (lookup_among(
			topic, &k->topics, u->text[FLEET_PUBLISH], &u->publish, err))
			return -1;
	} else {
		u->publish = only_one(&k->topics, "topic_pattern", k->data);
	}
	if (u->publish < 0)
		return err_set(err, ERR_USAGE,
		    _("several topics with the pattern '%s': say which with "
		      "publish_topic="),
		    k->data);
	if (u->text[FLEET_SUBSCRIBE] != NULL)
		return plan_list(
		    topic, &k->topics, u->text[FLEET_SUBSCRIBE], u->subscribe, err);
	commands = only_one(&k->topics, "topic_pattern", k->commands);
	if (commands > 0)
		json_array_append_new(u->subscribe, json_integer(commands));
	return 0;
}

/* Compares as the platform stores it: without blanks at the ends, and 060 as 60. */
static bool
has_value(struct span object, const struct schema_field *f, const char *wanted)
{
	struct field_errs errs = {0};
	json_t *value = validate_text(f, wanted, &errs), *now = NULL;
	struct span bytes;
	bool same;

	if (json_member(object, f->name, &bytes))
		now = json_loadb(bytes.p, bytes.n, JSON_DECODE_ANY, NULL);
	same = value != NULL && equal_value(f, now, value, NULL) == SAME_YES;
	json_decref(now);
	json_decref(value);
	field_errs_release(&errs);
	return same;
}

/* Only values that were asked for are compared. */
static int
check_same(const struct unit *u, struct span object, const char *what,
    const struct same *rows, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const char *wanted = u->text[rows[i].column];
		struct buf now = {0};

		if (wanted == NULL ||
		    has_value(
			object, schema_field(schema_find(what), rows[i].field), wanted))
			continue;
		cell_member(object, rows[i].field, &now);
		err_set(err, ERR_REFUSED,
		    _("there is a %s already, with %s '%s' instead of '%s'"), what,
		    rows[i].field, buf_str(&now), wanted);
		buf_release(&now);
		return -1;
	}
	return 0;
}

static int
check_id(struct span object, const char *name, json_int_t wanted, struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, wanted);
	if (view_member_is(object, name, text))
		return 0;
	return err_set(err, ERR_REFUSED,
	    _("there is a device-config already, with another %s"), name);
}

/* The rules of a device are for the topics that its device-config has, where nothing else is asked for. */
static void
take_topics(struct unit *u, struct span config)
{
	json_t *now = equal_load(config);
	json_t *publish = json_object_get(now, "publish_topic");
	json_t *subscribe = json_object_get(now, "subscribe_topics");

	if (u->text[FLEET_PUBLISH] == NULL && json_is_integer(publish))
		u->publish = json_integer_value(publish);
	if (u->text[FLEET_SUBSCRIBE] == NULL && json_array_size(subscribe) != 0) {
		json_decref(u->subscribe);
		u->subscribe = json_incref(subscribe);
	}
	json_decref(now);
}

static int
plan_config(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err)
{
	static const struct same rows[] = {{FLEET_INTERVAL, "publish_interval"}};
	struct objects configs = {0};
	int failed =
	    provision_held_of_device(c, &k->held, HELD_CONFIGS, u->id, &configs, err);

	u->has_config = configs.n != 0;
	if (!failed && u->has_config) {
		struct span object = buf_as_span(&configs.v[0]);

		failed =
		    check_same(u, object, "device-config", rows, ARRAY_LEN(rows), err) ||
		    (u->text[FLEET_BROKER] != NULL &&
			check_id(object, "broker", u->broker, err)) ||
		    (u->text[FLEET_PUBLISH] != NULL &&
			check_id(object, "publish_topic", u->publish, err));
		take_topics(u, object);
	}
	objects_release(&configs);
	return failed ? -1 : 0;
}

static int
find_device(struct ctl *c, const struct catalog *k, const char *device, struct buf *out,
    struct err *err)
{
	struct objects found = {0};
	int failed = provision_held_find(c, &k->held, HELD_DEVICES, device, &found, err);

	if (!failed && found.n != 0)
		buf_span(out, buf_as_span(&found.v[0]));
	objects_release(&found);
	return failed;
}

static void
plan_sensors(struct unit *u, struct span device)
{
	size_t i;
	json_t *id;

	u->missing = json_array();
	json_array_foreach (u->sensors, i, id) {
		if (device.n == 0 || !device_has_sensor(device, json_integer_value(id)))
			json_array_append(u->missing, id);
	}
}

/* What there is of it already. */
static int
plan_existing(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err)
{
	static const struct same rows[] = {
	    {FLEET_NAME, "nombre"}, {FLEET_TYPE, "tipo"}, {FLEET_PLACE, "ubicacion"}};
	struct objects credentials = {0};
	struct buf device = {0};
	int failed = find_device(c, k, u->device, &device, err);

	plan_sensors(u, buf_as_span(&device));
	if (!failed && device.n != 0) {
		u->id = lookup_id_of(buf_as_span(&device));
		failed = check_same(u, buf_as_span(&device), "device", rows,
			     ARRAY_LEN(rows), err) ||
		    provision_held_of_device(
			c, &k->held, HELD_CREDENTIALS, u->id, &credentials, err) ||
		    plan_config(c, k, u, err);
		u->has_credential = credentials.n != 0;
		if (u->has_credential)
			u->credential = lookup_id_of(buf_as_span(&credentials.v[0]));
		failed = failed || provision_unit_plan_rules(c, k, u, err);
	}
	objects_release(&credentials);
	buf_release(&device);
	return failed ? -1 : 0;
}

/* Behind the errors so far. */
static void
add_err(struct err *err, const struct err *more)
{
	char *text;

	if (err->code == ERR_OK || more->code == ERR_OK) {
		*err = err->code == ERR_OK ? *more : *err;
		return;
	}
	text = xasprintf("%s; %s", err->text, more->text);
	err_set(err, err->code, "%s", text);
	free(text);
}

/* All that is named and is not there is told at once. */
static int
plan_refs(const struct catalog *k, struct unit *u, struct err *err)
{
	struct err topics = {0}, sensors = {0};

	u->sensors = json_array();
	plan_broker(k, u, err);
	plan_topics(k, u, &topics);
	plan_list(schema_find("sensor"), &k->sensors, u->text[FLEET_SENSORS], u->sensors,
	    &sensors);
	add_err(err, &topics);
	add_err(err, &sensors);
	return err->code != ERR_OK ? -1 : 0;
}

int
provision_unit_plan(
    struct ctl *c, const struct catalog *k, struct unit *u, struct err *err)
{
	return plan_refs(k, u, err) || plan_existing(c, k, u, err) ||
		plan_only_broker(k, u, err)
	    ? -1
	    : 0;
}

bool
provision_unit_is_complete(const struct unit *u)
{
	return u->id != 0 && u->has_credential && u->has_config && !u->lacks_account &&
	    json_array_size(u->missing) == 0 && json_array_size(u->rules) == 0;
}

void
provision_unit_release(struct unit *u)
{
	json_decref(u->subscribe);
	json_decref(u->sensors);
	json_decref(u->missing);
	json_decref(u->kept_rules);
	json_decref(u->rules);
	json_decref(u->old_denials);
	free(u->account_name);
	free(u->username);
	mem_free_secret(u->password);
}
