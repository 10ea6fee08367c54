/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the broker is alive, and that it hears the same of us. */
#include "base/text.h"
#include "mqtt/consumer_int.h"

enum { PINGS_MOST = 64 }; /* bytes: a broker that does not read gets no more pings */

/* The broker hears from us also while nothing is read. Its silence counts only while we listen. */
static void
on_alive(void *arg)
{
	struct consumer *c = arg;
	int64_t silent = loop_now(c->loop) - c->heard;
	struct err why = {0};

	if ((c->watch.events & LOOP_READ) != 0 && silent > c->keepalive * 3 / 2) {
		err_set(&why, ERR_UNREACHABLE, _("it has been silent for %.0f s"),
		    (double)silent / 1000);
		consumer_give_up(c, &why);
		return;
	}
	if (receiver_output(c->intake).n < PINGS_MOST)
		packet_put_ping(receiver_packets(c->intake));
	loop_timer_set(c->loop, &c->alive, c->keepalive / 2, on_alive, c);
	consumer_pump_soon(c);
}

/* Without a SUBACK nobody would ever know that nothing comes. It may stand behind messages, which a slow
 * consumer has to take first. */
static void
on_late_answer(void *arg)
{
	struct consumer *c = arg;
	int64_t left = c->asked + c->patience - loop_now(c->loop);
	bool listens = (c->watch.events & LOOP_READ) != 0;
	struct err why = {0};

	if (!consumer_is_asking(c))
		return;
	if (!listens || left > 0) {
		loop_timer_set(
		    c->loop, &c->answer, listens ? left : c->patience, on_late_answer, c);
		return;
	}
	err_set(&why, ERR_UNREACHABLE, _("it did not answer SUBSCRIBE within %g s"),
	    (double)c->patience / 1000);
	consumer_give_up(c, &why);
}

void
consumer_watch(struct consumer *c)
{
	if (c->keepalive > 0)
		loop_timer_set(c->loop, &c->alive, c->keepalive / 2, on_alive, c);
	c->asked = loop_now(c->loop);
	if (consumer_is_asking(c) && c->patience > 0)
		loop_timer_set(c->loop, &c->answer, c->patience, on_late_answer, c);
}
