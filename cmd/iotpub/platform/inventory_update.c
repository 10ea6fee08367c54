/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What new answers of the platform change, while the devices go on. */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "iotpub/platform/inventory_int.h"

/* What cannot be done changes nothing. */
static int
fill_anew(struct inventory *p, struct planned *d, struct span device,
    const struct config *config, struct err *err)
{
	struct planned now = {.id = d->id, .broker = d->broker};
	char *topic = NULL;
	int failed = inventory_planned_fill(p, &now, device, config, err);

	if (!failed && profile_topic(now.profile.data, d->id, 0, &topic, err))
		failed = err_in(err, _("device '%s'"), d->id);
	free(topic);
	if (failed) {
		inventory_planned_clear(&now);
		return -1;
	}
	inventory_planned_clear(d);
	d->topic = now.topic;
	d->sensors = now.sensors;
	d->broker = now.broker;
	d->profile = now.profile;
	if (now.profile.sensors == &now.sensors)
		d->profile.sensors = &d->sensors;
	return 0;
}

/* The device goes on with what it is told now; its walks begin again. */
static void
change(struct inventory *p, struct planned *d, struct span device,
    const struct config *config)
{
	const struct inventory_broker *before = d->broker;
	struct err err = {0};

	if (fill_anew(p, d, device, config, &err)) {
		log_err(&err);
		return;
	}
	if (p->events->changed(p->arg, &d->profile, d->broker != before))
		log_warn(_("%s: the platform has changed what it does"), d->id);
}

static void
compare(struct inventory *p, struct planned *d, struct span device,
    const struct config *config)
{
	struct buf seen = {0};

	inventory_planned_put_seen(&seen, &p->answers, device, config);
	if (span_eq(buf_as_span(&seen), buf_as_span(&d->seen))) {
		buf_release(&seen);
		return;
	}
	buf_release(&d->seen);
	d->seen = seen;
	change(p, d, device, config);
}

static void
switch_off(const struct inventory *p, struct planned *d)
{
	const bool was_off = d->off;

	d->off = true;
	if (!was_off && p->events->removed(p->arg, &d->profile))
		log_warn(_("%s: the platform has switched it off"), d->id);
}

/* Whether it is to be started. */
static bool
switch_on(const struct inventory *p, struct planned *d)
{
	struct err err = {0};
	int failed = d->off ? p->events->restored(p->arg, &d->profile, &err) : -1;

	d->off = failed > 0;
	log_err(&err);
	if (failed == 0)
		log_warn(_("%s: the platform has switched it on again"), d->id);
	return failed == 0;
}

/* Takes in a device that is new, if it is active and the user named no devices. Whether it is to be started. */
static bool
welcome(struct inventory *p, struct span device)
{
	const size_t before = p->n;
	const struct planned *d;
	struct err err = {0};
	bool added;

	if (p->opts.named->n > 0)
		return false;
	added = inventory_add(p, device, &err) == 0 && p->n > before;
	d = added ? p->v[before] : NULL;
	added = added && p->events->added(p->arg, d->id, &d->profile, &err) == 0;
	if (added)
		log_warn(_("%s: the platform has it now"), d->id);
	log_err(&err);
	return added;
}

/* Whether there is one to be started. */
static bool
take_device(struct inventory *p, struct span device)
{
	const struct config *config = inventory_answers_config(&p->answers, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d = id != NULL ? inventory_find(p, id) : NULL;

	free(id);
	if (d == NULL)
		return welcome(p, device);
	compare(p, d, device, config);
	return switch_on(p, d);
}

void
inventory_unlist(struct inventory *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		p->v[i]->listed = false;
}

void
inventory_keep_device(struct inventory *p, struct answers *a, struct span device)
{
	const struct config *config = inventory_answers_config(a, device);
	char *id = iotctl_child_text(device, "identificador_unico");
	struct planned *d = id != NULL ? inventory_find(p, id) : NULL;
	struct buf seen = {0};
	bool changes = false;

	if (d != NULL) {
		d->listed = inventory_wants(p, id, device, config);
		inventory_planned_put_seen(&seen, a, device, config);
		changes = d->listed &&
		    (d->off || !span_eq(buf_as_span(&seen), buf_as_span(&d->seen)));
	} else if (id != NULL) {
		changes = inventory_wants(p, id, device, config);
	}
	if (changes)
		iotctl_child_keep(&a->devices, device, NULL);
	buf_release(&seen);
	free(id);
}

/* Whether there are any to be started. */
static bool
take_devices(struct inventory *p)
{
	struct span rest = buf_as_span(&p->answers.devices), device;
	const size_t before = p->n;
	bool any = false;
	size_t i;

	while (iotctl_child_next(&rest, &device))
		any |= take_device(p, device);
	for (i = 0; i < before; i++) {
		if (!p->v[i]->listed && p->opts.named->n == 0)
			switch_off(p, p->v[i]);
	}
	return any;
}

void
inventory_change(struct inventory *p, struct answers *a)
{
	struct err err = {0};

	if (p->stopped || !p->events->can_change(p->arg))
		return;
	inventory_answers_release(&p->answers);
	p->answers = *a;
	*a = (struct answers){0};
	if (inventory_take_brokers(p, &err))
		log_err(&err);
	if (take_devices(p))
		p->events->grown(p->arg);
	buf_release(&p->answers.devices);
}

static void
on_refresh(void *arg)
{
	inventory_refresh_start(arg);
}

void
inventory_refresh_later(struct inventory *p)
{
	if (p->opts.refresh > 0 && !p->stopped)
		loop_timer_set(p->loop, &p->timer, p->opts.refresh, on_refresh, p);
}

void
inventory_watch(struct inventory *p, struct loop *loop,
    const struct inventory_events *events, void *arg)
{
	p->loop = loop;
	p->events = events;
	p->arg = arg;
	inventory_refresh_later(p);
}

void
inventory_stop(struct inventory *p)
{
	p->stopped = true;
	loop_timer_stop(&p->timer);
}
