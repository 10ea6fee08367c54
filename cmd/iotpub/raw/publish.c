/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any message: to one topic, or as lines of NDJSON say. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "iotpub/iotpub.h"
#include "iotpub/outcome.h"
#include "iotpub/raw/property.h"
#include "iotpub/raw/replay.h"
#include "iotpub/raw/stdin_lines.h"
#include "iotpub/raw/publish.h"

enum {
	WINDOW = 1000,       /* messages on their way */
	IN_MEMORY = 8 << 20, /* bytes of them, but for one that is larger */
	LARGEST = 268435455
};

struct raw {
	const struct args *a;
	struct loop *loop;
	struct session *session;
	bool streams; /* has its messages from lines ... */
	bool records; /* ... of NDJSON */
	int fd;       /* with these lines */
	struct stdin_lines lines;
	struct replay replay;
	struct buf payload;
	struct msg_props props; /* of -D */
	int left;               /* how often it is still to be published */
	size_t in_flight;       /* given to the session, not yet answered */
	size_t bytes;           /* given since none was */
	struct loop_timer timer;
	struct outcome outcome;
	bool over, warned;
	bool outage; /* there is no connection, which was told */
	bool was_up;
	bool held; /* a record was due while the connection was down */
	struct err *err;
};

static void
finish(struct raw *r)
{
	r->over = true;
	loop_timer_stop(&r->timer);
	stdin_lines_pause(&r->lines, true);
	session_stop(r->session, r->a->drain);
}

static void
fail(struct raw *r, const struct err *why)
{
	if (r->err->code == ERR_OK)
		*r->err = *why;
	finish(r);
}

static void
publish(struct raw *r, const struct session_pub *p)
{
	struct err err = {0};
	int id;

	if (p->payload.n > LARGE_PAYLOAD && !r->warned) {
		r->warned = true;
		log_warn(_("a message of %zu bytes: keep them under 1 KB where you can"),
		    p->payload.n);
	}
	if (session_publish(r->session, p, &id, &err)) {
		fail(r, &err);
	} else {
		r->in_flight++;
		r->bytes += p->payload.n;
	}
}

static void
publish_payload(struct raw *r, struct span payload)
{
	publish(r,
	    &(struct session_pub){.topic = r->a->topic,
		.payload = payload,
		.qos = r->a->qos,
		.retain = r->a->retain,
		.props = r->a->properties.n > 0 ? &r->props : NULL});
}

/* A message of QoS 0 needs the connection; that of a line of NDJSON is not known yet. */
static bool
is_full(const struct raw *r)
{
	return r->in_flight >= WINDOW || r->bytes >= IN_MEMORY ||
	    ((r->a->qos == 0 || r->records) && !session_is_up(r->session));
}

/* While a record waits for its time no other is read. */
static bool
is_waiting(const struct raw *r)
{
	return r->records && r->timer.slot != 0;
}

static void
publish_record(void *arg)
{
	struct raw *r = arg;
	const struct session_pub p = replay_message(&r->replay);

	if (!session_is_up(r->session)) {
		r->held = true;
		return;
	}
	publish(r, &p);
	stdin_lines_pause(&r->lines, is_full(r));
}

static void
take_record(struct raw *r, struct span line)
{
	struct err why = {0};
	int64_t wait = 0;

	if (replay_take(&r->replay, line, loop_now(r->loop), &wait, &why)) {
		fail(r, &why);
	} else if (wait > 0) {
		stdin_lines_pause(&r->lines, true);
		loop_timer_set(r->loop, &r->timer, wait, publish_record, r);
	} else {
		publish_record(r);
	}
}

static void
on_line(void *arg, struct span line)
{
	struct raw *r = arg;

	if (!r->records)
		publish_payload(r, line);
	else if (replay_line(&r->replay, &line))
		take_record(r, line);
	if (is_full(r))
		stdin_lines_pause(&r->lines, true);
}

static void
on_end(void *arg, const struct err *why)
{
	struct raw *r = arg;

	if (why->code != ERR_OK)
		fail(r, why);
	else
		finish(r);
}

/* All at once as far as the window allows, or one each delay. */
static void
publish_again(void *arg)
{
	struct raw *r = arg;

	while (r->left > 0 && !r->over && !is_full(r)) {
		r->left--;
		publish_payload(r, buf_as_span(&r->payload));
		if (r->a->repeat_delay > 0)
			break;
	}
	if (r->left == 0 && !r->over)
		finish(r);
	else if (r->left > 0 && !r->over && r->a->repeat_delay > 0)
		loop_timer_set(r->loop, &r->timer, r->a->repeat_delay, publish_again, r);
}

static void
go_on(struct raw *r)
{
	if (r->over || is_full(r) || is_waiting(r))
		return;
	if (r->held) {
		r->held = false;
		publish_record(r);
	} else if (r->streams)
		stdin_lines_pause(&r->lines, false);
	else if (r->a->repeat_delay == 0 || r->timer.slot == 0)
		publish_again(r);
}

