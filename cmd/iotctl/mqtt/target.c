/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which device, and which broker it is on. */
#include "iotctl/mqtt/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/ctl_call.h"
#include "iotctl/output/cell.h"

bool
target_has_broker(const struct ctl *c)
{
	return mqtt_options_name_broker(&c->args->mqtt);
}

static bool
take_as_it_is(const struct ctl *c, const char *name, const struct err *why)
{
	bool no_api = why->code == ERR_UNREACHABLE || why->code == ERR_AUTH;

	return no_api && target_has_broker(c) &&
	    topic_check_id(span_of(name), "", NULL) == 0;
}

int
target_find(struct ctl *c, const char *name, struct target *out, struct err *err)
{
	struct lookup_found f;
	struct buf id = {0};
	struct err why = {0};
	int failed = 0;

	*out = (struct target){0};
	if (lookup(c, schema_find("device"), name, &f, &why)) {
		if (!take_as_it_is(c, name, &why)) {
			*err = why;
			return -1;
		}
		log_warn(_("'%s' is not checked: %s"), name, why.text);
		out->id = xstrdup(name);
		return 0;
	}
	out->number = f.id;
	if (cell_member(buf_as_span(&f.bytes), "identificador_unico", &id))
		failed = topic_check_id(buf_as_span(&id), _("device id"), err);
	else
		failed = err_set(
		    err, ERR_PROTOCOL, _("device '%s' has no identificador_unico"), name);
	out->id = buf_steal(&id);
	lookup_release(&f);
	return failed;
}

static int
get_broker(struct ctl *c, const char *id, struct target *t, struct err *err)
{
	char *path = ctl_path(schema_find("broker"), id, NULL);
	struct rest_reply reply = {0};
	struct span broker;
	int failed = ctl_call(
	    c, _("cannot get the broker"), "GET", path, (struct span){0}, &reply, err);

	if (!failed)
		failed = ctl_object(&reply, path, &broker, err) ||
		    broker_address_read(&t->broker, broker, err);
	rest_reply_release(&reply);
	free(path);
	return failed ? -1 : 0;
}

/* By the device's number: its name may be the number of another one's configuration. */
static int
find_broker_id(struct ctl *c, json_int_t device, struct buf *id, struct err *err)
{
	struct objects all = {0};
	char digits[24];
	size_t i;
	int failed = objects_of_device(c, "device-config", device, &all, err);

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, device);
	for (i = 0; i < all.n && id->n == 0; i++) {
		if (view_member_is(buf_as_span(&all.v[i]), "dispositivo", digits))
			cell_member(buf_as_span(&all.v[i]), "broker", id);
	}
	objects_release(&all);
	return failed;
}

static int
ask_platform(struct ctl *c, struct target *t, struct err *err)
{
	struct buf id = {0};
	int failed = t->number != 0 && find_broker_id(c, t->number, &id, err) != 0;

	if (!failed && id.n == 0)
		failed = err_set(err, t->number != 0 ? ERR_NOT_FOUND : ERR_USAGE,
		    _("no broker for '%s': name it with --mqtt-url, or give the device a "
		      "device-config"),
		    t->id);
	failed = failed || get_broker(c, buf_str(&id), t, err);
	buf_release(&id);
	return failed ? -1 : 0;
}

int
target_broker(struct ctl *c, const char *name, struct target *out, struct err *err)
{
	struct lookup_found f;
	int failed;

	*out = (struct target){0};
	if (lookup(c, schema_find("broker"), name, &f, err))
		return -1;
	failed = broker_address_read(&out->broker, buf_as_span(&f.bytes), err);
	lookup_release(&f);
	return failed;
}

int
target_connection(
    struct ctl *c, struct target *t, struct session_opts *out, struct err *err)
{
	struct mqtt_options *o = &c->args->mqtt;
	bool lends;
	int failed;

	if (t->broker.host == NULL && !target_has_broker(c) && ask_platform(c, t, err))
		return -1;
	/* The platform knows the user, but never tells the password. */
	lends = o->username == NULL && (o->password_file != NULL || o->password != NULL);
	mqtt_options_release(o);
	if (lends)
		o->username = t->broker.username;
	failed = mqtt_options_resolve(o, c->set, out, err);
	if (lends)
		o->username = NULL;
	if (failed)
		return -1;
	if (t->broker.host != NULL) {
		session_opts_reach(out, &t->broker);
		out->tls |= o->cafile != NULL || o->capath != NULL || o->cert != NULL ||
		    o->insecure;
	}
	out->clean = true;
	return 0;
}

void
target_release(struct target *t)
{
	free(t->id);
	broker_address_release(&t->broker);
	*t = (struct target){0};
}
