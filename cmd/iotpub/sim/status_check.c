/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/status_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "iotpub/platform/inventory.h"

/* A broker sends retained messages right behind its answer (mosquitto), or a moment later (EMQX). */
enum { ANSWERS_WITHIN = 5000, RETAINED_WITHIN = 250, LEAVE_WITHIN = 1000 }; /* ms */

enum { SESSIONS = 64 }; /* at a time */

/* Devices with one login at one broker, and the session that looks at them. */
struct group {
	struct status_check *check;
	struct device **devices;
	size_t n;
	struct session *session;
	size_t answers, granted, seen; /* SUBACKs, good ones, messages */
	struct loop_timer timer;
};

struct status_check {
	struct loop *loop;
	const struct session_opts *opts;
	const struct status_check_events *events;
	void *arg;
	struct device **devices; /* by login */
	struct group *v;
	size_t n, next, in_flight, over; /* groups */
	size_t blind;                    /* devices whose status could not be read, */
	char *because;                   /* and why, of the first of them */
	bool starting;
	bool reached;    /* any was connected */
	struct err dead; /* the broker cannot be reached: not even once */
};

static void start_some(struct status_check *c);

static void
group_over(struct group *g)
{
	struct status_check *c = g->check;

	loop_timer_stop(&g->timer);
	session_free(g->session);
	g->session = NULL;
	c->in_flight--;
	c->over++;
	start_some(c);
}

static void
note_blind(struct status_check *c, size_t n, const char *why)
{
	if (c->blind == 0)
		c->because = xstrdup(why);
	c->blind += n;
}

/* Once, whether it is one device or a fleet. */
static void
tell_blind(const struct status_check *c)
{
	if (c->blind == 1)
		log_warn(_("its status cannot be read (%s): if the device is connected "
			   "already, its place is taken, as with --takeover"),
		    c->because);
	else if (c->blind > 1)
		log_warn(P_("the status of %zu device cannot be read (of the first: %s): "
			    "the place of those that are connected already is taken, as "
			    "with --takeover",
			     "the status of %zu devices cannot be read (of the first: "
			     "%s): the place of those that are connected already is "
			     "taken, as with --takeover",
			     c->blind),
		    c->blind, c->because);
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
		note_blind(g->check, g->n - g->answers, _("no answer in time"));
	leave(g);
}

static void
on_up(void *arg, bool present)
{
	struct group *g = arg;
	struct err err = {0};
	size_t i;

	(void)present;
	g->check->reached = true;
	g->answers = g->granted = 0;
	loop_timer_set(g->check->loop, &g->timer, ANSWERS_WITHIN, on_time, g);
	for (i = 0; i < g->n; i++) {
		if (session_subscribe(
			g->session, device_status_topic(g->devices[i]), 1, false, &err))
			log_err(&err);
	}
}

/* Only with --retry, or between the connection and the answers. */
static void
on_down(void *arg, const struct err *why)
{
	const struct group *g = arg;

	g->check->events->lost(g->check->arg, g->devices[0], why);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct group *g = arg;

	(void)filter;
	(void)qos;
	if (why->code != ERR_OK)
		note_blind(g->check, 1, why->text);
	else
		g->granted++;
	if (++g->answers < g->n)
		return;
	if (g->granted == g->seen)
		leave(g);
	else
		loop_timer_set(g->check->loop, &g->timer, RETAINED_WITHIN, on_time, g);
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
		if (!span_is(m->topic, device_status_topic(g->devices[i])))
			continue;
		err_set(&why, ERR_FAILED,
		    _("device '%s' is connected already; --takeover takes its place"),
		    device_id(g->devices[i]));
		device_cancel(g->devices[i], &why);
	}
	if (g->answers == g->n && g->granted == g->seen)
		leave(g);
}

/* A broker that cannot be reached is not asked again by each device, nor for each group. */
static void
on_ended(void *arg, const struct err *why)
{
	struct group *g = arg;
	size_t i;

	if (why->code == ERR_UNREACHABLE && !g->check->reached)
		g->check->dead = *why;
	for (i = 0; why->code == ERR_UNREACHABLE && i < g->n; i++)
		device_cancel(g->devices[i], why);
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
	struct session_opts o = *g->check->opts;
	struct err err = {0};
	char id[32];

	if (g->check->dead.code != ERR_OK) {
		err = g->check->dead;
		on_ended(g, &err);
		return;
	}
	snprintf(id, sizeof(id), "iot-probe-%08x", (unsigned)random_number());
	o.client_id = id;
	o.clean = true;
	inventory_set_broker(device_profile(g->devices[0])->broker, &o);
	device_set_login(g->devices[0], &o);
	g->session = session_new(g->check->loop, &o, &events, g, &err);
	if (g->session != NULL)
		session_start(g->session);
	else
		on_ended(g, &err);
}

static void
start_some(struct status_check *c)
{
	if (c->starting)
		return;
	c->starting = true;
	while (c->next < c->n && c->in_flight < SESSIONS) {
		c->in_flight++;
		start_group(&c->v[c->next++]);
	}
	c->starting = false;
	if (c->over < c->n)
		return;
	tell_blind(c);
	c->events->done(c->arg);
}

static int
by_login(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;
	const struct credential none = {0};
	const struct credential *p =
	    device_credential(*x) != NULL ? device_credential(*x) : &none;
	const struct credential *q =
	    device_credential(*y) != NULL ? device_credential(*y) : &none;
	const uintptr_t here = (uintptr_t)device_profile(*x)->broker;
	const uintptr_t there = (uintptr_t)device_profile(*y)->broker;
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
make_groups(struct status_check *c, size_t n)
{
	struct group *g = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (g == NULL || by_login(&c->devices[i - 1], &c->devices[i]) != 0) {
			g = &c->v[c->n++];
			*g = (struct group){.check = c, .devices = &c->devices[i]};
		}
		g->n++;
	}
}

struct status_check *
status_check_new(struct loop *loop, const struct session_opts *opts,
    const struct roster *roster, const struct status_check_events *events, void *arg)
{
	struct status_check *c = xcalloc(1, sizeof(*c));
	const size_t all = roster_count(roster);
	size_t i, n = 0;

	c->loop = loop;
	c->opts = opts;
	c->events = events;
	c->arg = arg;
	c->devices = xcalloc(all, sizeof(struct device *));
	c->v = xcalloc(all, sizeof(*c->v));
	for (i = 0; i < all; i++) {
		struct device *d = roster_device(roster, i);

		if (!device_is_over(d) && !device_has_session(d))
			c->devices[n++] = d;
	}
	qsort(c->devices, n, sizeof(*c->devices), by_login);
	make_groups(c, n);
	return c;
}

void
status_check_start(struct status_check *c)
{
	start_some(c);
}

void
status_check_free(struct status_check *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		loop_timer_stop(&c->v[i].timer);
		session_free(c->v[i].session);
	}
	free(c->because);
	free(c->v);
	free(c->devices);
	free(c);
}
