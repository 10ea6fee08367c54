/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The actions on devices and brokers that are one request each. */
#include "iotctl/verbs/device.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/view.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/run.h"

bool
device_has_sensor(struct span device, json_int_t sensor)
{
	struct json_iter it = {0};

	if (!json_member(device, "sensores_asignados", &it.value))
		return false;
	while (json_next(&it)) {
		struct span id;
		char digits[24];

		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, sensor);
		if (json_member(it.item, "sensor", &id) && span_is(id, digits))
			return true;
	}
	return false;
}

char *
device_name(struct span device)
{
	char *name = view_text_of(device, "identificador_unico");

	if (name[0] != '\0')
		return name;
	free(name);
	return view_text_of(device, "mqtt_client_id");
}

int
device_sensor(struct ctl *c, json_int_t device, const char *name, json_t *sensor,
    bool assign, const char *doing, struct err *err)
{
	const char *method = assign ? "POST" : "DELETE";
	struct buf id = {0}, path = {0}, body = {0};
	int failed = 0;

	request_put_body(&id, sensor, NULL);
	buf_puts(&path, "/api/devices/");
	if (device != 0)
		buf_printf(&path, "%" JSON_INTEGER_FORMAT, device);
	else
		buf_puts(&path, name);
	if (assign)
		buf_printf(&body, "{\"sensor_id\":%s}", buf_str(&id));
	buf_puts(&path, assign ? "/assign_sensor/" : "/remove_sensor/?sensor_id=");
	buf_puts(&path, assign ? "" : buf_str(&id));
	if (c->args->dry_run)
		write_show(method, buf_str(&path), assign ? buf_str(&body) : NULL);
	else
		failed = ctl_call(c, doing, method, buf_str(&path),
		    assign ? buf_as_span(&body) : (struct span){0}, NULL, err);
	buf_release(&body);
	buf_release(&path);
	buf_release(&id);
	return failed;
}

/* What goes from `device assign` to each sensor. */
struct assigning {
	struct lookup_found device;
	const char *name;
	bool assign;
};

static int
assign_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	const struct assigning *a = arg;
	enum ctl_done done = a->assign ? CTL_ASSIGNED : CTL_UNASSIGNED;
	struct lookup_found sensor;
	json_t *id;
	char *doing;
	int failed = 0;

	if (lookup(c, schema_find("sensor"), name, &sensor, err))
		return -1;
	id = json_integer(sensor.id);
	doing = xasprintf(a->assign ? _("cannot assign sensor '%s' to device '%s'")
				    : _("cannot unassign sensor '%s' from device '%s'"),
	    name, a->name);
	if (device_has_sensor(buf_as_span(&a->device.bytes), sensor.id) == a->assign)
		done = CTL_UNCHANGED;
	else
		failed =
		    device_sensor(c, a->device.id, a->name, id, a->assign, doing, err);
	if (!failed && !c->args->dry_run)
		ctl_say_done(c, done, "sensor", sensor.label, sensor.id);
	json_decref(id);
	free(doing);
	lookup_release(&sensor);
	return failed;
}

static int
run_assigning(struct ctl *c, const struct operands *in, bool assign, struct err *err)
{
	struct assigning a = {.assign = assign};
	struct strv sensors = {0};
	int failed;

	if (in->n < 2)
		return err_set(err, ERR_USAGE,
		    assign ? _("device assign ID SENSOR...")
			   : _("device unassign ID SENSOR..."));
	a.name = in->v[0];
	failed = ctl_operands(c, in, 1, &sensors, err) ||
	    lookup(c, schema_find("device"), a.name, &a.device, err) ||
	    jobs_each(c, 1, &sensors, assign_one, &a, err);
	lookup_release(&a.device);
	strv_release(&sensors);
	return failed ? -1 : 0;
}

int
run_assign(struct ctl *c, const struct operands *in, struct err *err)
{
	return run_assigning(c, in, true, err);
}

int
run_unassign(struct ctl *c, const struct operands *in, struct err *err)
{
	return run_assigning(c, in, false, err);
}

static int
switch_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	const char *action = arg;
	const struct schema_resource *r = schema_find("broker");
	const bool on = strcmp(action, "activate") == 0;
	struct lookup_found f;
	char *path, *doing;
	int failed = 0;

	if (lookup(c, r, name, &f, err))
		return -1;
	path = ctl_object_path(r, f.id, action);
	doing = xasprintf(
	    on ? _("cannot activate broker '%s'") : _("cannot deactivate broker '%s'"),
	    name);
	if (c->args->dry_run)
		write_show("POST", path, NULL);
	else
		failed = ctl_call(c, doing, "POST", path, (struct span){0}, NULL, err);
	if (!failed && !c->args->dry_run)
		ctl_say_done(
		    c, on ? CTL_ACTIVATED : CTL_DEACTIVATED, "broker", f.label, f.id);
	free(doing);
	free(path);
	lookup_release(&f);
	return failed;
}

static int
run_switch(struct ctl *c, const struct operands *in, char *action, struct err *err)
{
	struct strv names = {0};
	int failed;

	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("broker %s NAME..."), action);
	failed = ctl_operands(c, in, 0, &names, err) ||
	    jobs_each(c, 1, &names, switch_one, action, err);
	strv_release(&names);
	return failed ? -1 : 0;
}

int
run_activate(struct ctl *c, const struct operands *in, struct err *err)
{
	char action[] = "activate";

	return run_switch(c, in, action, err);
}

int
run_deactivate(struct ctl *c, const struct operands *in, struct err *err)
{
	char action[] = "deactivate";

	return run_switch(c, in, action, err);
}
