/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/sessionpart.h"

enum event {
	EV_START,
	EV_RESOLVED,
	EV_UNRESOLVED,
	EV_CONNECTED,
	EV_ACCEPTED,
	EV_LOST,
	EV_TIMER,
	EV_FINISH, /* session_stop, and nothing is left to do */
	EVENTS
};

enum {
	READS = 256,       /* packets in a row, before others get their turn */
	STABLE = 10000,    /* ms up after which back-off begins anew */
	LEAVE_TIME = 1000, /* ms for the broker to read DISCONNECT */
};

static void step(struct session *s, enum event e);

static void
on_timer(void *arg)
{
	step(arg, EV_TIMER);
}

static void
set_timer(struct session *s, int64_t ms)
{
	loop_timer_set(s->loop, &s->timer, ms, on_timer, s);
}

/* libmosquitto closes its socket only by itself; one that is to go while the library still holds it
 * is shut down, and closed at the next connect. */
static void
hang_up(struct session *s)
{
	loop_timer_stop(&s->timer);
	loop_timer_stop(&s->alive);
	resolve_cancel(s->lookup);
	s->lookup = NULL;
	s->flushing = false;
	s->held = 0;
	if (s->mosq == NULL)
		return;
	if (wire_fd(s) < 0) {
		loop_fd_forget(&s->watch);
		return;
	}
	loop_fd_stop(&s->watch);
	shutdown(wire_fd(s), SHUT_RDWR);
}

/* Only while everything that was begun is written may other bytes be. In a session that holds
 * acknowledgements a queue that was not begun does not count: it waits for its release. */
static bool
is_half_written(const struct session *s)
{
	return s->opts.hold_acks ? s->flushing : wire_wants_write(s);
}

static bool
may_read(const struct session *s)
{
	return s->state == SESSION_GREETING ||
	    (s->state == SESSION_UP && !s->paused && !(s->opts.hold_acks && s->flushing));
}

/* loop_write empties the whole queue: while acknowledgements are held nothing may be written, and
 * while they leave nothing may be read, since that would queue more of them. */
static bool
may_write(const struct session *s)
{
	return !s->opts.hold_acks || s->flushing || s->held == 0;
}

static void
wait_for_io(struct session *s)
{
	unsigned events = may_read(s) ? LOOP_READ : 0;

	if (wire_wants_write(s) && may_write(s))
		events |= LOOP_WRITE;
	loop_fd_set(&s->watch, events);
}

/* The actions: each returns the next state. */

static enum session_state
end(struct session *s)
{
	hang_up(s);
	loop_timer_stop(&s->giving_up);
	s->state = SESSION_ENDED;
	run_soon(s);
	return SESSION_ENDED;
}

static enum session_state
finish(struct session *s)
{
	s->why = (struct err){0};
	return end(s);
}

static void
resolved(void *arg, const struct strv *addresses, const struct err *why)
{
	struct session *s = arg;
	size_t i;

	s->lookup = NULL;
	strv_release(&s->addresses);
	s->address = 0;
	for (i = 0; i < addresses->n; i++)
		strv_add(&s->addresses, addresses->v[i]);
	s->why = *why;
	step(s, why->code == ERR_OK ? EV_RESOLVED : EV_UNRESOLVED);
}

static enum session_state
resolve(struct session *s)
{
	s->deadline = loop_now(s->loop) + s->opts.connect_timeout;
	set_timer(s, s->opts.connect_timeout);
	s->lookup = resolve_start(s->loop, s->opts.host, resolved, s);
	return SESSION_RESOLVING;
}

static enum session_state
wait(struct session *s)
{
	hang_up(s);
	if (!s->told_down && s->events.down != NULL)
		s->events.down(s->arg, &s->why);
	s->told_down = true;
	set_timer(s, backoff_next(&s->backoff, s->opts.fleet));
	return SESSION_WAITING;
}

static enum session_state
fail(struct session *s)
{
	err_stage(&s->why, s);
	return s->was_up || s->opts.retry ? wait(s) : end(s);
}

static void on_io(void *arg, unsigned events);

/* Each address gets its share of the time that is left. */
static enum session_state
dial(struct session *s)
{
	for (; s->address < s->addresses.n; s->address++) {
		int64_t left = s->deadline - loop_now(s->loop);

		if (wire_dial(s, s->addresses.v[s->address]) != 0)
			continue;
		fcntl(wire_fd(s), F_SETFD, FD_CLOEXEC);
		if (loop_fd_start(s->loop, &s->watch, wire_fd(s), LOOP_WRITE, on_io, s,
			&s->why) != 0)
			break;
		set_timer(s, left / (int64_t)(s->addresses.n - s->address));
		return SESSION_DIALING;
	}
	return fail(s);
}

static enum session_state
dial_next(struct session *s)
{
	hang_up(s);
	s->address++;
	return dial(s);
}

static double
seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static enum session_state
lookup_timed_out(struct session *s)
{
	err_set(&s->why, ERR_UNREACHABLE,
	    _("its name could not be looked up within %g s"),
	    seconds(s->opts.connect_timeout));
	return fail(s);
}

