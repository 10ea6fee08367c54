/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "mqtt/session.h"
#include "unit.h"

/* A loop, a session on it, and what the session told. A test with more to remember has this as the first
 * member of its own struct, so that a pointer to that is one to the rig. */
struct rig {
	struct loop *loop;
	struct session *session;
	struct loop_timer limit;
	/* So many of these stop the loop; 0: none does. `ended` and `subscribed` always do. */
	int stop_at_ups, stop_at_downs, stop_at_messages, stop_at_published;
	int ups, downs, ends, messages;
	int published, lost; /* with a reason below 128, and from that on */
	int disorder;        /* told as published before one that was made earlier */
	int last_id, granted;
	char last[256]; /* message: TOPIC=PAYLOAD/QOS */
	struct err down, ended, subscribed;
};

static inline void
rig_on_up(void *arg, bool present)
{
	struct rig *r = arg;

	(void)present;
	if (++r->ups == r->stop_at_ups)
		loop_stop(r->loop);
}

static inline void
rig_on_down(void *arg, const struct err *why)
{
	struct rig *r = arg;

	r->down = *why;
	if (++r->downs == r->stop_at_downs)
		loop_stop(r->loop);
}

static inline void
rig_on_ended(void *arg, const struct err *why)
{
	struct rig *r = arg;

	r->ends++;
	r->ended = *why;
	loop_stop(r->loop);
}

static inline void
rig_on_message(void *arg, const struct msg *m)
{
	struct rig *r = arg;

	snprintf(r->last, sizeof(r->last), "%.*s=%.*s/%d", (int)m->topic.n, m->topic.p,
	    (int)m->payload.n, m->payload.p, m->qos);
	if (++r->messages == r->stop_at_messages)
		loop_stop(r->loop);
}

static inline void
rig_on_published(void *arg, int id, int reason)
{
	struct rig *r = arg;

	assert_true(id > 0);
	r->disorder += id <= r->last_id;
	r->last_id = id;
	if (reason >= 128)
		r->lost++;
	else if (++r->published == r->stop_at_published)
		loop_stop(r->loop);
}

static inline void
rig_on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct rig *r = arg;

	(void)filter;
	r->granted = qos;
	r->subscribed = *why;
	loop_stop(r->loop);
}

static const struct session_events rig_events = {
    .up = rig_on_up,
    .down = rig_on_down,
    .ended = rig_on_ended,
    .message = rig_on_message,
    .published = rig_on_published,
    .subscribed = rig_on_subscribed,
};

static inline void
rig_on_limit(void *arg)
{
	struct rig *r = arg;

	print_message("# time is up: ups %d downs %d ends %d messages %d: %s\n", r->ups,
	    r->downs, r->ends, r->messages, r->down.text);
	loop_stop(r->loop);
}

/* Runs the loop until something stops it, or for `ms`. */
static inline void
rig_run(struct rig *r, int64_t ms)
{
	loop_timer_set(r->loop, &r->limit, ms, rig_on_limit, r);
	assert_int_equal(loop_run(r->loop, NULL), 0);
	loop_timer_stop(&r->limit);
}

/* One clean session's options for this broker; the tests change what they are about. */
static inline struct session_opts
rig_to(const char *host, int port)
{
	return (struct session_opts){.host = host,
	    .port = port,
	    .keepalive = 5,
	    .clean = true,
	    .connect_timeout = 5000};
}

/* A session that tells the rig, not started, the caller's; the rig's loop is made when it has none. */
static inline struct session *
rig_session(struct rig *r, const struct session_opts *o)
{
	struct err err = {0};
	struct session *session;

	if (r->loop == NULL)
		r->loop = loop_new(&err);
	session = session_new(r->loop, o, &rig_events, r, &err);
	assert_string_equal(err.text, "");
	return session;
}

static inline void
rig_begin(struct rig *r, const struct session_opts *o)
{
	r->session = rig_session(r, o);
	session_start(r->session);
}

static inline void
rig_finish(struct rig *r)
{
	session_free(r->session);
	loop_free(r->loop);
}

/* Stops the session, which leaves nothing unacknowledged, and finishes. */
static inline void
rig_stop(struct rig *r)
{
	session_stop(r->session, 3000);
	rig_run(r, 5000);
	assert_int_equal(r->ends, 1);
	assert_string_equal(r->ended.text, "");
	assert_int_equal(r->lost, 0);
	rig_finish(r);
}

/* A socket on a free loopback port, the caller's to close. Unless it is `open`, connections are refused. */
static inline int
rig_listen(int *port, bool open)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (open)
		assert_int_equal(listen(fd, 16), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(a.sin_port);
	return fd;
}

#endif
