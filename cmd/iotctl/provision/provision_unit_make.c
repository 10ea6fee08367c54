/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Provisioning one device. Each step records how it is taken back. */
#include "iotctl/provision/provision_unit_int.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/account.h"
#include "iotctl/verbs/device.h"

void
provision_unit_undo_by(struct undo *u, char *path)
{
	strv_add(&u->paths, path);
	free(path);
}

/* In reverse; what cannot be taken back is told, and the rest goes on. */
static void
undo_run(struct ctl *c, struct undo *u, struct err *err)
{
	while (u->paths.n != 0) {
		char *path = u->paths.v[--u->paths.n];
		struct err why = {0};

		if (ctl_call(c, path, "DELETE", path, (struct span){0}, NULL, &why))
			err_in(err, _("'%s' could not be undone (%s)"), path, why.text);
		free(path);
	}
}

json_t *
provision_unit_device_body(const struct unit *u)
{
	const char *name = u->text[FLEET_NAME];
	const char *type = u->text[FLEET_TYPE];
	const char *place = u->text[FLEET_PLACE];

	return json_pack("{s:s, s:s, s:s, s:s, s:b}", "identificador_unico", u->device,
	    "nombre", name != NULL ? name : u->device, "tipo",
	    type != NULL ? type : "otro", "ubicacion", place != NULL ? place : "-",
	    "mqtt_enabled", 1);
}

/* Only --dry-run meets a device without a number: it shows the name instead. */
static json_t *
device_ref(const struct unit *u)
{
	return u->id != 0 ? json_integer(u->id) : json_string(u->device);
}

json_t *
provision_unit_credential_body(const struct unit *u)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:b}", "dispositivo", device_ref(u),
	    "client_id", u->device, "username", u->username, "password", u->password,
	    "is_active", 1);
}

json_t *
provision_unit_config_body(const struct unit *u)
{
	const char *interval = u->text[FLEET_INTERVAL];
	json_t *body = json_pack("{s:o, s:I, s:O}", "dispositivo", device_ref(u),
	    "broker", u->broker, "subscribe_topics", u->subscribe);

	json_object_set_new(body, "publish_topic",
	    u->publish != 0 ? json_integer(u->publish) : json_null());
	if (interval != NULL)
		json_object_set_new(
		    body, "publish_interval", json_integer(strtoll(interval, NULL, 10)));
	return body;
}

int
provision_unit_post(struct ctl *c, const char *resource, json_t *body, json_int_t *id,
    struct undo *undo, struct err *err)
{
	const struct schema_resource *r = schema_find(resource);
	struct rest_reply reply = {0};
	struct span object;
	char *doing = xasprintf(_("cannot create %s"), r->name);
	int failed =
	    write_object(c, r, "POST", r->path, doing, body, &reply, &object, err);

	if (!failed && (*id = lookup_id_of(object)) == 0)
		failed = err_set(err, ERR_PROTOCOL, _("the new %s has no id"), r->name);
	if (!failed)
		provision_unit_undo_by(undo, ctl_object_path(r, *id, NULL));
	if (!failed) {
		char *label = lookup_label_of(r, object);

		failed = equal_check(c, r, label, body, object, err);
		free(label);
	}
	rest_reply_release(&reply);
	json_decref(body);
	free(doing);
	return failed;
}

static int
make_sensors(struct ctl *c, struct unit *u, struct undo *undo, struct err *err)
{
	size_t i;
	json_t *item;

	json_array_foreach (u->missing, i, item) {
		json_int_t id = json_integer_value(item);

		if (device_sensor(c, u->id, u->device, item, true,
			_("cannot assign a sensor"), err))
			return -1;
		provision_unit_undo_by(undo,
		    xasprintf("/api/devices/%" JSON_INTEGER_FORMAT
			      "/remove_sensor/?sensor_id=%" JSON_INTEGER_FORMAT,
			u->id, id));
	}
	return 0;
}

/* The Django backend makes each device an account at the broker with a password that nobody is ever
 * told; EMQX asks for that one. A platform without such accounts has nothing here. */
static int
make_account(struct ctl *c, const struct catalog *k, struct unit *u, bool fresh,
    struct undo *undo, struct err *err)
{
	if (provision_unit_plan_rules(c, k, u, err))
		return -1;
	if (!u->has_credential && u->account != 0 &&
	    (fresh ? provision_unit_replace_account(c, u, undo, err)
		   : account_set_password(c, u->account, u->password, err)))
		return -1;
	return provision_unit_make_rules(c, u, undo, err);
}

static int
make_all(struct ctl *c, const struct catalog *k, struct unit *u, struct undo *undo,
    struct err *err)
{
	bool fresh = u->id == 0;
	json_int_t id;

	if (fresh &&
	    provision_unit_post(
		c, "device", provision_unit_device_body(u), &u->id, undo, err))
		return -1;
	if (make_sensors(c, u, undo, err))
		return -1;
	if (!u->has_credential &&
	    provision_unit_post(
		c, "credential", provision_unit_credential_body(u), &id, undo, err))
		return -1;
	if (!u->has_config &&
	    provision_unit_post(
		c, "device-config", provision_unit_config_body(u), &id, undo, err))
		return -1;
	if (make_account(c, k, u, fresh, undo, err))
		return -1;
	/* A new account beside an old credential. */
	return u->has_credential && u->makes_account
	    ? account_set_credential(c, u->credential, u->password, err)
	    : 0;
}

int
provision_unit_make(
    struct ctl *c, const struct catalog *k, struct unit *u, struct err *err)
{
	struct undo undo = {0};
	int failed = make_all(c, k, u, &undo, err);

	if (failed)
		undo_run(c, &undo, err);
	strv_release(&undo.paths);
	return failed;
}

int
provision_unit_restore(struct ctl *c, const char *device, const char *username,
    const char *password, struct err *err)
{
	struct catalog k = {0};
	struct unit u = {.device = device,
	    .username = xstrdup(username),
	    .password = xstrdup(password),
	    .only_account = true};
	struct undo undo = {0};
	int failed = provision_unit_catalog(c, &k, err) ||
	    provision_unit_plan(c, &k, &u, err) ||
	    provision_unit_make_rules(c, &u, &undo, err);

	if (failed)
		undo_run(c, &undo, err);
	strv_release(&undo.paths);
	provision_unit_release(&u);
	provision_unit_catalog_release(&k);
	return failed ? -1 : 0;
}
