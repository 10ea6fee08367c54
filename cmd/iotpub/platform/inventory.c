/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/platform/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "tls/tls.h"
#include "iotpub/platform/inventory_int.h"

/* The platform lists them in the same order each time: it is the one behind the last one that was found,
 * all but always. */
struct planned *
inventory_find(struct inventory *p, const char *id)
{
	size_t i;

	for (i = 0; p != NULL && i < p->n; i++) {
		size_t at = (p->last + 1 + i) % p->n;

		if (strcmp(p->v[at]->id, id) != 0)
			continue;
		p->last = at;
		return p->v[at];
	}
	return NULL;
}

bool
inventory_wants(
    const struct sim *t, const char *id, struct span device, const struct config *config)
{
	size_t i;

	for (i = 0; i < t->named.n; i++) {
		if (strcmp(t->named.v[i], id) == 0)
			return true;
	}
	return t->named.n == 0 && config->active &&
	    iotctl_child_is_true(device, "mqtt_enabled");
}

int
inventory_add(struct sim *t, struct span device, struct err *err)
{
	struct inventory *p = t->platform;
	const struct config *config = inventory_answers_config(&p->answers, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d;

	if (id == NULL)
		return 0;
	if (!inventory_wants(t, id, device, config)) {
		free(id);
		return 0;
	}
	d = xcalloc(1, sizeof(*d));
	d->id = id;
	p->v = xreallocarray(p->v, p->n + 1, sizeof(struct planned *));
	p->v[p->n++] = d;
	strv_add(&t->ids, id);
	inventory_planned_put_seen(&d->seen, &p->answers, device, config);
	return inventory_planned_fill(t, d, device, config, err);
}

static bool
has_outlet(const struct inventory *p, long id)
{
	size_t i = 0;

	while (i < p->outlets_n && p->outlets[i]->id != id)
		i++;
	return i < p->outlets_n;
}

static int
open_outlet(const struct sim *t, struct inventory_broker *out, struct err *err)
{
	struct session_opts o = t->opts;

	session_opts_reach(&o, &out->address);
	return o.tls ? session_tls(&out->tls, &o, err) : 0;
}

/* Those that are new. Only where the command line and the configuration name no other. */
int
inventory_take_brokers(struct sim *t, struct err *err)
{
	struct inventory *p = t->platform;
	struct span rest = buf_as_span(&p->answers.brokers), object;
	int failed = 0;

	if (t->a->mqtt.host != NULL || t->a->mqtt.url != NULL)
		return 0;
	while (!failed && iotctl_child_next(&rest, &object)) {
		struct inventory_broker *o;

		if (has_outlet(p, iotctl_child_number(object, "id")))
			continue;
		o = xcalloc(1, sizeof(*o));
		p->outlets = xreallocarray(
		    p->outlets, p->outlets_n + 1, sizeof(struct inventory_broker *));
		p->outlets[p->outlets_n++] = o;
		o->id = iotctl_child_number(object, "id");
		failed = broker_address_read(&o->address, object, err)
		    ? err_in(err, "--from-platform")
		    : open_outlet(t, o, err);
	}
	return failed;
}

static int
check_named(const struct sim *t, struct err *err)
{
	size_t i;

	for (i = 0; i < t->named.n; i++) {
		if (inventory_find(t->platform, t->named.v[i]) == NULL)
			return err_set(err, ERR_NOT_FOUND,
			    _("--from-platform: the platform has no device '%s'; see "
			      "'iotctl device list'"),
			    t->named.v[i]);
	}
	return t->ids.n > 0
	    ? 0
	    : err_set(err, ERR_NOT_FOUND,
		  _("--from-platform: the platform has no active device with a "
		    "configuration; see 'iotctl device-config list'"));
}

static int
add(void *arg, struct span device, struct err *err)
{
	return inventory_add(arg, device, err);
}

int
inventory_ask(struct sim *t, struct err *err)
{
	const struct common *c = &t->a->common;
	struct answers *a;
	size_t i;

	t->platform = xcalloc(1, sizeof(*t->platform));
	t->named = t->ids;
	t->ids = (struct strv){0};
	a = &t->platform->answers;
	for (i = 0; i < DEVICES; i++) {
		if (iotctl_child_list(c->config, c->context, platform_resources[i],
			answers_take[i], a, err))
			return -1;
	}
	inventory_answers_sort(a);
	if (inventory_take_brokers(t, err) ||
	    iotctl_child_list(
		c->config, c->context, platform_resources[DEVICES], add, t, err))
		return -1;
	return check_named(t, err);
}

const struct profile *
inventory_profile(const struct sim *t, const char *id)
{
	const struct planned *d = inventory_find(t->platform, id);

	return d != NULL ? &d->profile : &t->profile;
}

/* NULL: that of the command line. */
static const struct inventory_broker *
outlet_of(const struct sim *t, const struct profile *profile)
{
	if (profile == &t->profile)
		return NULL;
	return ((const struct planned *)(const void *)((const char *)profile -
		    offsetof(struct planned, profile)))
	    ->outlet;
}

const void *
inventory_broker(const struct sim *t, const struct profile *profile)
{
	return outlet_of(t, profile);
}

void
inventory_login(
    const struct sim *t, const struct profile *profile, struct session_opts *o)
{
	const struct inventory_broker *outlet = outlet_of(t, profile);

	if (outlet == NULL)
		return;
	session_opts_reach(o, &outlet->address);
	o->shared_tls = outlet->tls;
}

void
inventory_free(struct inventory *p)
{
	size_t i;

	if (p == NULL)
		return;
	inventory_refresh_free(p->refresh);
	loop_timer_stop(&p->timer);
	for (i = 0; i < p->n; i++) {
		inventory_planned_clear(p->v[i]);
		free(p->v[i]->id);
		buf_release(&p->v[i]->seen);
		free(p->v[i]);
	}
	for (i = 0; i < p->outlets_n; i++) {
		tls_free(p->outlets[i]->tls);
		broker_address_release(&p->outlets[i]->address);
		free(p->outlets[i]);
	}
	free(p->v);
	free(p->outlets);
	inventory_answers_release(&p->answers);
	free(p);
}
