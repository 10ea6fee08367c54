/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/reconnect.h"

static size_t
unacknowledged(const struct reconnect *r)
{
	return r->config->unacknowledged(r);
}

static void
renew(struct reconnect *r)
{
	const size_t left = unacknowledged(r);

	r->flapping = r->moving = false;
	r->config->renew(r, left);
}

static void
on_flap(void *arg)
{
	struct reconnect *r = arg;

	if (unacknowledged(r) == 0)
		renew(r);
}

static void
on_move(void *arg)
{
	renew(arg);
}

bool
reconnect_is_due(const struct reconnect *r)
{
	return r->flapping || r->moving;
}

void
reconnect_flap(struct reconnect *r, bool can)
{
	r->flapping = can;
	if (can && unacknowledged(r) == 0)
		loop_timer_set(r->config->loop, &r->timer, 0, on_flap, r);
}

void
reconnect_move(struct reconnect *r)
{
	if (unacknowledged(r) == 0)
		loop_timer_set(r->config->loop, &r->timer, 0, on_move, r);
	else if (!r->moving)
		loop_timer_set(r->config->loop, &r->timer, r->config->drain, on_move, r);
	r->moving = true;
}

void
reconnect_acknowledged(struct reconnect *r, bool up, bool leaving)
{
	if (r->moving && !leaving)
		reconnect_move(r);
	else if (r->flapping && !r->moving)
		reconnect_flap(r, up && !leaving);
}

void
reconnect_stop(struct reconnect *r)
{
	loop_timer_stop(&r->timer);
}