static enum session_state
dial_timed_out(struct session *s)
{
	err_set(&s->why, ERR_UNREACHABLE, _("no connection within %g s"),
	    seconds(s->opts.connect_timeout));
	return dial_next(s);
}

static enum session_state
greet_timed_out(struct session *s)
{
	err_set(&s->why, ERR_UNREACHABLE,
	    _("connected, but it did not answer within %g s"),
	    seconds(s->opts.connect_timeout));
	return fail(s);
}

static enum session_state
greet(struct session *s)
{
	set_timer(s, s->deadline - loop_now(s->loop));
	return SESSION_GREETING;
}

static bool
is_version_refused(const struct session *s)
{
	return s->opts.version == 0 && s->version == 5 &&
	    (s->reason == 1 || s->reason == 132);
}

static enum session_state
greeting_lost(struct session *s)
{
	bool final = false;

	if (s->reason == 0)
		return fail(s);
	if (is_version_refused(s)) {
		hang_up(s);
		wire_downgrade(s);
		return dial(s);
	}
	err_connack(&s->why, s, s->reason, &final);
	return !final && (s->was_up || s->opts.retry) ? wait(s) : end(s);
}

/* A connection that is taken away again at once does not start the back-off anew. */
static enum session_state
up_lost(struct session *s)
{
	bool final = false;

	if (s->reason >= 128)
		err_disconnect(&s->why, s, s->reason, &final);
	else
		err_stage(&s->why, s);
	if (loop_now(s->loop) - s->up_since > STABLE)
		s->backoff = (struct backoff){0};
	hang_up(s);
	s->state = SESSION_WAITING;
	outs_lost(s);
	subs_lost(s);
	return final ? end(s) : wait(s);
}

static void on_alive(void *arg);

static enum session_state
go_up(struct session *s)
{
	loop_timer_stop(&s->timer);
	s->state = SESSION_UP;
	s->up_since = s->heard = loop_now(s->loop);
	s->was_up = true;
	s->told_down = false;
	s->reason = 0;
	s->fresh = false;
	loop_timer_set(s->loop, &s->alive, (int64_t)s->opts.keepalive * 500, on_alive, s);
	subs_send(s, !s->present);
	if (s->events.up != NULL)
		s->events.up(s->arg, s->present);
	run_soon(s);
	return SESSION_UP;
}

/* DISCONNECT waits until the socket takes it. */
static enum session_state
leave(struct session *s)
{
	loop_timer_stop(&s->alive);
	loop_timer_stop(&s->giving_up);
	s->parted = false;
	loop_fd_set(&s->watch, LOOP_WRITE);
	set_timer(s, LEAVE_TIME);
	return SESSION_LEAVING;
}

static enum session_state
finish_up(struct session *s)
{
	s->why = (struct err){0};
	return leave(s);
}

static enum session_state (*const table[SESSION_STATES][EVENTS])(struct session *) = {
    [SESSION_IDLE] = {[EV_START] = resolve, [EV_FINISH] = finish},
    [SESSION_RESOLVING] = {[EV_RESOLVED] = dial,
	[EV_UNRESOLVED] = fail,
	[EV_TIMER] = lookup_timed_out,
	[EV_FINISH] = finish},
    [SESSION_DIALING] = {[EV_CONNECTED] = greet,
	[EV_LOST] = dial_next,
	[EV_TIMER] = dial_timed_out,
	[EV_FINISH] = finish},
    [SESSION_GREETING] = {[EV_ACCEPTED] = go_up,
	[EV_LOST] = greeting_lost,
	[EV_TIMER] = greet_timed_out,
	[EV_FINISH] = finish},
    [SESSION_UP] = {[EV_LOST] = up_lost, [EV_FINISH] = finish_up},
    [SESSION_LEAVING] = {[EV_LOST] = end, [EV_TIMER] = end},
    [SESSION_WAITING] = {[EV_TIMER] = resolve, [EV_FINISH] = finish},
};

/* An empty cell: nothing to do here. */
static void
step(struct session *s, enum event e)
{
	if (table[s->state][e] != NULL)
		s->state = table[s->state][e](s);
}

void
run_accepted(struct session *s)
{
	step(s, EV_ACCEPTED);
}

/* What happens on the descriptor. */

/* Before libmosquitto's first call on the socket: over TLS it would spin on one that is refused. */
static void
look_if_connected(struct session *s)
{
	int number = 0;
	socklen_t n = sizeof(number);
	char room[64];

	getsockopt(wire_fd(s), SOL_SOCKET, SO_ERROR, &number, &n);
	if (number == 0) {
		step(s, EV_CONNECTED);
		return;
	}
	err_set(&s->why, ERR_UNREACHABLE, "%s", err_lower(room, sizeof(room), number));
	step(s, EV_LOST);
}

/* DISCONNECT goes past libmosquitto, which would write held acknowledgements before it, and close at
 * once: with unread bytes that resets the connection, and the will might fire. */
