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
	struct limiter *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->last = &l->first;
	l->most = in_flight;
	l->per_second = per_second;
	l->counted = loop_now(loop);
	l->allowance = 1;
	return l;
}

void
limiter_free(struct limiter *l)
{
	if (l == NULL)
		return;
	loop_timer_stop(&l->timer);
	free(l);
}

/* What a gap of a fifth of a second leaves unused is made up for; what a longer one does is not. */
static void
grow_allowance(struct limiter *l)
{
	int64_t now = loop_now(l->loop);
	double most = (double)l->per_second / 5 + 1;

	l->allowance += (double)(now - l->counted) * l->per_second / 1000;
	if (l->allowance > most)
		l->allowance = most;
	l->counted = now;
}

static bool
may_enter(struct limiter *l)
{
	return l->first != NULL && l->in_flight < l->most &&
	    (l->per_second == 0 || l->allowance >= 1);
}

/* Where somebody has to leave first, that calls. */
static void
wait_for_room(struct limiter *l)
{
	if (l->first == NULL || l->in_flight >= l->most)
		return;
	loop_timer_set(l->loop, &l->timer,
	    l->per_second > 0 ? 1000 / l->per_second + 1 : 0, let_in, l);
}

static void
let_in(void *arg)
{
	struct limiter *l = arg;

	grow_allowance(l);
	while (may_enter(l)) {
		struct limiter_pass *p = l->first;

		l->first = p->next;
		if (l->first == NULL)
			l->last = &l->first;
		l->in_flight++;
		l->allowance -= 1;
		p->inside = true;
		p->fn(p->arg);
	}
	wait_for_room(l);
}

void
limiter_enter(struct limiter *l, struct limiter_pass *p, void (*fn)(void *arg), void *arg)
{
	*p = (struct limiter_pass){.limiter = l, .fn = fn, .arg = arg};
	*l->last = p;
	l->last = &p->next;
	if (l->timer.slot == 0)
		loop_timer_set(l->loop, &l->timer, 0, let_in, l);
}

static void
unlink_pass(struct limiter *l, const struct limiter_pass *p)
{
	struct limiter_pass **at = &l->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (*at == NULL)
		l->last = at;
}

void
limiter_leave(struct limiter_pass *p)
{
	struct limiter *l = p->limiter;

	if (l == NULL)
		return;
	p->limiter = NULL;
	if (p->inside)
		l->in_flight--;
	else
		unlink_pass(l, p);
	if (l->first != NULL && l->timer.slot == 0)
		loop_timer_set(l->loop, &l->timer, 0, let_in, l);
}
