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
inventory_wants(const struct inventory *p, const char *id, struct span device,
    const struct config *config)
{
	const struct strv *named = p->opts.named;
	size_t i;

	for (i = 0; i < named->n; i++) {
		if (strcmp(named->v[i], id) == 0)
			return true;
	}
	return named->n == 0 && config->active &&
	    iotctl_child_is_true(device, "mqtt_enabled");
}

int
inventory_add(struct inventory *p, struct span device, struct err *err)
{
	const struct config *config = inventory_answers_config(&p->answers, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d;

	if (id == NULL)
		return 0;
	if (!inventory_wants(p, id, device, config)) {
		free(id);
		return 0;
	}
	d = xcalloc(1, sizeof(*d));
	d->id = id;
	d->configured = config->device > 0;
	/* There is room for a power of two: it doubles when that is full. */
	if ((p->n & (p->n - 1)) == 0)
		p->v = xreallocarray(
		    p->v, p->n == 0 ? 1 : 2 * p->n, sizeof(struct planned *));
	p->v[p->n++] = d;
	inventory_planned_put_seen(&d->seen, &p->answers, device, config);
	return inventory_planned_fill(p, d, device, config, err);
}

static bool
has_broker(const struct inventory *p, int64_t id)
{
	size_t i = 0;

	while (i < p->brokers_n && p->brokers[i]->id != id)
		i++;
	return i < p->brokers_n;
}

static int
open_broker(const struct inventory *p, struct inventory_broker *out, struct err *err)
{
	struct session_opts o = *p->opts.session;

	session_opts_reach(&o, &out->address);
	return o.tls ? session_opts_tls(&out->tls, &o, err) : 0;
}

/* Those that are new. Only where the command line and the configuration name no other. */
int
inventory_take_brokers(struct inventory *p, struct err *err)
{
	struct span rest = buf_as_span(&p->answers.brokers), object;
	int failed = 0;

	if (p->opts.broker_given)
		return 0;
	while (!failed && iotctl_child_next(&rest, &object)) {
		struct inventory_broker *o;

		if (has_broker(p, iotctl_child_number(object, "id")))
			continue;
		o = xcalloc(1, sizeof(*o));
		p->brokers = xreallocarray(
		    p->brokers, p->brokers_n + 1, sizeof(struct inventory_broker *));
		p->brokers[p->brokers_n++] = o;
		o->id = iotctl_child_number(object, "id");
		failed = broker_address_read(&o->address, object, err)
		    ? err_in(err, "--from-platform")
		    : open_broker(p, o, err);
	}
	return failed;
}

static int
check_named(struct inventory *p, struct err *err)
{
	const struct strv *named = p->opts.named;
	size_t i;

	for (i = 0; i < named->n; i++) {
		if (inventory_find(p, named->v[i]) == NULL)
			return err_set(err, ERR_NOT_FOUND,
			    _("--from-platform: the platform has no device '%s'; see "
			      "'iotctl device list'"),
			    named->v[i]);
	}
	return p->n > 0
	    ? 0
	    : err_set(err, ERR_NOT_FOUND,
		  _("--from-platform: the platform has no active device with a "
		    "configuration; see 'iotctl device-config list'"));
}

/* Named devices need no device-config, and what they do without one is not to be guessed. */
static void
tell_unconfigured(const struct inventory *p)
{
	const struct profile *built_in = p->opts.profile;
	const struct planned *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < p->n; i++) {
		if (p->v[i]->configured)
			continue;
		if (n++ == 0)
			first = p->v[i];
	}
	if (n > 0)
		log_warn(_("devices without a device-config: %zu ('%s'%s); published is "
			   "to '%s', each %g s, at QoS %d"),
		    n, first->id, n > 1 ? ", ..." : "", topic_text(built_in->data),
		    (double)built_in->interval / 1000, built_in->qos);
}

static int
add(void *arg, struct span device, struct err *err)
{
	return inventory_add(arg, device, err);
}

int
inventory_load(struct inventory **out, const struct inventory_opts *opts, struct err *err)
{
	struct inventory *p = *out = xcalloc(1, sizeof(*p));
	const struct common *c = opts->common;
	size_t i;

	p->opts = *opts;
	for (i = 0; i < DEVICES; i++) {
		if (iotctl_child_list(c->config, c->context, inventory_resources[i],
			inventory_answers_take[i], &p->answers, err))
			return -1;
	}
	inventory_answers_sort(&p->answers);
	if (inventory_take_brokers(p, err) ||
	    iotctl_child_list(
		c->config, c->context, inventory_resources[DEVICES], add, p, err))
		return -1;
	if (check_named(p, err))
		return -1;
	tell_unconfigured(p);
	return 0;
}

size_t
inventory_count(const struct inventory *p)
{
	return p->n;
}

const char *
inventory_device(const struct inventory *p, size_t i, const struct profile **profile)
{
	*profile = &p->v[i]->profile;
	return p->v[i]->id;
}

void
inventory_set_broker(const struct inventory_broker *broker, struct session_opts *o)
{
	if (broker == NULL)
		return;
	session_opts_reach(o, &broker->address);
	o->shared_tls = broker->tls;
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
	for (i = 0; i < p->brokers_n; i++) {
		tls_free(p->brokers[i]->tls);
		broker_address_release(&p->brokers[i]->address);
		free(p->brokers[i]);
	}
	free(p->v);
	free(p->brokers);
	inventory_answers_release(&p->answers);
	free(p);
}
