/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What new answers of the platform change, while the devices go on. */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "iotpub/platform/inventory_int.h"

/* What cannot be done changes nothing. */
static int
fill_anew(struct act *t, struct planned *d, struct span device, struct span config,
    struct err *err)
{
	struct planned now = {.id = d->id, .outlet = d->outlet};
	char *topic = NULL;
	int failed = planned_fill(t, &now, device, config, err);

	if (!failed && device_expand(now.profile.data, d->id, 0, &topic, err))
		failed = err_in(err, _("device '%s'"), d->id);
	free(topic);
	if (failed) {
		planned_clear(&now);
		return -1;
	}
	planned_clear(d);
	d->topic = now.topic;
	d->sensors = now.sensors;
	d->outlet = now.outlet;
	d->profile = now.profile;
	if (now.profile.sensors == &now.sensors)
		d->profile.sensors = &d->sensors;
	return 0;
}

/* The device goes on with what it is told now; its walks begin again. */
static void
change(struct act *t, struct planned *d, struct span device, struct span config)
{
	const struct outlet *before = d->outlet;
	struct err err = {0};
	size_t i;

	if (fill_anew(t, d, device, config, &err)) {
		log_err(&err);
		return;
	}
	for (i = 0; i < t->n; i++) {
		if (t->v[i].profile != &d->profile)
			continue;
		log_warn(_("%s: the platform has changed what it does"), d->id);
		reading_change(&t->v[i]);
		if (d->outlet != before)
			device_move(&t->v[i]);
	}
}

static void
compare(struct act *t, struct planned *d, struct span device, struct span config)
{
	struct buf seen = {0};

	if (config.p == NULL)
		config = SPAN("{}");
	planned_put_seen(&seen, t->platform, device, config);
	if (span_eq(buf_as_span(&seen), buf_as_span(&d->seen))) {
		buf_release(&seen);
		return;
	}
	buf_release(&d->seen);
	d->seen = seen;
	change(t, d, device, config);
}

static struct device *
device_of(const struct act *t, const struct planned *d)
{
	size_t i = 0;

	while (i < t->n && t->v[i].profile != &d->profile)
		i++;
	return i < t->n ? &t->v[i] : NULL;
}

static void
switch_off(const struct act *t, struct planned *d)
{
	struct device *device = d->off ? NULL : device_of(t, d);

	d->off = true;
	if (device != NULL && act_dismiss(device))
		log_warn(_("%s: the platform has switched it off"), d->id);
}

/* Whether it is to be started. */
static bool
switch_on(const struct act *t, struct planned *d)
{
	struct device *device = d->off ? device_of(t, d) : NULL;
	struct err err = {0};
	int failed = device != NULL && device->dismissed ? act_readmit(device, &err) : -1;

	d->off = failed > 0;
	log_err(&err);
	if (failed == 0)
		log_warn(_("%s: the platform has switched it on again"), d->id);
	return failed == 0;
}

/* Nobody was named, so it is wanted if it is active. */
static void
welcome(struct act *t, struct span device)
{
	const size_t before = t->ids.n;
	struct err err = {0};

	if (t->named.n > 0)
		return;
	if (platform_add(t, device, &err) == 0 && t->ids.n > before &&
	    fleet_add(t, t->ids.v[before], &err) == 0)
		log_warn(_("%s: the platform has it now"), t->ids.v[before]);
	log_err(&err);
}

/* Whether there is one to be started. */
static bool
take_device(struct act *t, struct span device)
{
	const size_t before = t->n;
	const struct span config = platform_config(t->platform, device);
	char *id = iotctl_text(device, "identificador_unico");
	struct planned *d = id != NULL ? platform_find(t->platform, id) : NULL;

	free(id);
	if (d == NULL) {
		welcome(t, device);
		return t->n > before;
	}
	d->listed = platform_wants(t, d->id, device, config);
	if (!d->listed)
		return false;
	compare(t, d, device, config);
	return switch_on(t, d);
}

/* Whether there are any to be started. */
static bool
take_devices(struct act *t)
{
	struct platform *p = t->platform;
	struct span rest = buf_as_span(&p->answers[DEVICES]), device;
	const size_t before = p->n;
	bool any = false;
	size_t i;

	for (i = 0; i < before; i++)
		p->v[i]->listed = false;
	while (iotctl_next(&rest, &device))
		any |= take_device(t, device);
	for (i = 0; i < before; i++) {
		if (!p->v[i]->listed && t->named.n == 0)
			switch_off(t, p->v[i]);
	}
	return any;
}

static void
on_refreshed(struct act *t, struct buf *answers)
{
	struct platform *p = t->platform;
	struct err err = {0};
	size_t i;

	if (t->stopping || t->probe != NULL)
		return;
	for (i = 0; i < PLATFORM_ANSWERS; i++) {
		struct buf old = p->answers[i];

		p->answers[i] = answers[i];
		answers[i] = old;
	}
	platform_index(p);
	if (platform_take_brokers(t, &err))
		log_err(&err);
	if (take_devices(t))
		act_begin(t);
}

static void
on_refresh(void *arg)
{
	refresh_start(arg, on_refreshed);
}

void
platform_watch(struct act *t)
{
	if (t->platform != NULL && t->a->refresh > 0 && !t->stopping)
		loop_timer_set(
		    t->loop, &t->platform->timer, t->a->refresh, on_refresh, t);
}
