/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the broker does as it was told: some of the logins, really, under ids that no device has. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/mqtt/one_shot.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/sync/sync.h"

enum { SAMPLE = 5, PATIENCE = 10000 }; /* ms a visit */

/* One connection: it subscribes to what the login may, and publishes to what it may not. */
struct visit {
	struct one_shot shot;
	const char *reads; /* NULL: nothing */
	char *forbidden;
	bool in, refused;
	struct err why;
};

static void
publish_forbidden(struct visit *v)
{
	const struct session_pub m = {
	    .topic = v->forbidden, .payload = span_of(""), .qos = 1};

	one_shot_publish(&v->shot, &m);
}

static void
on_up(void *arg)
{
	struct visit *v = arg;
	struct err err = {0};

	if (v->reads == NULL) {
		v->in = true;
		publish_forbidden(v);
	} else if (session_subscribe(v->shot.session, v->reads, 1, false, &err)) {
		one_shot_fail(&v->shot, &err);
	}
}

static void
on_subscribed(void *arg, int qos)
{
	struct visit *v = arg;

	(void)qos;
	v->in = true;
	publish_forbidden(v);
}

/* 3.1.1 has no word for a refusal. */
static void
on_published(void *arg, int reason)
{
	struct visit *v = arg;

	(void)reason;
	v->refused = session_version(v->shot.session) < 5;
	one_shot_done(&v->shot);
}

static void
on_failed(void *arg, const struct err *why)
{
	struct visit *v = arg;

	v->why = *why;
	v->refused = v->in && why->code == ERR_AUTH;
}

/* A broker may close the connection of who publishes where he may not. */
static void
on_down(void *arg, const struct err *why)
{
	struct visit *v = arg;

	one_shot_fail(&v->shot, why);
	v->refused |= v->in;
}

static void
on_late(void *arg)
{
	struct visit *v = arg;
	struct err why;

	err_set(&why, ERR_UNREACHABLE, _("no answer within %d s"), PATIENCE / 1000);
	one_shot_fail(&v->shot, &why);
}

/* The commands of a device: nothing is retained there, and a probe takes none away. */
static const char *
what_it_reads(const struct access *a)
{
	size_t i;

	for (i = 0; a != NULL && i < a->n; i++) {
		if (a->v[i].allow && a->v[i].action == ACCESS_SUBSCRIBE &&
		    strstr(a->v[i].topic, "${") == NULL &&
		    strncmp(a->v[i].topic, "eq ", 3) != 0)
			return a->v[i].topic;
	}
	return NULL;
}

static int
visit(struct sync *s, const struct session_opts *reach, const struct sync_user *u,
    struct err *err)
{
	static const struct one_shot_events events = {.up = on_up,
	    .subscribed = on_subscribed,
	    .published = on_published,
	    .down = on_down,
	    .late = on_late,
	    .failed = on_failed};
	struct visit v = {.reads = what_it_reads(access_find(&s->access, u->username))};
	struct session_opts own = *reach;
	char id[BROKER_PROBE_ID];
	int failed;

	if (broker_probe_id(id, err))
		return -1;
	v.forbidden = xasprintf("%s/%s", id, id);
	own.client_id = id;
	own.username = u->username;
	own.password = u->password;
	failed = one_shot_run(&v.shot, s->c->loop, &own, &events, &v, PATIENCE, err);
	if (!failed && !v.in) {
		*err = v.why;
		failed = -1;
	} else if (!failed && !v.refused) {
		failed = err_set(err, ERR_FAILED,
		    _("it may publish to '%s', which nothing allows: does the broker use "
		      "these rules?"),
		    v.forbidden);
	}
	free(v.forbidden);
	return failed;
}

static bool
can_be_tried(const struct sync *s, const struct sync_user *u)
{
	const struct access *a = access_find(&s->access, u->username);

	/* Who may do all is refused nothing. */
	return u->wanted && u->chosen && !u->failed && u->password != NULL && a != NULL &&
	    a->n > 1;
}

int
sync_verify(struct sync *s, struct err *err)
{
	struct target t = {0};
	struct session_opts o = {0};
	size_t n = 0, tried = 0, i;
	int failed = target_broker(s->c, s->name, &t, err) ||
	    target_connection(s->c, &t, &o, err) || ctl_loop(s->c, err);

	for (i = 0; i < s->n; i++)
		n += can_be_tried(s, &s->v[i]);
	for (i = 0; i < s->n && !failed; i++) {
		if (!can_be_tried(s, &s->v[i]) || random_number() % n-- >= SAMPLE - tried)
			continue;
		tried++;
		failed = visit(s, &o, &s->v[i], err);
		if (failed)
			err_in(err, _("login '%s'"), s->v[i].username);
	}
	if (!failed)
		ctl_say(s->c, _("verified by logging in: %zu"), tried);
	target_release(&t);
	return failed ? -1 : 0;
}
