/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MQTT in, lines out: the consumer reads batches, the pipeline makes them lines and safe (pipeline.h tells how
 * the two speak of them), and only then they are acknowledged. */
#include "iotingest/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "mqtt/reason.h"
#include "iotingest/encoder.h"
#include "iotingest/pipeline.h"
#include "iotingest/stats.h"
#include "iotingest/subscriptions.h"

/* How long a clean end may wait for a reader that stalls, or for a sink: what they have not taken
 * stays with the broker. A sink is asked to end a little before. */
enum { STOP_MS = 1500, INTERRUPT_MS = 1100 };
/* How long the broker has to take the acknowledgements of what is safe, at an end by an error. */
enum { LEAVE_MS = 1000 };

/* More than the time in which a signal that comes again is the same request (loop_signal): who rotates two files
 * one after the other gives two. */
enum { REOPEN_AGAIN_MS = 400 };

struct ingest {
	const struct args *args;
	const struct session_opts *session;
	struct loop *loop;
	struct consumer *consume;
	struct subscriptions filters;
	struct encoder *encoder;
	struct pipeline *pipeline;
	struct stats *stats;
	struct counts counts;
	struct loop_timer deadline; /* of -W */
	struct loop_timer stop;     /* of a clean end */
	struct loop_timer again;    /* of looking at the names of files */
	bool stopping, leaving;
	bool was_down;               /* and that it is back is to be told */
	int64_t lost_us;             /* when the last connection was, since 1970 */
	bool told_expiry, told_held; /* warnings that are given once */
	bool terminal;               /* there was one that may hang up */
	bool nohup;                  /* and this is to go on all the same: nohup(1) */
	struct err *err;
};

/* Ends at once: what is not acknowledged yet stays with the broker. */
static void
end_now(void *arg)
{
	struct ingest *g = arg;

	loop_stop(g->loop);
}

/* Ends as soon as the broker has what is acknowledged: closed at once, the connection would be reset, and what is
 * safe would come again. */
static void
leave(struct ingest *g)
{
	if (g->leaving)
		return;
	g->leaving = g->stopping = true;
	loop_timer_set(g->loop, &g->stop, LEAVE_MS, end_now, g);
	consumer_leave(g->consume);
}

static void
fail(struct ingest *g, const struct err *why)
{
	if (g->err->code == ERR_OK)
		*g->err = *why;
	else
		log_err(why);
	leave(g);
}

static void
give_up(void *arg)
{
	struct ingest *g = arg;
	size_t n = pipeline_waiting(g->pipeline);

	if (n > 0 && g->args->sink != NULL && g->err->code == ERR_OK)
		err_set(g->err, ERR_OUTPUT,
		    P_("sink '%s' did not end in time: %zu message is not acknowledged",
			"sink '%s' did not end in time: %zu messages are not "
			"acknowledged",
			n),
		    g->args->sink, n);
	else if (n > 0)
		log_warn(
		    P_("%zu message was not taken in time: it is not acknowledged",
			"%zu messages were not taken in time: they are not acknowledged",
			n),
		    n);
	leave(g);
}

static void
interrupt_sink(void *arg)
{
	struct ingest *g = arg;

	pipeline_interrupt(g->pipeline);
	loop_timer_set(g->loop, &g->stop, STOP_MS - INTERRUPT_MS, give_up, g);
}

static void
end_cleanly(struct ingest *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	loop_timer_set(g->loop, &g->stop, INTERRUPT_MS, interrupt_sink, g);
	pipeline_hurry(g->pipeline);
	consumer_stop(g->consume);
}

static void
on_signal(void *arg, int signo)
{
	struct ingest *g = arg;

	if (signo == SIGINT && g->err->code == ERR_OK)
		g->err->code = (enum err_code)(ERR_SIGNAL + SIGINT);
	if (g->stopping)
		end_now(g);
	else
		end_cleanly(g);
}

static bool
has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
reopen_again(void *arg)
{
	struct ingest *g = arg;

	pipeline_reopen(g->pipeline);
}

/* Who rotates files says so by SIGHUP. A terminal that hangs up says it, too, and is gone by then. */
static void
on_hangup(void *arg, int signo)
{
	struct ingest *g = arg;
	const bool gone = g->terminal && !has_terminal();

	if (gone && g->nohup)
		return;
	if (gone || g->stopping || !pipeline_reopen(g->pipeline))
		on_signal(arg, signo);
	else
		loop_timer_set(g->loop, &g->again, REOPEN_AGAIN_MS, reopen_again, g);
}