static void
part(struct session *s, unsigned events)
{
	if (wire_raw(s, "\xE0\x00", 2) == 0) {
		s->parted = true;
		shutdown(wire_fd(s), SHUT_WR);
		loop_fd_set(&s->watch, LOOP_READ);
	} else if ((events & LOOP_HANGUP) != 0) {
		step(s, EV_LOST);
	}
}

static void
swallow(struct session *s)
{
	char scrap[4096];
	ssize_t n;

	while ((n = recv(wire_fd(s), scrap, sizeof(scrap), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		step(s, EV_LOST);
}

static void
read_some(struct session *s)
{
	enum wire result = WIRE_MORE;
	int left = READS;

	s->heard = loop_now(s->loop);
	while (left-- > 0 && result == WIRE_MORE && may_read(s))
		result = wire_read(s);
	if (s->fresh) {
		s->fresh = false;
		if (s->events.dry != NULL)
			s->events.dry(s->arg);
	}
	if (result == WIRE_LOST)
		step(s, EV_LOST);
}

static void
write_some(struct session *s)
{
	if (s->state == SESSION_UP)
		outs_send(s);
	if ((s->state != SESSION_UP && s->state != SESSION_GREETING) ||
	    wire_is_shaking(s) || !wire_wants_write(s) || !may_write(s))
		return;
	s->flushing = true;
	if (wire_write(s) == WIRE_LOST) {
		step(s, EV_LOST);
	} else if (!wire_wants_write(s)) {
		s->flushing = false;
		s->held = 0;
	}
}

static bool
has_work(const struct session *s)
{
	if (s->state != SESSION_UP)
		return s->outs.unacknowledged > 0;
	return s->outs.first < s->outs.n || (wire_wants_write(s) && may_write(s));
}

static void
look_around(struct session *s)
{
	write_some(s);
	if (s->stopping && !has_work(s))
		step(s, EV_FINISH);
	if (s->state == SESSION_UP || s->state == SESSION_GREETING)
		wait_for_io(s);
}

static void
on_io(void *arg, unsigned events)
{
	struct session *s = arg;

	if (s->state == SESSION_DIALING)
		look_if_connected(s);
	else if (s->state == SESSION_LEAVING && s->parted)
		swallow(s);
	else if (s->state == SESSION_LEAVING)
		part(s, events);
	if ((s->state == SESSION_GREETING || s->state == SESSION_UP) &&
	    ((events & LOOP_READ) != 0 || wire_is_shaking(s)))
		read_some(s);
	look_around(s);
}

static void
on_soon(void *arg)
{
	struct session *s = arg;

	if (s->state != SESSION_ENDED) {
		look_around(s);
	} else if (!s->told_end) {
		s->told_end = true;
		if (s->events.ended != NULL)
			s->events.ended(s->arg, &s->why);
	}
}

void
run_soon(struct session *s)
{
	loop_timer_set(s->loop, &s->soon, 0, on_soon, s);
}

/* libmosquitto's own pings would queue behind held acknowledgements, and its own verdict on a silent
 * broker would come while we are the ones who do not read. */
static void
on_alive(void *arg)
{
	struct session *s = arg;
	int64_t keepalive = (int64_t)s->opts.keepalive * 1000;

	if (!s->paused && loop_now(s->loop) - s->heard > keepalive * 3 / 2) {
		err_set(&s->why, ERR_UNREACHABLE, _("it has been silent for %g s"),
		    seconds(loop_now(s->loop) - s->heard));
		step(s, EV_LOST);
		return;
	}
	if (!is_half_written(s))
		wire_raw(s, "\xC0\x00", 2);
	loop_timer_set(s->loop, &s->alive, keepalive / 2, on_alive, s);
}

static void
on_giving_up(void *arg)
{
	struct session *s = arg;

	err_set(&s->why, ERR_TIMEOUT,
	    _("broker '%s' did not acknowledge %zu messages in time"), s->name,
	    s->outs.unacknowledged);
	s->state = s->state == SESSION_UP && !is_half_written(s) ? leave(s) : end(s);
}

void
run_halt(struct session *s)
{
	hang_up(s);
	loop_timer_stop(&s->giving_up);
	loop_timer_stop(&s->soon);
}

void
session_start(struct session *s)
{
	step(s, EV_START);
}

void
session_stop(struct session *s, int64_t timeout)
{
	if (s->stopping || s->state == SESSION_ENDED)
		return;
	s->stopping = true;
	loop_timer_set(s->loop, &s->giving_up, timeout, on_giving_up, s);
	run_soon(s);
}

bool
session_is_up(const struct session *s)
{
	return s->state == SESSION_UP;
}

int
session_version(const struct session *s)
{
	return s->version;
}

const char *
session_broker(const struct session *s)
{
	return s->url;
}

void
session_pause(struct session *s, bool paused)
{
	if (s->paused && !paused)
		s->heard = loop_now(s->loop);
	s->paused = paused;
	run_soon(s);
}

void
session_release_acks(struct session *s)
{
	if (s->held > 0)
		s->flushing = true;
	run_soon(s);
}
