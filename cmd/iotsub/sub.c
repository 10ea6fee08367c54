/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/sub.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_format.h"
#include "iotsub/device_session.h"

/* What a reader that stalls does not take is not safe, and nobody waits for it: the broker keeps it. */
static void
stop_all(struct sub *s)
{
	size_t i;

	if (s->stopping)
		return;
	s->stopping = true;
	if (s->reader.on)
		loop_stop(s->loop);
	for (i = 0; i < s->count; i++)
		subscription_stop(s->receivers[i]);
	device_session_stop(s);
}

static bool
is_shown(const struct sub *s, const struct msg *m)
{
	size_t i;

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

/* As mosquitto_sub: retained messages come first, so that the first other one ends --retained-only. */
bool
sub_message(struct sub *s, const struct msg *m)
{
	if (s->args->retained_only && !m->retain)
		s->wanted = 0;
	if (s->wanted == 0)
		return false;
	if (is_shown(s, m)) {
		output_put(&s->output, m);
		s->wanted--;
	}
	return true;
}

/* When the output is gone nothing is safe any more: no drain, the broker keeps what it has. */
int
sub_flush(struct sub *s)
{
	if (output_flush(&s->output, s->err) != 0) {
		loop_stop(s->loop);
		return -1;
	}
	if (s->wanted == 0)
		stop_all(s);
	return 0;
}

static bool
on_message(void *arg, const struct msg *m)
{
	return sub_message(arg, m);
}

static void
on_reader(void *arg, unsigned events)
{
	struct sub *s = arg;
	int left = output_try(&s->output, s->err);
	size_t i;

	(void)events;
	if (left < 0)
		loop_stop(s->loop);
	if (left != 0)
		return;
	loop_fd_stop(&s->reader);
	for (i = 0; i < s->count; i++)
		subscription_settle(s->receivers[i]);
	if (s->wanted == 0)
		stop_all(s);
}

/* What cannot be waited for by the loop never makes one wait. */
static int
on_flush(void *arg)
{
	struct sub *s = arg;
	int left = output_try(&s->output, s->err);

	if (left > 0 && !s->reader.on &&
	    loop_fd_start(
		s->loop, &s->reader, STDOUT_FILENO, LOOP_WRITE, on_reader, s, s->err))
		left = -1;
	if (left < 0)
		loop_stop(s->loop);
	if (left == 0 && s->wanted == 0)
		stop_all(s);
	return left;
}

static size_t
on_wanted(void *arg)
{
	return ((struct sub *)arg)->wanted;
}

/* Of several devices the last error is the program's; the others are told at once. */
void
sub_ended(struct sub *s, const struct err *why)
{
	s->live--;
	if (why->code != ERR_OK && s->err->code < ERR_SIGNAL) {
		log_err(s->err);
		*s->err = *why;
	}
	if (s->live == 0)
		loop_stop(s->loop);
}

static void
on_ended(void *arg, const struct err *why)
{
	sub_ended(arg, why);
}

static void
on_time_up(void *arg)
{
	struct sub *s = arg;

	err_set(s->err, ERR_TIMEOUT, _("time is up (--wait)"));
	stop_all(s);
}

/* A second one ends it at once. */
static void
on_signal(void *arg, int signo)
{
	struct sub *s = arg;

	if (signo == SIGINT)
		*s->err = (struct err){.code = (enum err_code)(ERR_SIGNAL + signo)};
	if (s->stopping)
		loop_stop(s->loop);
	stop_all(s);
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
sub_run(struct sub *s, struct err *err)
{
	size_t i;

	log_never_wait();
	if (loop_signal(s->loop, SIGINT, on_signal, s, err) ||
	    loop_signal(s->loop, SIGTERM, on_signal, s, err))
		return -1;
	if (s->args->wait > 0)
		loop_timer_set(s->loop, &s->timer, s->args->wait, on_time_up, s);
	s->live = s->count + device_session_count(s);
	device_session_start(s);
	for (i = 0; i < s->count; i++)
		subscription_start(s->receivers[i]);
	return loop_run(s->loop, err);
}

void
sub_release(struct sub *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		subscription_free(s->receivers[i]);
	free(s->receivers);
	device_session_release(s);
	loop_fd_stop(&s->reader);
	loop_free(s->loop);
	output_release(&s->output);
	message_format_free(s->format);
	topic_set_release(&s->topics);
}
