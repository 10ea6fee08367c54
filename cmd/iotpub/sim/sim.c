/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/limiter.h"
#include "tls/tls.h"
#include "iotpub/sim/commands.h"
#include "iotpub/sim/progress.h"
#include "iotpub/sim/roster.h"
#include "iotpub/sim/status_check.h"
#include "iotpub/sim/verify.h"

enum { PER_DEVICE = 1, SPARE = 256 }; /* descriptors */
enum { STARTING = 64 };               /* devices at a time */
enum { TOLD = 16 };                   /* texts */
enum { PLACES = 64 };                 /* that are told of */

struct sim {
	const struct args *a;
	struct loop *loop;
	struct session_opts opts; /* what all sessions share */
	struct device_config config;
	struct counts counts;
	struct reading_shared readings;
	struct roster *roster;
	struct status_check *check; /* NULL: no device is being looked at */
	struct verify *verify;
	struct progress *progress;
	struct commands *commands;

	size_t next;     /* the first that is not started */
	size_t starting; /* started, not connected yet */
	size_t over;
	size_t failed;
	bool same_code;   /* all failures so far have the code of `first` */
	struct err first; /* the first failure */
	size_t live;      /* were connected, and are not over */
	/* What was printed of this outage, which ends when all that are live are up: TOLD texts at most, that one
	 * is connected again, and that the broker forgot the session of one. */
	struct strv told;
	bool told_back;
	bool told_forgotten;
	bool stopping; /* no more readings */
	bool cut;      /* without a drain */
	bool in_go_on;
	struct loop_timer timer; /* --duration, then --drain */
	struct err *err;
};

/* A run that has an end of its own does not wait for those that the platform may want again. */
static bool
waits_for_dismissed(const struct sim *t)
{
	return roster_dismissed(t->roster) > 0 && t->a->count == 0 && !t->stopping;
}

/* Starts devices as far as there is room; ends the run when all are over. */
static void
go_on(struct sim *t)
{
	const size_t n = roster_count(t->roster);

	if (t->in_go_on)
		return;
	t->in_go_on = true;
	while (t->next < n && t->starting < STARTING && t->check == NULL) {
		struct device *d = roster_device(t->roster, t->next++);

		if (device_is_over(d) || device_is_started(d))
			continue;
		t->starting++;
		device_start(d);
	}
	t->in_go_on = false;
	if (t->over < n || waits_for_dismissed(t))
		return;
	if (t->verify != NULL)
		verify_finish(t->verify, t->readings.stamped);
	else
		loop_stop(t->loop);
}

/* The end of the run. */

static void
finish_all(struct sim *t, bool at_once)
{
	size_t i;

	for (i = 0; i < roster_count(t->roster); i++)
		device_finish(roster_device(t->roster, i), at_once);
	go_on(t);
}

static void
on_drained(void *arg)
{
	finish_all(arg, true);
}

/* Those that were never started never will be. */
static void
cancel_rest(struct sim *t)
{
	t->in_go_on = true;
	for (; t->next < roster_count(t->roster); t->next++) {
		struct device *d = roster_device(t->roster, t->next);

		if (!device_is_started(d))
			device_cancel(d, NULL);
	}
	t->in_go_on = false;
}

/* No more readings: finishes what runs. Commands that are being run get their answers out first. */
static void
stop(struct sim *t)
{
	if (t->stopping)
		return;
	t->stopping = true;
	roster_stop(t->roster);
	status_check_free(t->check);
	t->check = NULL;
	cancel_rest(t);
	loop_timer_set(t->loop, &t->timer, t->a->drain, on_drained, t);
	finish_all(t, false);
}

/* The output is lost: ends without acknowledging commands and without DISCONNECT, so that the broker publishes
 * the wills. */
static void
cut(struct sim *t)
{
	t->stopping = t->cut = true;
	loop_stop(t->loop);
}

static void
on_duration(void *arg)
{
	stop(arg);
}

static void
on_signal(void *arg, int signo)
{
	struct sim *t = arg;

	if (outcome_signal(&t->counts.outcome, signo))
		stop(t);
	else
		loop_stop(t->loop);
}

