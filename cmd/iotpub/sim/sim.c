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
finish_all(struct act *t, bool at_once)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		device_finish(&t->v[i], at_once);
	act_go_on(t);
}

static void
on_drained(void *arg)
{
	finish_all(arg, true);
}

/* Commands that are being run get their answers out first. */
void
act_stop(struct act *t)
{
	if (t->stopping)
		return;
	t->stopping = true;
	probe_free(t->probe);
	t->probe = NULL;
	for (; t->next < t->n; t->next++) {
		struct device *d = &t->v[t->next];

		t->over += !d->started && !d->over;
		d->over |= !d->started;
	}
	loop_timer_set(t->loop, &t->timer, t->a->drain, on_drained, t);
	finish_all(t, false);
}

void
act_cut(struct act *t)
{
	t->stopping = t->cut = true;
	loop_stop(t->loop);
}

static void
on_duration(void *arg)
{
	act_stop(arg);
}

static void
on_signal(void *arg, int signo)
{
	struct act *t = arg;

	if (outcome_signal(&t->outcome, signo))
		act_stop(t);
	else
		loop_stop(t->loop);
}

static void
stop_loop(struct act *t)
{
	loop_stop(t->loop);
}

/* A run that has an end of its own does not. */
static bool
waits_for_dismissed(const struct act *t)
{
	return t->dismissed > 0 && t->a->count == 0 && !t->stopping;
}

void
act_go_on(struct act *t)
{
	if (t->starting)
		return;
	t->starting = true;
	while (t->next < t->n && t->in_flight < IN_FLIGHT && t->probe == NULL) {
		struct device *d = &t->v[t->next++];

		if (d->over || d->started)
			continue;
		t->in_flight++;
		device_start(d);
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
act_connected(struct device *d)
{
	d->act->connected++;
	d->act->in_flight--;
	act_go_on(d->act);
}

void
act_over(struct device *d)
{
	struct act *t = d->act;

	if (d->over)
		return;
	d->over = true;
	t->over++;
	if (d->started && !d->was_up)
		t->in_flight--;
	act_go_on(t);
}

void
act_tell(const struct device *d, const struct err *why)
{
	struct act *t = d->act;

	if (strcmp(why->text, t->told.text) != 0)
		log_error("%s: %s", d->id, why->text);
	else
		log_info("%s: %s", d->id, why->text);
	t->told = *why;
}

void
act_failed(struct device *d, const struct err *why)
{
	struct act *t = d->act;

	if (d->over)
		return;
	t->same_code = t->failed == 0 || (t->same_code && why->code == t->first.code);
	if (t->failed++ == 0)
		t->first = *why;
	if (t->n > 1)
		act_tell(d, why);
	act_over(d);
}

bool
act_dismiss(struct device *d)
{
	if (d->over || d->leaving)
		return false;
	d->dismissed = true;
	d->act->dismissed++;
	if (d->started)
		device_finish(d, false);
	else
		act_over(d);
	return true;
}

int
act_readmit(struct device *d, struct err *err)
{
	struct act *t = d->act;
	const size_t number = (size_t)(d - t->v);
	const char *id = d->id;

	if (!d->over)
		return 1;
	t->dismissed--;
	t->connected -= d->was_up;
	device_release(d);
	if (device_init(d, t, number, id, err)) {
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
start_all(struct act *t)
{
	size_t i;

	t->starting = true;
	for (i = 0; i < t->n; i++) {
		if (!t->v[i].over && t->v[i].session == NULL)
			device_make(&t->v[i]);
	}
	t->starting = false;
	act_go_on(t);
}

static void
on_probed(struct act *t)
{
	probe_free(t->probe);
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
act_begin(struct act *t)
{
	if (t->stopping)
		return;
	if (t->a->takeover)
		start_all(t);
	else
		probe_start(t, on_probed);
}

static int
start(struct act *t, struct err *err)
{
	raise_limit(t->room);
	t->loop = loop_new(err);
	if (t->loop == NULL || loop_signal(t->loop, SIGINT, on_signal, t, err) ||
	    loop_signal(t->loop, SIGTERM, on_signal, t, err) ||
	    (t->a->listen && listen_init(t, err)))
		return -1;
	t->opts.gate = gate_new(t->loop, GATE_IN_FLIGHT, t->a->ramp);
	t->opts.lean = true;
	t->began = loop_now(t->loop);
	if (t->a->duration > 0)
		loop_timer_set(t->loop, &t->timer, t->a->duration, on_duration, t);
	t->report = report_start(t);
	platform_watch(t);
	if (!t->a->verify)
		act_begin(t);
	else if (verify_start(t, act_begin, err))
		return -1;
	return loop_run(t->loop, err);
}

static int
judge(struct act *t, struct err *err)
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
release(struct act *t)
{
	size_t i;

	probe_free(t->probe);
	verify_free(t->verify);
	report_free(t->report);
	responder_free(t->responder);
	for (i = 0; i < t->n; i++)
		device_release(&t->v[i]);
	loop_timer_stop(&t->timer);
	platform_free(t->platform);
	gate_free(t->opts.gate);
	loop_free(t->loop);
	tls_free(t->opts.shared_tls);
	fleet_release(t);
}

int
act_run(const struct args *a, const struct opt_set *set, struct session_opts *o,
    char **operands, struct err *err)
{
	struct act t = {.a = a,
	    .err = err,
	    .opts = *o,
	    .login_given =
		opt_source_of(set, offsetof(struct args, mqtt.username)) == OPT_FROM_ARGV,
	    .interval_given =
		opt_source_of(set, offsetof(struct args, interval)) == OPT_FROM_ARGV};
	int failed = fleet_init(&t, operands, err) ||
	    (o->tls && session_tls(&t.opts.shared_tls, o, err)) || start(&t, err);

	if (!failed) {
		report_end(t.report);
		failed = judge(&t, err);
	}
	release(&t);
	return failed;
}
