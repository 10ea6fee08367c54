/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The new passwords of a batch, at the API and at the broker. The API first: where it keeps EMQX's accounts, that
 * is the broker's. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/doctor/broker_probe.h"
#include "iotctl/login/account.h"
#include "iotctl/mqtt/one_shot.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/rotate/rollout.h"

/* ms: until the broker has read its files; for one login; between the first two, and at most: each that is refused is
 * a line of the broker's log, and may count against us. */
enum { READ_TIME = 30000, LOGIN_TIME = 10000, PAUSE = 100, PAUSE_MOST = 2000 };

/* What the API gets, as jobs. */
struct sending {
	struct rollout *r;
	size_t *v, n;        /* in r->v */
	struct err hopeless; /* no other can do better */
};

static int
send_one(struct ctl *c, const struct rollout_device *d, struct err *err)
{
	if (d->account != 0 && account_set_password(c, d->account, d->password, err))
		return -1;
	return d->credential != 0
	    ? account_set_credential(c, d->credential, d->password, err)
	    : 0;
}

static void
send_job(void *arg, size_t i)
{
	struct sending *s = arg;
	struct rollout_device *d = &s->r->v[s->v[i]];
	struct err why = {0};

	if (s->hopeless.code != ERR_OK || send_one(s->r->c, d, &why) == 0)
		return;
	jobs_turn(s->r->c);
	if (jobs_are_hopeless(&why))
		s->hopeless = s->hopeless.code != ERR_OK ? s->hopeless : why;
	else
		rollout_failed(s->r, d, &why);
}

static bool
is_sending(const struct rollout_device *d)
{
	return d->stage == PASSWORD_FILE_SENDING && !d->failed;
}

/* apply and diff know them from now on. */
static void
note_sent(const struct sending *s)
{
	struct sent_secrets sent;
	size_t i;

	sent_secrets_load(&sent, s->r->c, "applied");
	for (i = 0; i < s->n; i++) {
		const struct rollout_device *d = &s->r->v[s->v[i]];

		if (d->failed)
			continue;
		if (d->account != 0)
			sent_secrets_put(&sent, s->r->c, schema_find("emqx-user"),
			    s->r->sync.v[d->user].username, "password", d->password);
		if (d->credential != 0)
			sent_secrets_put(&sent, s->r->c, schema_find("credential"),
			    d->client_id, "password", d->password);
	}
	sent_secrets_end(&sent);
}

static int
send_to_api(struct rollout *r, struct err *err)
{
	struct sending s = {.r = r, .v = xcalloc(r->to - r->from, sizeof(*s.v))};
	size_t i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		if (is_sending(&r->v[i]))
			s.v[s.n++] = i;
	}
	failed = jobs_run(r->c, r->c->args->jobs, s.n, send_job, &s, err);
	if (!failed && s.hopeless.code != ERR_OK) {
		*err = s.hopeless;
		failed = -1;
	}
	if (!failed)
		note_sent(&s);
	free(s.v);
	return failed;
}

/* The driver tells what goes wrong with one. */
static int
send_to_broker(struct rollout *r, struct err *err)
{
	struct sync *s = &r->sync;
	size_t i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		struct rollout_device *d = &r->v[i];

		if (!is_sending(d))
			continue;
		s->v[d->user].password = d->password;
		s->v[d->user].todo = SYNC_PASSWORD;
		s->v[d->user].done = false;
	}
	failed = s->driver->apply(s, err);
	sent_secrets_save(&s->sent);
	for (i = r->from; i < r->to; i++) {
		struct rollout_device *d = &r->v[i];
		struct sync_user *u = &s->v[d->user];

		d->changed = u->todo != 0 && u->done && !u->failed;
		if (u->todo != 0 && u->failed && !d->failed) {
			d->failed = true;
			r->failed++;
		}
		u->todo = 0;
	}
	return failed;
}

/* A login that tells whether the broker has read what was written. */
struct trial {
	struct one_shot shot;
	struct loop *loop;
	struct loop_timer timer;
	bool in;
	struct err why;
};

static void
on_up(void *arg)
{
	struct trial *t = arg;

	t->in = true;
	one_shot_done(&t->shot);
}

static void
on_failed(void *arg, const struct err *why)
{
	struct trial *t = arg;

	t->why = *why;
}

static void
on_late(void *arg)
{
	struct trial *t = arg;
	struct err why;

	err_set(&why, ERR_TIMEOUT, _("no answer within %d s"), LOGIN_TIME / 1000);
	one_shot_fail(&t->shot, &why);
}

static void
on_pause(void *arg)
{
	struct trial *t = arg;

	loop_stop(t->loop);
}

static int
try_login(
    struct rollout *r, const struct session_opts *reach, struct trial *t, struct err *err)
{
	static const struct one_shot_events events = {
	    .up = on_up, .failed = on_failed, .late = on_late};
	char id[BROKER_PROBE_ID];
	struct session_opts own = *reach;

	if (broker_probe_id(id, err))
		return -1;
	own.client_id = id;
	*t = (struct trial){.loop = r->c->loop};
	return one_shot_run(&t->shot, r->c->loop, &own, &events, t, LOGIN_TIME, err);
}

/* Until the last password of the batch, and with it all of them, is the one that counts. */
static int
wait_until_read(struct rollout *r, struct session_opts *o, struct err *err)
{
	const int64_t until = loop_now(r->c->loop) + READ_TIME;
	int64_t pause = PAUSE, left;
	struct trial t = {0};

	for (;;) {
		if (try_login(r, o, &t, err))
			return -1;
		if (t.in)
			return 0;
		left = until - loop_now(r->c->loop);
		if (left <= 0)
			break;
		loop_timer_set(
		    r->c->loop, &t.timer, pause < left ? pause : left, on_pause, &t);
		if (loop_run(r->c->loop, err))
			return -1;
		loop_timer_stop(&t.timer);
		pause = 2 * pause < PAUSE_MOST ? 2 * pause : PAUSE_MOST;
	}
	*err = t.why;
	return err_in(err,
	    _("the broker does not take the new passwords %d s after it was told to read "
	      "them"),
	    READ_TIME / 1000);
}

static int
see_that_it_counts(struct rollout *r, struct err *err)
{
	const struct rollout_device *last = NULL;
	struct target t = {0};
	struct session_opts o = {0};
	size_t i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		if (r->v[i].changed)
			last = &r->v[i];
	}
	if (last == NULL || !r->sync.driver->reads_late)
		return 0;
	failed = target_broker(r->c, r->broker_name, &t, err) ||
	    target_connection(r->c, &t, &o, err) || ctl_loop(r->c, err);
	o.username = r->sync.v[last->user].username;
	o.password = last->password;
	failed = failed || wait_until_read(r, &o, err);
	target_release(&t);
	return failed ? -1 : 0;
}

int
rollout_send(struct rollout *r, struct err *err)
{
	size_t i, n = 0;

	for (i = r->from; i < r->to; i++)
		n += is_sending(&r->v[i]);
	if (n == 0)
		return 0;
	return send_to_api(r, err) || send_to_broker(r, err) || see_that_it_counts(r, err)
	    ? -1
	    : 0;
}
