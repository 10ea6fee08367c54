/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What new answers of the platform change, while the devices go on. */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "iotpub/platform/inventory_int.h"

/* What cannot be done changes nothing. */
static int
fill_anew(struct sim *t, struct planned *d, struct span device,
    const struct config *config, struct err *err)
{
	struct planned now = {.id = d->id, .outlet = d->outlet};
	char *topic = NULL;
	int failed = inventory_planned_fill(t, &now, device, config, err);

	if (!failed && sim_device_expand(now.profile.data, d->id, 0, &topic, err))
		failed = err_in(err, _("device '%s'"), d->id);
	free(topic);
	if (failed) {
		inventory_planned_clear(&now);
		return -1;
	}
	inventory_planned_clear(d);
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
change(struct sim *t, struct planned *d, struct span device, const struct config *config)
{
	const struct inventory_broker *before = d->outlet;
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
		sim_reading_change(&t->v[i]);
		if (d->outlet != before)
			sim_device_move(&t->v[i]);
	}
}

static void
compare(struct sim *t, struct planned *d, struct span device, const struct config *config)
{
	struct buf seen = {0};

	inventory_planned_put_seen(&seen, &t->platform->answers, device, config);
	if (span_eq(buf_as_span(&seen), buf_as_span(&d->seen))) {
		buf_release(&seen);
		return;
	}
	buf_release(&d->seen);
	d->seen = seen;
	change(t, d, device, config);
}

static struct sim_device *
device_of(const struct sim *t, const struct planned *d)
{
	size_t i = 0;

	while (i < t->n && t->v[i].profile != &d->profile)
		i++;
	return i < t->n ? &t->v[i] : NULL;
}

static void
switch_off(const struct sim *t, struct planned *d)
{
	struct sim_device *device = d->off ? NULL : device_of(t, d);

	d->off = true;
	if (device != NULL && sim_dismiss(device))
		log_warn(_("%s: the platform has switched it off"), d->id);
}

/* Whether it is to be started. */
static bool
switch_on(const struct sim *t, struct planned *d)
{
	struct sim_device *device = d->off ? device_of(t, d) : NULL;
	struct err err = {0};
	int failed = device != NULL && device->dismissed ? sim_readmit(device, &err) : -1;

	d->off = failed > 0;
	log_err(&err);
	if (failed == 0)
		log_warn(_("%s: the platform has switched it on again"), d->id);
	return failed == 0;
}

/* Nobody was named, so it is wanted if it is active. */
static void
welcome(struct sim *t, struct span device)
{
	const size_t before = t->ids.n;
	struct err err = {0};

	if (t->named.n > 0)
		return;
	if (inventory_add(t, device, &err) == 0 && t->ids.n > before &&
	    sim_roster_add(t, t->ids.v[before], &err) == 0)
		log_warn(_("%s: the platform has it now"), t->ids.v[before]);
	log_err(&err);
}

/* Whether there is one to be started. */
static bool
take_device(struct sim *t, struct span device)
{
	const size_t before = t->n;
	const struct config *config =
	    inventory_answers_config(&t->platform->answers, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d = id != NULL ? inventory_find(t->platform, id) : NULL;

	free(id);
	if (d == NULL) {
		welcome(t, device);
		return t->n > before;
	}
	compare(t, d, device, config);
	return switch_on(t, d);
}

void
inventory_unlist(struct inventory *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		p->v[i]->listed = false;
}

void
inventory_keep_device(struct sim *t, struct answers *a, struct span device)
{
	const struct config *config = inventory_answers_config(a, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d = id != NULL ? inventory_find(t->platform, id) : NULL;
	struct buf seen = {0};
	bool changes = false;

	if (d != NULL) {
		d->listed = inventory_wants(t, id, device, config);
		inventory_planned_put_seen(&seen, a, device, config);
		changes = d->listed &&
		    (d->off || !span_eq(buf_as_span(&seen), buf_as_span(&d->seen)));
	} else if (id != NULL) {
		changes = inventory_wants(t, id, device, config);
	}
	if (changes)
		iotctl_child_keep(&a->devices, device, NULL);
	buf_release(&seen);
	free(id);
}

/* Whether there are any to be started. */
static bool
take_devices(struct sim *t)
{
	struct inventory *p = t->platform;
	struct span rest = buf_as_span(&p->answers.devices), device;
	const size_t before = p->n;
	bool any = false;
	size_t i;

	while (iotctl_child_next(&rest, &device))
		any |= take_device(t, device);
	for (i = 0; i < before; i++) {
		if (!p->v[i]->listed && t->named.n == 0)
			switch_off(t, p->v[i]);
	}
	return any;
}

void
inventory_change(struct sim *t, struct answers *a)
{
	struct inventory *p = t->platform;
	struct err err = {0};

	if (t->stopping || t->probe != NULL)
		return;
	inventory_answers_release(&p->answers);
	p->answers = *a;
	*a = (struct answers){0};
	if (inventory_take_brokers(t, &err))
		log_err(&err);
	if (take_devices(t))
		sim_begin(t);
	buf_release(&p->answers.devices);
}

static void
on_refresh(void *arg)
{
	inventory_refresh_start(arg);
}

void
inventory_watch(struct sim *t)
{
	if (t->platform != NULL && t->a->refresh > 0 && !t->stopping)
		loop_timer_set(
		    t->loop, &t->platform->timer, t->a->refresh, on_refresh, t);
}