/* The beginning of devices. */

/* All sessions are made before the first one looks its host up: they are lean then. */
static void
start_all(struct sim *t)
{
	size_t i;

	t->in_go_on = true;
	for (i = 0; i < roster_count(t->roster); i++) {
		struct device *d = roster_device(t->roster, i);

		if (!device_is_over(d) && !device_has_session(d))
			device_make_session(d);
	}
	t->in_go_on = false;
	go_on(t);
}

static bool
is_told(const struct sim *t, const char *text)
{
	size_t i = 0;

	while (i < t->told.n && strcmp(t->told.v[i], text) != 0)
		i++;
	return i < t->told.n;
}

/* What happened to a device. A thousand devices to which the same few things happen are told of once for each. */
static void
tell(void *arg, const struct device *d, const struct err *why)
{
	struct sim *t = arg;

	if (is_told(t, why->text)) {
		log_info("%s: %s", device_id(d), why->text);
		return;
	}
	log_error("%s: %s", device_id(d), why->text);
	if (t->told.n < TOLD)
		strv_add(&t->told, why->text);
}

static void
on_lost(void *arg, const struct device *d, const struct err *why)
{
	struct sim *t = arg;

	if (t->told.n == 0)
		t->told_back = t->told_forgotten = false;
	tell(t, d, why);
}

/* One of them is enough. */
static void
tell_once(bool *told, const struct device *d, const char *text)
{
	if (*told)
		log_info("%s: %s", device_id(d), text);
	else
		log_warn("%s: %s", device_id(d), text);
	*told = true;
}

static void
on_forgotten(void *arg, const struct device *d, const struct err *why)
{
	struct sim *t = arg;

	tell_once(&t->told_forgotten, d, why->text);
}

static void
on_checked(void *arg)
{
	struct sim *t = arg;

	status_check_free(t->check);
	t->check = NULL;
	start_all(t);
}

/* Starts those that have no session, unless they are connected from elsewhere. */
static void
begin(void *arg)
{
	static const struct status_check_events events = {
	    .lost = tell, .done = on_checked};
	struct sim *t = arg;

	if (t->stopping)
		return;
	if (t->a->takeover) {
		start_all(t);
		return;
	}
	t->check = status_check_new(t->loop, &t->opts, t->roster, &events, t);
	status_check_start(t->check);
}

/* What devices tell. */

static void
tell_back(struct sim *t, const struct device *d)
{
	const struct session *s = device_connection(d);
	char text[400];

	snprintf(text, sizeof(text), _("connected again, to broker %s"),
	    s != NULL ? session_where(s).text : "");
	tell_once(&t->told_back, d, text);
}

/* A connection that was broken off on purpose comes back without a word. */
static void
on_connected(void *arg, struct device *d, bool first)
{
	struct sim *t = arg;
	const bool outage = t->told.n > 0;

	t->live += first;
	if (t->counts.up >= t->live)
		strv_release(&t->told);
	if (!first && outage)
		tell_back(t, d);
	if (!first)
		return;
	t->starting--;
	go_on(t);
}

static void
on_over(void *arg, struct device *d)
{
	struct sim *t = arg;

	t->over++;
	t->live -= device_was_connected(d);
	if (device_is_started(d) && !device_was_connected(d))
		t->starting--;
	go_on(t);
}

static void
on_failed(void *arg, struct device *d, const struct err *why)
{
	struct sim *t = arg;

	t->same_code = t->failed == 0 || (t->same_code && why->code == t->first.code);
	if (t->failed++ == 0)
		t->first = *why;
	if (roster_count(t->roster) > 1)
		tell(t, d, why);
	on_over(t, d);
}

static void
on_command(void *arg, struct device *d, const struct msg *m)
{
	const struct sim *t = arg;

	commands_take(t->commands, d, m);
}

static const char *
on_other_id(void *arg, const struct device *d)
{
	const struct sim *t = arg;
	const size_t n = roster_count(t->roster);

	return n > 1 ? device_id(roster_device(t->roster, (device_number(d) + 1) % n))
		     : "UNKNOWN";
}

