/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/sub.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "mqtt/reason.h"
#include "msg/message_format.h"
#include "iotsub/device_session.h"

/* How long the broker has to take the acknowledgements of what is safe, when nothing else is waited for. */
enum { LEAVE_MS = 1000 };

static void
end_now(void *arg)
{
	struct sub *s = arg;

	loop_stop(s->loop);
}

/* Ends as soon as the broker has what is acknowledged: closed at once, the connection would be reset, and what is
 * safe would come again. */
static void
leave(struct sub *s)
{
	size_t i;

	if (s->leaving)
		return;
	s->stopping = s->leaving = true;
	loop_timer_set(s->loop, &s->timer, LEAVE_MS, end_now, s);
	for (i = 0; i < s->count; i++)
		subscription_leave(s->receivers[i]);
	device_session_leave(s->devices, LEAVE_MS);
}

static void
stop_all(struct sub *s)
{
	size_t i;

	if (s->stopping)
		return;
	s->stopping = true;
	for (i = 0; i < s->count; i++)
		subscription_stop(s->receivers[i]);
	device_session_stop(s->devices);
}

/* What a reader that stalls does not take is not safe, and nobody waits for it: the broker keeps it. */
static void
stop_now(struct sub *s)
{
	const bool stalls =
	    output_is_busy(&s->output) || device_session_is_stalled(s->devices);

	if (s->leaving || (s->stopping && !stalls))
		end_now(s);
	else if (stalls)
		leave(s);
	else
		stop_all(s);
}

static bool
is_shown(const struct sub *s, const struct msg *m)
{
	size_t i;

	if (m->reject != NULL && strcmp(m->reject, "size") == 0) {
		log_warn(P_("left out a message of %zu byte on topic '%.*s': larger than "
			    "--max-packet",
			     "left out a message of %zu bytes on topic '%.*s': larger "
			     "than --max-packet",
			     m->size),
		    m->size, (int)m->topic.n, m->topic.p);
		return false;
	}
	if (m->reject != NULL) {
		log_warn(_("left out a message on topic '%.*s': it is no valid topic"),
		    (int)m->topic.n, m->topic.p);
		return false;
	}
	if (m->retain ? s->args->no_retained : s->args->retained_only)
		return false;
	for (i = 0; i < s->args->without.n; i++) {
		if (topic_filter_matches(s->args->without.v[i], m->topic))
			return false;
	}
	return true;
}

/* As mosquitto_sub: retained messages come first, so that the first other one ends --retained-only.
 * False: no more are wanted. */
static bool
take(struct sub *s, const struct msg *m, bool *shown)
{
	*shown = false;
	if (s->args->retained_only && !m->retain)
		s->wanted = 0;
	if (s->wanted == 0)
		return false;
	*shown = is_shown(s, m);
	s->wanted -= *shown;
	s->shown += *shown;
	return true;
}

static bool
on_message(void *arg, const struct msg *m)
{
	struct sub *s = arg;
	bool shown;
	const bool taken = take(s, m, &shown);

	if (shown)
		output_put(&s->output, m);
	return taken;
}

static enum device_session_verdict
on_command(void *arg, const struct msg *m, struct buf *line)
{
	struct sub *s = arg;
	bool shown;

	if (!take(s, m, &shown))
		return DEVICE_SESSION_KEEP;
	if (!shown)
		return DEVICE_SESSION_SKIP;
	output_format(&s->output, line, m);
	return DEVICE_SESSION_RUN;
}

static void
on_shown(void *arg)
{
	struct sub *s = arg;

	if (s->wanted == 0)
		stop_all(s);
}

/* Nothing is safe any more: no drain, the broker keeps what it has. A reader that has left is no error. */
static void
on_unwritten(void *arg, const struct err *why)
{
	struct sub *s = arg;

	s->unwritten = true;
	if (!s->leaving && !writer_reader_left(s->output.writer))
		*s->err = *why;
	leave(s);
}

/* Those who wait are told; who is just asking sees it itself. */
static void
on_settled(void *arg, const struct err *why)
{
	struct sub *s = arg;
	size_t i;

	if (why->code != ERR_OK) {
		on_unwritten(s, why);
		return;
	}
	for (i = 0; i < s->count; i++)
		subscription_settle(s->receivers[i]);
	on_shown(s);
}