static void
on_tell(void *arg, int signo)
{
	struct ingest *g = arg;

	(void)signo;
	stats_tell(g->stats);
}

static void
on_deadline(void *arg)
{
	struct ingest *g = arg;

	if (!g->stopping)
		reason_err_time_up(g->err, g->args->wait,
		    g->counts.connected ? NULL : consumer_broker(g->consume),
		    g->counts.acknowledged);
	end_cleanly(g);
}

/* From the pipeline: a batch is safe. */
static void
on_ack(void *arg, uint64_t token)
{
	struct ingest *g = arg;
	uint64_t wanted = (uint64_t)g->args->count;

	if (token != 0)
		consumer_ack(g->consume, token);
	if (wanted > 0 && g->counts.acknowledged >= wanted)
		end_cleanly(g);
}

static void
on_release(void *arg, uint64_t token)
{
	struct ingest *g = arg;

	/* Those that --retained leaves out are none of the messages that -C wants. */
	if (g->args->count > 0 && g->args->retained != RETAINED_KEEP)
		consumer_limit(
		    g->consume, (size_t)((uint64_t)g->args->count - g->counts.messages));
	consumer_release(g->consume, token);
}

static void
on_output_failed(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	if (g->leaving)
		return;
	if (why->code != ERR_OK)
		fail(g, why);
	else
		leave(g);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct ingest *g = arg;

	pipeline_take(g->pipeline, m, n, token);
}

static void
on_drained(void *arg)
{
	struct ingest *g = arg;

	g->counts.window = consumer_window(g->consume);
	pipeline_drained(g->pipeline);
}

/* With --linger only: who waits for a batch to fill wants to know why it does not. */
static void
on_held(void *arg, size_t n, bool known)
{
	struct ingest *g = arg;

	if (n > 0 && known && !g->told_held) {
		g->told_held = true;
		log_warn(
		    _("the broker holds back at %zu unacknowledged: raise "
		      "max_inflight_messages (mosquitto) or mqtt.max_inflight (EMQX)"),
		    n);
	}
	pipeline_held(g->pipeline, n > 0);
}

static void
on_down(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	if (g->counts.connected)
		g->lost_us = clock_wall_us();
	g->counts.connected = false;
	g->was_down = true;
	log_warn("%s", why->text);
}

/* What becomes of messages that wait for a member of a group which is away: told once, as brokers differ. */
static void
tell_expiry(struct ingest *g)
{
	const struct args *a = g->args;

	if (g->told_expiry)
		return;
	if (consumer_version(g->consume) == 4 &&
	    (a->group != NULL || a->session_expiry >= 0))
		log_warn(
		    _("MQTT 3.1.1 has no session expiry: the broker decides how long "
		      "the session '%s' waits"),
		    g->session->client_id);
	else if (a->group != NULL && a->session_expiry < 0)
		log_warn(_("--group without --session-expiry keeps the share of a member "
			   "that is away for 1d: EMQX drops what is beyond 1000 messages "
			   "of it (mqtt.max_mqueue_len), and deals it to the others when "
			   "the session ends (give "
			   "10s); mosquitto keeps as "
			   "many (max_queued_messages) and loses them then (leave 1d)"));
	else
		return;
	g->told_expiry = true;
}

/* Whether it cost messages depends on the broker: counted apart. */
static void
tell_ended_share(struct ingest *g)
{
	struct buf from = {0}, until = {0};

	buf_time(&from, g->lost_us);
	buf_time(&until, clock_wall_us());
	log_warn(_("the broker had ended the session '%s' while we were away, from %s to "
		   "%s: on mosquitto its share is lost, EMQX gave it to the others"),
	    g->session->client_id, buf_str(&from), buf_str(&until));
	buf_release(&from);
	buf_release(&until);
	g->counts.shares_ended++;
}

static void
tell_lost_session(struct ingest *g)
{
	struct err why = {0};

	if (g->args->group != NULL) {
		tell_ended_share(g);
		return;
	}
	reason_err_session_lost(&why, g->session->client_id, g->lost_us, clock_wall_us());
	log_warn("%s", why.text);
	g->counts.sessions_lost++;
}

static void
tell_connection(const struct ingest *g)
{
	const struct broker_where where = consumer_where(g->consume);

	if (g->was_down && g->counts.connections > 1)
		log_warn(_("connected again, to broker %s"), where.text);
	else if (g->was_down)
		log_warn(_("connected to broker %s"), where.text);
	else
		log_info(_("connected to broker %s"), where.text);
}

