/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The look at the devices' retained statuses before they connect: a second client with the id of one
 * that is connected would take its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/sim.h"

/* A broker sends retained messages right behind its answer (mosquitto), or a moment later (EMQX). */
enum { ANSWERS_WITHIN = 5000, RETAINED_WITHIN = 250, LEAVE_WITHIN = 1000 };

/* Devices with one login at one broker share a probe. */
struct group {
	struct sim_status_check *p;
	struct sim_device **devices;
	size_t n;
	struct session *session;
	size_t answers, granted, seen;
	struct loop_timer timer;
};

struct sim_status_check {
	struct sim *act;
	void (*done)(struct sim *t);
	struct sim_device **devices; /* by login */
	struct group *v;
	size_t n, next, in_flight, over;
	bool starting;
	bool reached;    /* any was connected */
	struct err dead; /* the broker cannot be reached: not even once */
};

static void start_some(struct sim_status_check *p);

static void
group_over(struct group *g)
{
	struct sim_status_check *p = g->p;

	loop_timer_stop(&g->timer);
	session_free(g->session);
	g->session = NULL;
	p->in_flight--;
	p->over++;
	start_some(p);
}

static void
leave(struct group *g)
{
	loop_timer_stop(&g->timer);
	session_stop(g->session, LEAVE_WITHIN);
}

static void
on_time(void *arg)
{
	struct group *g = arg;

	if (g->answers < g->n)
		log_info(_("the devices' status could not be read in time"));
	leave(g);
}

static void
on_up(void *arg, bool present)
{
	struct group *g = arg;
	struct err err = {0};
	size_t i;

	(void)present;
	g->p->reached = true;
	g->answers = g->granted = 0;
	loop_timer_set(g->p->act->loop, &g->timer, ANSWERS_WITHIN, on_time, g);
	for (i = 0; i < g->n; i++) {
		if (session_subscribe(
			g->session, g->devices[i]->status_topic, 1, false, &err))
			log_err(&err);
	}
}

/* Only with --retry, or between the connection and the answers. */
static void
on_down(void *arg, const struct err *why)
{
	struct group *g = arg;

	sim_tell(g->devices[0], why);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct group *g = arg;

	(void)qos;
	if (why->code != ERR_OK)
		log_info(_("cannot see who is connected: '%s': %s"), filter, why->text);
	else
		g->granted++;
	if (++g->answers < g->n)
		return;
	if (g->granted == g->seen)
		leave(g);
	else
		loop_timer_set(g->p->act->loop, &g->timer, RETAINED_WITHIN, on_time, g);
}

static bool
says_connected(struct span payload)
{
	struct span value;
	struct buf status = {0};
	bool connected = json_check(payload, &value, NULL) &&
	    json_kind(value) == JSON_KIND_OBJECT &&
	    json_member_string(value, "status", &status) &&
	    span_is(buf_as_span(&status), "connected");

	buf_release(&status);
	return connected;
}

static void
on_message(void *arg, const struct msg *m)
{
	struct group *g = arg;
	struct err why = {0};
	size_t i;

	g->seen++;
	for (i = 0; says_connected(m->payload) && i < g->n; i++) {
		if (!span_is(m->topic, g->devices[i]->status_topic))
			continue;
		err_set(&why, ERR_FAILED,
		    _("device '%s' is connected already; --takeover takes its place"),
		    g->devices[i]->id);
		sim_failed(g->devices[i], &why);
	}
	if (g->answers == g->n && g->granted == g->seen)
		leave(g);
}

/* A broker that cannot be reached is not asked again by each device, nor by each probe. */
static void
on_ended(void *arg, const struct err *why)
{
	struct group *g = arg;
	size_t i;

	if (why->code == ERR_UNREACHABLE && !g->p->reached)
		g->p->dead = *why;
	for (i = 0; why->code == ERR_UNREACHABLE && i < g->n; i++)
		sim_failed(g->devices[i], why);
	if (why->code != ERR_OK && why->code != ERR_UNREACHABLE)
		log_info(_("cannot see who is connected: %s"), why->text);
	group_over(g);
}

static void
start_group(struct group *g)
{
	static const struct session_events events = {.up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .subscribed = on_subscribed};
	struct sim *t = g->p->act;
	struct session_opts o = t->opts;
	struct err err = {0};
	char id[32];

	if (g->p->dead.code != ERR_OK) {
		err = g->p->dead;
		on_ended(g, &err);
		return;
	}
	snprintf(id, sizeof(id), "iot-probe-%08x", (unsigned)random_number());
	o.client_id = id;
	o.clean = true;
	inventory_login(t, g->devices[0]->profile, &o);
	sim_device_login(g->devices[0], &o);
	g->session = session_new(t->loop, &o, &events, g, &err);
	if (g->session != NULL)
		session_start(g->session);
	else
		on_ended(g, &err);
}

static void
start_some(struct sim_status_check *p)
{
	if (p->starting)
		return;
	p->starting = true;
	while (p->next < p->n && p->in_flight < IN_FLIGHT) {
		p->in_flight++;
		start_group(&p->v[p->next++]);
	}
	p->starting = false;
	if (p->over == p->n)
		p->done(p->act);
}

static int
by_login(const void *a, const void *b)
{
	const struct sim_device *const *x = a, *const *y = b;
	const struct credential none = {0};
	const struct credential *p = (*x)->login != NULL ? (*x)->login : &none;
	const struct credential *q = (*y)->login != NULL ? (*y)->login : &none;
	const uintptr_t here = (uintptr_t)inventory_broker((*x)->act, (*x)->profile);
	const uintptr_t there = (uintptr_t)inventory_broker((*y)->act, (*y)->profile);
	const char *const left[] = {p->username, p->password, p->cert};
	const char *const right[] = {q->username, q->password, q->cert};
	int order = (here > there) - (here < there);
	size_t i;

	for (i = 0; order == 0 && i < ARRAY_LEN(left); i++)
		order = strcmp(
		    left[i] != NULL ? left[i] : "", right[i] != NULL ? right[i] : "");
	return order;
}

static void
make_groups(struct sim_status_check *p, size_t n)
{
	struct group *g = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (g == NULL || by_login(&p->devices[i - 1], &p->devices[i]) != 0) {
			g = &p->v[p->n++];
			*g = (struct group){.p = p, .devices = &p->devices[i]};
		}
		g->n++;
	}
}

void
sim_status_check_start(struct sim *t, void (*done)(struct sim *t))
{
	struct sim_status_check *p = xcalloc(1, sizeof(*p));
	size_t i, n = 0;

	p->act = t;
	p->done = done;
	p->devices = xcalloc(t->n, sizeof(*p->devices));
	p->v = xcalloc(t->n, sizeof(*p->v));
	for (i = 0; i < t->n; i++) {
		if (!t->v[i].over && t->v[i].session == NULL)
			p->devices[n++] = &t->v[i];
	}
	qsort(p->devices, n, sizeof(*p->devices), by_login);
	make_groups(p, n);
	t->probe = p;
	start_some(p);
}

void
sim_status_check_free(struct sim_status_check *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		loop_timer_stop(&p->v[i].timer);
		session_free(p->v[i].session);
	}
	free(p->v);
	free(p->devices);
	free(p);
}
