/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All devices of a run: who starts when, and when it is over. */
#include "iotpub/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "tls/tls.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/progress.h"
#include "iotpub/sim/verify.h"

enum { PER_DEVICE = 1, SPARE = 256 };

static void
finish_all(struct sim *t, bool at_once)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		sim_device_finish(&t->v[i], at_once);
	sim_go_on(t);
}

static void
on_drained(void *arg)
{
	finish_all(arg, true);
}

/* Commands that are being run get their answers out first. */
void
sim_stop(struct sim *t)
{
	if (t->stopping)
		return;
	t->stopping = true;
	sim_status_check_free(t->probe);
	t->probe = NULL;
	for (; t->next < t->n; t->next++) {
		struct sim_device *d = &t->v[t->next];

		t->over += !d->started && !d->over;
		d->over |= !d->started;
	}
	loop_timer_set(t->loop, &t->timer, t->a->drain, on_drained, t);
	finish_all(t, false);
}

void
sim_cut(struct sim *t)
{
	t->stopping = t->cut = true;
	loop_stop(t->loop);
}

static void
on_duration(void *arg)
{
	sim_stop(arg);
}

static void
on_signal(void *arg, int signo)
{
	struct sim *t = arg;

	if (outcome_signal(&t->outcome, signo))
		sim_stop(t);
	else
		loop_stop(t->loop);
}

static void
stop_loop(struct sim *t)
{
	loop_stop(t->loop);
}

/* A run that has an end of its own does not. */
static bool
waits_for_dismissed(const struct sim *t)
{
	return t->dismissed > 0 && t->a->count == 0 && !t->stopping;
}

void
sim_go_on(struct sim *t)
{
	if (t->starting)
		return;
	t->starting = true;
	while (t->next < t->n && t->in_flight < IN_FLIGHT && t->probe == NULL) {
		struct sim_device *d = &t->v[t->next++];

		if (d->over || d->started)
			continue;
		t->in_flight++;
		sim_device_start(d);
	}
	t->starting = false;
	if (waits_for_dismissed(t))
		return;
	if (t->over == t->n && t->verify != NULL)
		verify_finish(t->verify, stop_loop);
	else if (t->over == t->n)
		loop_stop(t->loop);
}

void
sim_connected(struct sim_device *d)
{
	d->act->connected++;
	d->act->in_flight--;
	sim_go_on(d->act);
}

void
sim_over(struct sim_device *d)
{
	struct sim *t = d->act;

	if (d->over)
		return;
	d->over = true;
	t->over++;
	if (d->started && !d->was_up)
		t->in_flight--;
	sim_go_on(t);
}

void
sim_tell(const struct sim_device *d, const struct err *why)
{
	struct sim *t = d->act;

	if (strcmp(why->text, t->told.text) != 0)
		log_error("%s: %s", d->id, why->text);
	else
		log_info("%s: %s", d->id, why->text);
	t->told = *why;
}

void
sim_failed(struct sim_device *d, const struct err *why)
{
	struct sim *t = d->act;

	if (d->over)
		return;
	t->same_code = t->failed == 0 || (t->same_code && why->code == t->first.code);
	if (t->failed++ == 0)
		t->first = *why;
	if (t->n > 1)
		sim_tell(d, why);
	sim_over(d);
}

bool
sim_dismiss(struct sim_device *d)
{
	if (d->over || d->leaving)
		return false;
	d->dismissed = true;
	d->act->dismissed++;
	if (d->started)
		sim_device_finish(d, false);
	else
		sim_over(d);
	return true;
}

int
sim_readmit(struct sim_device *d, struct err *err)
{
	struct sim *t = d->act;
	const size_t number = (size_t)(d - t->v);
	const char *id = d->id;

	if (!d->over)
		return 1;
	t->dismissed--;
	t->connected -= d->was_up;
	sim_device_release(d);
	if (sim_device_init(d, t, number, id, err)) {
		d->over = true;
		return -1;
	}
	t->over--;
	if (number < t->next)
		t->next = number;
	return 0;
}