static const struct device_events device_events = {.connected = on_connected,
    .lost = on_lost,
    .forgotten = on_forgotten,
    .failed = on_failed,
    .over = on_over,
    .command = on_command,
    .other_id = on_other_id};

/* What the commands tell. */

static void
on_stalled(void *arg, bool stalled)
{
	const struct sim *t = arg;
	size_t i;

	for (i = 0; i < roster_count(t->roster); i++)
		device_pause_commands(roster_device(t->roster, i), stalled);
}

static void
on_unprinted(void *arg)
{
	cut(arg);
}

static const struct commands_events commands_events = {
    .stalled = on_stalled, .failed = on_unprinted};

/* What the roster tells. */

static bool
on_can_change(void *arg)
{
	const struct sim *t = arg;

	return !t->stopping && t->check == NULL;
}

static void
on_readmitted(void *arg, const struct device *d)
{
	struct sim *t = arg;

	t->over--;
	if (device_number(d) < t->next)
		t->next = device_number(d);
}

static const struct roster_events roster_events = {
    .can_change = on_can_change, .readmitted = on_readmitted, .grown = begin};

/* What --verify tells. */

static void
on_verified(void *arg)
{
	const struct sim *t = arg;

	loop_stop(t->loop);
}

static void
on_verify_failed(void *arg, const struct err *why)
{
	struct sim *t = arg;

	if (why->code != ERR_OK && t->err->code == ERR_OK) {
		*t->err = *why;
		err_in(t->err, "--verify");
	}
	cut(t);
}

static const struct verify_events verify_events = {
    .ready = begin, .done = on_verified, .failed = on_verify_failed};

static struct progress_figures
look(void *arg)
{
	const struct sim *t = arg;
	const struct counts *c = &t->counts;

	return (struct progress_figures){.devices = roster_count(t->roster),
	    .connected = c->up,
	    .connecting = t->starting,
	    .messages = c->given,
	    .acknowledged = c->outcome.published,
	    .unheard = c->outcome.unheard,
	    .left_out = c->outcome.unpublished,
	    .sessions_lost = c->outcome.sessions_lost,
	    .verified = t->verify != NULL,
	    .p50 = t->verify != NULL ? verify_delay(t->verify, 0.5) : 0,
	    .p99 = t->verify != NULL ? verify_delay(t->verify, 0.99) : 0,
	    .in_flight = counts_in_flight(c),
	    .errors = c->outcome.refused + t->failed + c->losses};
}

/* Devices that are connected, by where they are: a fleet has a few brokers. */
struct place {
	const char *broker, *address;
	size_t devices;
};

static struct place *
find_place(struct place *places, size_t n, const struct session *s)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(places[i].broker, session_name(s)) == 0 &&
		    strcmp(places[i].address, session_address(s)) == 0)
			return &places[i];
	}
	return NULL;
}

static void
put_places(void *arg, struct buf *b)
{
	const struct sim *t = arg;
	struct place places[PLACES];
	size_t n = 0, i;

	for (i = 0; i < roster_count(t->roster); i++) {
		const struct session *s = device_connection(roster_device(t->roster, i));
		struct place *p = s != NULL ? find_place(places, n, s) : NULL;

		if (p != NULL)
			p->devices++;
		else if (s != NULL && n < PLACES)
			places[n++] =
			    (struct place){session_name(s), session_address(s), 1};
	}
	for (i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? ",{\"broker\":" : "{\"broker\":");
		json_put_text(b, span_of(places[i].broker));
		buf_puts(b, ",\"address\":");
		json_put_text(b, span_of(places[i].address));
		buf_printf(b, ",\"connected\":%zu}", places[i].devices);
	}
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
		log_warn(P_("%zu device needs %zu descriptors and the limit is %zu: see "
			    "ulimit -Hn",
			     "%zu devices need %zu descriptors and the limit is %zu: see "
			     "ulimit -Hn",
			     devices),
		    devices, (size_t)wanted, (size_t)limit.rlim_max);
}