static void
on_up(void *arg, bool present)
{
	struct raw *r = arg;
	struct err err = {0};

	(void)present;
	if (r->outage)
		log_warn(r->was_up ? _("connected again, to broker %s")
				   : _("connected to broker %s"),
		    session_where(r->session).text);
	else
		log_info(_("connected to broker %s"), session_where(r->session).text);
	r->outage = false;
	r->was_up = true;
	if (r->streams && r->lines.loop == NULL && !r->over &&
	    stdin_lines_start(&r->lines, r->loop, r->fd,
		r->fd == STDIN_FILENO ? NULL : r->a->replay, on_line, on_end, r, &err))
		fail(r, &err);
	go_on(r);
}

static void
on_down(void *arg, const struct err *why)
{
	struct raw *r = arg;

	log_warn("%s", why->text);
	r->outage = true;
	if (is_full(r))
		stdin_lines_pause(&r->lines, true);
}

static void
on_published(void *arg, int id, int reason)
{
	struct raw *r = arg;

	(void)id;
	r->in_flight--;
	if (r->in_flight == 0)
		r->bytes = 0;
	outcome_published(&r->outcome, reason);
	if (r->a->repeat_delay == 0)
		go_on(r);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct raw *r = arg;

	if (why->code != ERR_OK && r->err->code == ERR_OK)
		*r->err = *why;
	loop_stop(r->loop);
}

static void
on_signal(void *arg, int signo)
{
	struct raw *r = arg;

	if (outcome_signal(&r->outcome, signo))
		finish(r);
	else
		loop_stop(r->loop);
}

static int
check(const struct args *a, const struct session_opts *o, struct err *err)
{
	int sources = (a->message != NULL) + (a->file != NULL) + a->lines +
	    a->whole_stdin + a->null;

	if (a->topic != NULL && topic_check_name(span_of(a->topic), err))
		return -1;
	if (a->replay == NULL && sources != 1)
		return err_set(err, ERR_USAGE,
		    sources == 0
			? _("there is no message: give one of -m, -f, -l, -s and "
			    "-n")
			: _("there is more than one message: give one of -m, -f, "
			    "-l, -s and -n"));
	if (a->properties.n > 0 && (a->json || o->version == 4))
		return err_set(err, ERR_USAGE,
		    a->json ? _("-D: with --json each line has its own properties")
			    : _("-D needs MQTT 5"));
	if (a->lines && a->repeat != 1)
		return err_set(err, ERR_USAGE, _("--repeat cannot be used with -l"));
	if (a->will_topic != NULL && topic_check_name(span_of(a->will_topic), err))
		return err_in(err, "--will-topic");
	if (a->keep_session && a->mqtt.id == NULL)
		return err_set(err, ERR_USAGE, _("-c needs a client id: -i"));
	return 0;
}

static int
load(struct raw *r, struct err *err)
{
	const struct args *a = r->a;

	if (property_take(&r->props, &a->properties, err))
		return -1;
	r->records = a->json || a->replay != NULL;
	r->streams = a->lines || a->replay != NULL;
	r->left = r->streams ? 0 : a->repeat;
	if (r->records && replay_init(&r->replay, a, err))
		return -1;
	if (a->replay != NULL && strcmp(a->replay, "-") != 0) {
		r->fd = open(a->replay, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0)
			return err_sys(err, ERR_USAGE, _("cannot read '%s'"), a->replay);
	}
	if (a->message != NULL)
		buf_puts(&r->payload, a->message);
	if (a->file != NULL || a->whole_stdin)
		return file_read(
		    a->whole_stdin ? "-" : a->file, LARGEST, &r->payload, err);
	return 0;
}

static int
start(struct raw *r, const struct session_opts *o, struct err *err)
{
	static const struct session_events events = {
	    .up = on_up, .down = on_down, .ended = on_ended, .published = on_published};

	r->loop = loop_new(err);
	if (r->loop == NULL || loop_signal(r->loop, SIGINT, on_signal, r, err) ||
	    loop_signal(r->loop, SIGTERM, on_signal, r, err))
		return -1;
	r->session = session_new(r->loop, o, &events, r, err);
	if (r->session == NULL)
		return -1;
	session_start(r->session);
	return loop_run(r->loop, err);
}

/* It may well be meant: for people who look only. */
static void
tell_unheard(const struct outcome *o)
{
	if (o->unheard > 0 && (log_level() >= LOG_INFO || isatty(STDERR_FILENO)))
		log_warn(_("messages without a subscriber: %zu of %zu"), o->unheard,
		    o->published);
}

int
publish_run(const struct args *a, const struct opt_set *set, struct session_opts *o,
    struct err *err)
{
	struct raw r = {.a = a, .err = err, .fd = STDIN_FILENO};
	int failed;

	(void)set;
	o->will_topic = a->will_topic;
	o->will_payload = span_of(a->will_payload != NULL ? a->will_payload : "");
	o->will_qos = a->will_qos;
	o->will_retain = a->will_retain;
	failed = check(a, o, err) || load(&r, err) || start(&r, o, err);
	if (!failed) {
		r.outcome.unpublished = (size_t)r.left;
		r.outcome.unacknowledged = session_unacknowledged(r.session);
		tell_unheard(&r.outcome);
		failed = outcome_judge(&r.outcome, err);
	}
	stdin_lines_release(&r.lines);
	replay_release(&r.replay);
	if (r.fd > STDIN_FILENO)
		close(r.fd);
	session_free(r.session);
	loop_free(r.loop);
	buf_release(&r.payload);
	property_release(&r.props);
	return failed;
}