static int
on_flush(void *arg)
{
	struct sub *s = arg;

	output_flush(&s->output);
	return s->unwritten ? -1 : output_is_busy(&s->output);
}

int
sub_open_output(struct sub *s, struct err *err)
{
	return output_open(&s->output, s->loop, on_settled, s, err);
}

static size_t
on_wanted(void *arg)
{
	return ((struct sub *)arg)->wanted;
}

/* Of several devices the last error is the program's; the others are told at once. */
static void
on_ended(void *arg, const struct err *why)
{
	struct sub *s = arg;

	s->live--;
	if (why->code != ERR_OK && !s->leaving && s->err->code < ERR_SIGNAL) {
		log_err(s->err);
		*s->err = *why;
	}
	if (s->live == 0)
		loop_stop(s->loop);
}

/* A broker that there is no connection to now; NULL: none. */
static const char *
broker_away(const struct sub *s)
{
	const char *away = device_session_broker_away(s->devices);
	size_t i;

	for (i = 0; away == NULL && i < s->count; i++)
		away = subscription_broker_away(s->receivers[i]);
	return away;
}

static void
on_time_up(void *arg)
{
	struct sub *s = arg;

	if (s->stopping)
		return;
	reason_err_time_up(s->err, s->args->wait, broker_away(s), s->shown);
	stop_now(s);
}

/* A second one ends it at once. */
static void
on_signal(void *arg, int signo)
{
	struct sub *s = arg;

	if (signo == SIGINT)
		*s->err = (struct err){.code = (enum err_code)(ERR_SIGNAL + signo)};
	stop_now(s);
}

int
sub_add(struct sub *s, const struct session_opts *opt,
    const struct consumer_filter *filters, size_t n, struct err *err)
{
	static const struct subscription_events events = {
	    .message = on_message,
	    .flush = on_flush,
	    .wanted = on_wanted,
	    .ended = on_ended,
	};
	struct subscription *r =
	    subscription_new(s->loop, opt, filters, n, &events, s, err);

	if (r == NULL)
		return -1;
	s->receivers = xreallocarray(s->receivers, s->count + 1, sizeof(*s->receivers));
	s->receivers[s->count++] = r;
	return 0;
}

int
sub_add_device(struct sub *s, const struct session_opts *opt, const char *device,
    const char *filter, struct err *err)
{
	static const struct device_session_events events = {.command = on_command,
	    .shown = on_shown,
	    .unwritten = on_unwritten,
	    .ended = on_ended};
	const struct args *a = s->args;
	const struct device_session_opts o = {.exec = &a->exec,
	    .reply = a->reply,
	    .timeout = a->exec_timeout,
	    .jobs = (size_t)a->jobs,
	    .responses = s->topics.responses,
	    .qos = a->qos == 0 ? 0 : 1,
	    .lines = s->output.writer};

	if (s->devices == NULL &&
	    device_session_new(&s->devices, s->loop, &o, &events, s, err))
		return -1;
	return device_session_add(s->devices, opt, device, filter, err);
}

/* The exit status, or, where something else is, a line of its own. */
static void
judge_sessions(const struct sub *s, struct err *err)
{
	size_t i, n = device_session_sessions_lost(s->devices);
	struct err lost;

	for (i = 0; i < s->count; i++)
		n += subscription_sessions_lost(s->receivers[i]);
	if (n == 0)
		return;
	reason_err_sessions_lost(&lost, n);
	if (err->code == ERR_OK)
		*err = lost;
	else
		log_warn("%s", lost.text);
}

int
sub_run(struct sub *s, struct err *err)
{
	size_t i;
	int failed;

	log_never_wait();
	if (loop_signal(s->loop, SIGINT, on_signal, s, err) ||
	    loop_signal(s->loop, SIGTERM, on_signal, s, err))
		return -1;
	if (s->args->wait > 0)
		loop_timer_set(s->loop, &s->timer, s->args->wait, on_time_up, s);
	s->live = s->count + device_session_count(s->devices);
	device_session_start(s->devices);
	for (i = 0; i < s->count; i++)
		subscription_start(s->receivers[i]);
	failed = loop_run(s->loop, err);
	judge_sessions(s, err);
	return failed;
}

void
sub_release(struct sub *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		subscription_free(s->receivers[i]);
	free(s->receivers);
	device_session_free(s->devices);
	output_release(&s->output);
	loop_free(s->loop);
	message_format_free(s->format);
	topic_set_release(&s->topics);
}