static void
use_loop(struct sim *t)
{
	t->opts.limiter = limiter_new(t->loop, LIMITER_IN_FLIGHT, t->a->ramp);
	t->opts.lean = true;
	t->config.reading.loop = t->config.reconnect.loop = t->config.listener.loop =
	    t->loop;
	t->config.reading.began = loop_now(t->loop);
}

static int
listen_to_commands(struct sim *t, struct err *err)
{
	if (commands_new(
		&t->commands, t->loop, t->a, t->config.topics, &commands_events, t, err))
		return -1;
	t->config.listener.lines = commands_lines(t->commands);
	return 0;
}

static int
run(struct sim *t, struct err *err)
{
	raise_limit(roster_room(t->roster));
	t->loop = loop_new(err);
	if (t->loop == NULL || loop_signal(t->loop, SIGINT, on_signal, t, err) ||
	    loop_signal(t->loop, SIGTERM, on_signal, t, err) ||
	    (t->a->listen && listen_to_commands(t, err)))
		return -1;
	use_loop(t);
	if (t->a->duration > 0)
		loop_timer_set(t->loop, &t->timer, t->a->duration, on_duration, t);
	t->progress = progress_start(t->loop, t->a->stats, look, put_places, t);
	roster_watch(t->roster, &roster_events, t);
	if (!t->a->verify)
		begin(t);
	else if (verify_start(&t->verify, t->loop, t->a, &t->opts, t->roster,
		     &verify_events, t, err))
		return -1;
	return loop_run(t->loop, err);
}

static size_t
count_connected(const struct sim *t)
{
	size_t i, n = 0;

	for (i = 0; i < roster_count(t->roster); i++)
		n += device_was_connected(roster_device(t->roster, i));
	return n;
}

static int
judge(struct sim *t, struct err *err)
{
	const size_t n = roster_count(t->roster);
	struct err beyond = {0};
	size_t i;

	if (t->cut)
		return err->code != ERR_OK ? -1 : 0;
	for (i = 0; i < n; i++)
		t->counts.outcome.unacknowledged +=
		    device_unacknowledged(roster_device(t->roster, i));
	if (n == 1 && t->failed == 1)
		*err = t->first;
	else if (t->failed == n && t->same_code)
		err_set(err, t->first.code,
		    P_("none of %zu device could connect",
			"none of %zu devices could connect", n),
		    n);
	else if (t->failed > 0)
		err_set(err, ERR_FAILED,
		    P_("%zu of %zu device failed", "%zu of %zu devices failed", n),
		    t->failed, n);
	if (t->verify != NULL && verify_judge(t->verify, t->readings.stamped, &beyond) &&
	    err->code == ERR_OK)
		*err = beyond;
	return outcome_judge(&t->counts.outcome, err);
}

static void
release(struct sim *t)
{
	status_check_free(t->check);
	verify_free(t->verify);
	progress_free(t->progress);
	commands_free(t->commands);
	strv_release(&t->told);
	loop_timer_stop(&t->timer);
	roster_free(t->roster);
	buf_release(&t->readings.payload);
	limiter_free(t->opts.limiter);
	loop_free(t->loop);
	tls_free(t->opts.shared_tls);
}

int
sim_run(const struct args *a, const struct opt_set *set, const struct session_opts *o,
    char **operands, struct err *err)
{
	struct sim t = {.a = a, .opts = *o, .err = err};
	int failed;

	t.config = (struct device_config){.args = a,
	    .session = &t.opts,
	    .login_given =
		opt_source_of(set, offsetof(struct args, mqtt.username)) == OPT_FROM_ARGV,
	    .reading = {.args = a, .stamps = a->verify, .shared = &t.readings},
	    .reconnect = {.drain = a->drain},
	    .events = &device_events,
	    .arg = &t,
	    .counts = &t.counts};
	device_config_init(&t.config);
	failed = roster_new(&t.roster, &t.config, &t.readings, set, operands, err) ||
	    (o->tls && session_opts_tls(&t.opts.shared_tls, o, err)) || run(&t, err);
	if (!failed) {
		progress_end(t.progress, count_connected(&t), &t.readings.faults);
		failed = judge(&t, err);
	}
	release(&t);
	return failed;
}
