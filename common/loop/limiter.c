/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/limiter.h"

#include <stdlib.h>

#include "base/mem.h"

struct limiter {
	struct loop *loop;
	struct loop_timer timer;
	struct limiter_pass *first, **last;
	int in_flight, most;
	int per_second;
	int64_t counted; /* up to when, in ms, the allowance has grown */
	double allowance;
};

static void let_in(void *arg);

struct limiter *
limiter_new(struct loop *loop, int in_flight, int per_second)
{
	struct limiter *g = xcalloc(1, sizeof(*g));

	g->loop = loop;
	g->last = &g->first;
	g->most = in_flight;
	g->per_second = per_second;
	g->counted = loop_now(loop);
	g->allowance = 1;
	return g;
}

void
limiter_free(struct limiter *g)
{
	if (g == NULL)
		return;
	loop_timer_stop(&g->timer);
	free(g);
}

/* What a gap of a fifth of a second leaves unused is made up for; what a longer one does is not. */
static void
grow_allowance(struct limiter *g)
{
	int64_t now = loop_now(g->loop);
	double most = (double)g->per_second / 5 + 1;

	g->allowance += (double)(now - g->counted) * g->per_second / 1000;
	if (g->allowance > most)
		g->allowance = most;
	g->counted = now;
}

static bool
may_enter(struct limiter *g)
{
	return g->first != NULL && g->in_flight < g->most &&
	    (g->per_second == 0 || g->allowance >= 1);
}

/* Whether the time will bring what is missing, or who leaves. */
static void
wait_for_room(struct limiter *g)
{
	if (g->first == NULL || g->in_flight >= g->most)
		return;
	loop_timer_set(g->loop, &g->timer,
	    g->per_second > 0 ? 1000 / g->per_second + 1 : 0, let_in, g);
}

static void
let_in(void *arg)
{
	struct limiter *g = arg;

	grow_allowance(g);
	while (may_enter(g)) {
		struct limiter_pass *p = g->first;

		g->first = p->next;
		if (g->first == NULL)
			g->last = &g->first;
		g->in_flight++;
		g->allowance -= 1;
		p->inside = true;
		p->fn(p->arg);
	}
	wait_for_room(g);
}

void
limiter_enter(struct limiter *g, struct limiter_pass *p, void (*fn)(void *arg), void *arg)
{
	*p = (struct limiter_pass){.gate = g, .fn = fn, .arg = arg};
	*g->last = p;
	g->last = &p->next;
	if (g->timer.slot == 0)
		loop_timer_set(g->loop, &g->timer, 0, let_in, g);
}

static void
unlink_pass(struct limiter *g, const struct limiter_pass *p)
{
	struct limiter_pass **at = &g->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (*at == NULL)
		g->last = at;
}

void
limiter_leave(struct limiter_pass *p)
{
	struct limiter *g = p->gate;

	if (g == NULL)
		return;
	p->gate = NULL;
	if (p->inside)
		g->in_flight--;
	else
		unlink_pass(g, p);
	if (g->first != NULL && g->timer.slot == 0)
		loop_timer_set(g->loop, &g->timer, 0, let_in, g);
}
