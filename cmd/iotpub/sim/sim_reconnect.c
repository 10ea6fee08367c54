/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device's connection, broken off and made anew. Without a goodbye: the broker publishes the will. */
#include "base/log.h"
#include "base/text.h"
#include "iotpub/sim/sim.h"

static void
connect_anew(struct sim_device *d)
{
	d->flapping = d->moving = false;
	sim_device_drop(d);
	sim_device_make(d);
	if (d->session != NULL)
		sim_device_start(d);
}

static void
break_off(void *arg)
{
	struct sim_device *d = arg;

	if (d->session != NULL && session_unacknowledged(d->session) == 0)
		connect_anew(d);
}

void
sim_device_flap(struct sim_device *d)
{
	d->flapping = !d->leaving && session_is_up(d->session);
	if (d->flapping && session_unacknowledged(d->session) == 0)
		loop_timer_set(d->act->loop, &d->flap, 0, break_off, d);
}

static void
leave_broker(void *arg)
{
	struct sim_device *d = arg;
	const size_t left = session_unacknowledged(d->session);

	if (left > 0)
		log_warn(_("%s: its old broker did not acknowledge %zu messages"), d->id,
		    left);
	connect_anew(d);
}

void
sim_device_move(struct sim_device *d)
{
	if (d->session == NULL || d->leaving)
		return;
	if (!d->started) {
		session_free(d->session);
		sim_device_make(d);
		return;
	}
	if (session_unacknowledged(d->session) == 0)
		loop_timer_set(d->act->loop, &d->flap, 0, leave_broker, d);
	else if (!d->moving)
		loop_timer_set(d->act->loop, &d->flap, d->act->a->drain, leave_broker, d);
	d->moving = true;
}