static void
note_connection(struct ingest *g, bool session_present)
{
	struct counts *c = &g->counts;

	c->connected = true;
	c->connections++;
	c->session_present = session_present;
	c->window = consumer_window(g->consume);
	free(c->broker);
	free(c->address);
	c->broker = xstrdup(consumer_broker(g->consume));
	c->address = xstrdup(consumer_address(g->consume));
	tell_connection(g);
	g->was_down = false;
}

static void
on_up(void *arg, bool session_present)
{
	struct ingest *g = arg;

	note_connection(g, session_present);
	if (g->session->clean)
		return;
	tell_expiry(g);
	if (!session_present && g->counts.connections > 1 &&
	    g->session->session_expiry > 0)
		tell_lost_session(g);
	else
		log_info(session_present ? _("session '%s' resumed")
					 : _("session '%s' is new"),
		    g->session->client_id);
}

static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	(void)arg;
	(void)filter;
	log_error("%s", why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	g->counts.connected = false;
	if (why->code != ERR_OK && g->err->code == ERR_OK)
		*g->err = *why;
	else if (why->code != ERR_OK)
		log_err(why);
	end_now(g);
}

static int
watch_signals(struct ingest *g, struct err *err)
{
	struct sigaction hangup = {0};

	sigaction(SIGHUP, NULL, &hangup);
	g->nohup = hangup.sa_handler == SIG_IGN;
	g->terminal = has_terminal();
	return loop_signal(g->loop, SIGTERM, on_signal, g, err) ||
	    loop_signal(g->loop, SIGINT, on_signal, g, err) ||
	    loop_signal(g->loop, SIGHUP, on_hangup, g, err) ||
	    loop_signal(g->loop, SIGUSR1, on_tell, g, err);
}

/* Lines on the same terminal show well enough that it works. */
static bool
shows_progress(const struct args *a)
{
	const char *term = getenv("TERM");

	return !a->common.quiet && isatty(STDERR_FILENO) &&
	    (a->append != NULL || !isatty(STDOUT_FILENO)) && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

static int
make(struct ingest *g, const struct strv *platform, struct err *err)
{
	static const struct pipeline_events events = {
	    .release = on_release, .ack = on_ack, .failed = on_output_failed};
	const struct stats_opts stats = {.interval = g->args->stats,
	    .metrics = g->args->metrics,
	    .live = shows_progress(g->args)};

	if (subscriptions_make(&g->filters, g->args, platform, err) ||
	    encoder_new(&g->encoder, g->args, &g->filters.topics, err) ||
	    (g->loop = loop_new(err)) == NULL)
		return -1;
	g->stats = stats_new(g->loop, &g->counts, &stats);
	return pipeline_new(&g->pipeline, g->loop, g->args, g->encoder, &g->counts,
		   &events, g, err) ||
	    watch_signals(g, err) || stats_start(g->stats, err);
}

static int
run(struct ingest *g, const struct session_opts *session, struct err *err)
{
	const struct consumer_events events = {.batch = on_batch,
	    .drained = on_drained,
	    .held = g->args->linger > 0 ? on_held : NULL,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused};
	int failed;

	g->consume =
	    consumer_new(g->loop, session, g->filters.v, g->filters.n, &events, g, err);
	if (g->consume == NULL)
		return -1;
	if (g->args->count > 0)
		consumer_limit(g->consume, (size_t)g->args->count);
	if (g->args->wait >= 0)
		loop_timer_set(g->loop, &g->deadline, g->args->wait, on_deadline, g);
	consumer_start(g->consume);
	failed = loop_run(g->loop, err);
	stats_end(g->stats, g->counts.connections > 0);
	if (!failed && err->code == ERR_OK && g->counts.sessions_lost > 0)
		reason_err_sessions_lost(err, g->counts.sessions_lost);
	return failed;
}

static void
release(struct ingest *g)
{
	consumer_free(g->consume);
	pipeline_free(g->pipeline);
	stats_free(g->stats);
	encoder_free(g->encoder);
	if (g->loop != NULL) {
		loop_timer_stop(&g->deadline);
		loop_timer_stop(&g->stop);
		loop_timer_stop(&g->again);
	}
	loop_free(g->loop);
	free(g->counts.broker);
	free(g->counts.address);
	subscriptions_release(&g->filters);
}

int
run_ingest(const struct args *a, const struct session_opts *session,
    const struct strv *platform, struct err *err)
{
	struct ingest g = {.args = a, .session = session, .err = err};
	int failed;

	log_never_wait();
	failed = make(&g, platform, err) || run(&g, session, err);

	release(&g);
	return failed ? -1 : 0;
}