/* All sessions are made before the first one looks its host up: they are lean then. */
static void
start_all(struct sim *t)
{
	size_t i;

	t->starting = true;
	for (i = 0; i < t->n; i++) {
		if (!t->v[i].over && t->v[i].session == NULL)
			sim_device_make(&t->v[i]);
	}
	t->starting = false;
	sim_go_on(t);
}

static void
on_probed(struct sim *t)
{
	sim_status_check_free(t->probe);
	t->probe = NULL;
	start_all(t);
}

/* The usual soft limit is for programs with select(2), which this one is not. */
static void
raise_limit(size_t devices)
{
	const rlim_t wanted = (rlim_t)devices * PER_DEVICE + SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		log_warn(_("%zu devices need %zu descriptors and the limit is %zu: "
			   "see ulimit -Hn"),
		    devices, (size_t)wanted, (size_t)limit.rlim_max);
}

void
sim_begin(struct sim *t)
{
	if (t->stopping)
		return;
	if (t->a->takeover)
		start_all(t);
	else
		sim_status_check_start(t, on_probed);
}

static int
start(struct sim *t, struct err *err)
{
	raise_limit(t->room);
	t->loop = loop_new(err);
	if (t->loop == NULL || loop_signal(t->loop, SIGINT, on_signal, t, err) ||
	    loop_signal(t->loop, SIGTERM, on_signal, t, err) ||
	    (t->a->listen && sim_commands_init(t, err)))
		return -1;
	t->opts.gate = limiter_new(t->loop, LIMITER_IN_FLIGHT, t->a->ramp);
	t->opts.lean = true;
	t->began = loop_now(t->loop);
	if (t->a->duration > 0)
		loop_timer_set(t->loop, &t->timer, t->a->duration, on_duration, t);
	t->report = progress_start(t);
	inventory_watch(t);
	if (!t->a->verify)
		sim_begin(t);
	else if (verify_start(t, sim_begin, err))
		return -1;
	return loop_run(t->loop, err);
}

static int
judge(struct sim *t, struct err *err)
{
	struct err beyond = {0};
	size_t i;

	if (t->cut)
		return err->code != ERR_OK ? -1 : 0;
	for (i = 0; i < t->n; i++) {
		if (t->v[i].session != NULL)
			t->outcome.unacknowledged +=
			    session_unacknowledged(t->v[i].session);
	}
	if (t->n == 1 && t->failed == 1)
		*err = t->first;
	else if (t->failed == t->n && t->same_code)
		err_set(err, t->first.code, _("none of %zu devices could connect"), t->n);
	else if (t->failed > 0)
		err_set(err, ERR_FAILED, _("%zu of %zu devices failed"), t->failed, t->n);
	if (t->verify != NULL && verify_judge(t->verify, &beyond) && err->code == ERR_OK)
		*err = beyond;
	return outcome_judge(&t->outcome, err);
}

static void
release(struct sim *t)
{
	size_t i;

	sim_status_check_free(t->probe);
	verify_free(t->verify);
	progress_free(t->report);
	responder_free(t->responder);
	for (i = 0; i < t->n; i++)
		sim_device_release(&t->v[i]);
	loop_timer_stop(&t->timer);
	inventory_free(t->platform);
	limiter_free(t->opts.gate);
	loop_free(t->loop);
	tls_free(t->opts.shared_tls);
	sim_roster_release(t);
}

int
sim_run(const struct args *a, const struct opt_set *set, struct session_opts *o,
    char **operands, struct err *err)
{
	struct sim t = {.a = a,
	    .err = err,
	    .opts = *o,
	    .login_given =
		opt_source_of(set, offsetof(struct args, mqtt.username)) == OPT_FROM_ARGV,
	    .interval_given =
		opt_source_of(set, offsetof(struct args, interval)) == OPT_FROM_ARGV};
	int failed = sim_roster_init(&t, operands, err) ||
	    (o->tls && session_tls(&t.opts.shared_tls, o, err)) || start(&t, err);

	if (!failed) {
		progress_end(t.report);
		failed = judge(&t, err);
	}
	release(&t);
	return failed;
}
