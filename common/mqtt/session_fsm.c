/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

enum {
	STABLE = 10000,    /* ms up after which back-off begins anew */
	LEAVE_TIME = 1000, /* ms for the broker to read DISCONNECT */
	QUEUE_TIME = 20,   /* ms until a full unix socket is tried again */
	LOOK_TIME = 50,    /* ms until it is seen whether a broker is there at all */
};

static void
on_timer(void *arg)
{
	session_fsm_step(arg, EV_TIMER);
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
	loop_timer_stop(&s->partial);
	resolve_cancel(s->lookup);
	s->lookup = NULL;
	s->flushing = false;
	s->held = 0;
	if (s->mosq == NULL)
		return;
	if (session_wire_fd(s) < 0) {
		loop_fd_forget(&s->watch);
		return;
	}
	loop_fd_stop(&s->watch);
	shutdown(session_wire_fd(s), SHUT_RDWR);
}

/* The actions: each returns the next state. */

static enum session_state
end(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->pass);
	loop_timer_stop(&s->giving_up);
	s->state = SESSION_ENDED;
	session_fsm_soon(s);
	return SESSION_ENDED;
}

static enum session_state
finish(struct session *s)
{
	session_why_forget(s);
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
	if (why->code != ERR_OK)
		*session_why_of(s) = *why;
	session_fsm_step(s, why->code == ERR_OK ? EV_RESOLVED : EV_UNRESOLVED);
}

static enum session_state
resolve(struct session *s)
{
	s->deadline = loop_now(s->loop) + s->opts.connect_timeout;
	set_timer(s, s->opts.connect_timeout);
	s->lookup = resolve_start(s->loop, s->opts.host, resolved, s);
	return SESSION_RESOLVING;
}

static void
admitted(void *arg)
{
	session_fsm_step(arg, EV_ADMITTED);
}

static enum session_state
begin(struct session *s)
{
	if (s->opts.gate == NULL)
		return resolve(s);
	limiter_enter(s->opts.gate, &s->pass, admitted, s);
	return SESSION_ADMITTING;
}

static enum session_state
wait(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->pass);
	if (!s->told_down && s->events.down != NULL)
		s->events.down(s->arg, session_why_of(s));
	s->told_down = true;
	set_timer(s,
	    s->in_vain >= SESSION_IN_VAIN ? LOOK_TIME
					  : backoff_next(&s->backoff, s->opts.fleet));
	return SESSION_WAITING;
}

/* Without a CONNACK nobody was at fault but the broker or the way there. */
static enum session_state
fail(struct session *s)
{
	s->in_vain = 0;
	session_err_stage(session_why_of(s), s);
	return s->was_up || s->opts.retry ? wait(s) : end(s);
}

/* Each address gets its share of the time that is left. */
static enum session_state
dial(struct session *s)
{
	for (; s->address < s->addresses.n; s->address++) {
		int64_t left = s->deadline - loop_now(s->loop);
		int failed = session_wire_dial(s, s->addresses.v[s->address]);

		if (failed > 0 && left > 0) {
			set_timer(s, QUEUE_TIME);
			return SESSION_QUEUING;
		}
		if (failed)
			continue;
		fcntl(session_wire_fd(s), F_SETFD, FD_CLOEXEC);
		if (loop_fd_start(s->loop, &s->watch, session_wire_fd(s),
			s->ws ? LOOP_READ : LOOP_WRITE, session_io_event, s, NULL) != 0) {
			err_sys(
			    session_why_of(s), ERR_FAILED, _("cannot watch the socket"));
			break;
		}
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
patience(const struct session *s)
{
	return (double)s->opts.connect_timeout / 1000;
}

static enum session_state
lookup_timed_out(struct session *s)
{
	err_set(session_why_of(s), ERR_UNREACHABLE,
	    _("its name could not be looked up within %g s"), patience(s));
	return fail(s);
}

static enum session_state
dial_timed_out(struct session *s)
{
	err_set(session_why_of(s), ERR_UNREACHABLE, _("no connection within %g s"),
	    patience(s));
	return dial_next(s);
}

static enum session_state
greet_timed_out(struct session *s)
{
	err_set(session_why_of(s), ERR_UNREACHABLE,
	    s->partial.slot != 0 ? _("its CONNACK was not whole within %g s")
				 : _("connected, but it did not answer within %g s"),
	    patience(s));
	return fail(s);
}

static enum session_state
greet(struct session *s)
{
	set_timer(s, s->deadline - loop_now(s->loop));
	return SESSION_GREETING;
}

static enum session_state
greeting_lost(struct session *s)
{
	bool final = false;

	if (s->reason == 0)
		return fail(s);
	if (session_wire_may_downgrade(s)) {
		hang_up(s);
		session_wire_downgrade(s);
		return dial(s);
	}
	s->in_vain = 0;
	session_err_connack(session_why_of(s), s, s->reason, &final);
	return !final && (s->was_up || s->opts.retry) ? wait(s) : end(s);
}

/* A connection that is taken away again at once does not start the back-off anew. */
static enum session_state
up_lost(struct session *s)
{
	bool was_stable = loop_now(s->loop) - s->up_since > STABLE;
	bool final = false;

	if (reason_is_failure(s->reason))
		session_err_disconnect(session_why_of(s), s, s->reason, &final);
	else
		session_err_stage(session_why_of(s), s);
	final |= session_err_in_vain(s, was_stable);
	if (was_stable)
		s->backoff = (struct backoff){0};
	hang_up(s);
	s->state = SESSION_WAITING;
	session_queue_lost(s);
	session_subs_lost(s);
	return final ? end(s) : wait(s);
}

static void
begin_up(struct session *s, enum session_state state)
{
	loop_timer_stop(&s->timer);
	limiter_leave(&s->pass);
	s->state = state;
	s->up_since = s->heard = loop_now(s->loop);
	s->was_up = true;
	s->told_down = false;
	s->reason = 0;
	s->fresh = false;
}

/* From here on the socket is watched by another, who may have lost it already. */
static enum session_state
hand_over(struct session *s)
{
	const struct session_link link = session_wire_link(s);

	begin_up(s, SESSION_TAKEN);
	loop_fd_stop(&s->watch);
	s->events.taken(s->arg, &link);
	return s->state;
}

static enum session_state
go_up(struct session *s)
{
	if (session_err_is_fought(s)) {
		session_wire_raw(s, "\xE0\x00", 2);
		return end(s);
	}
	if (s->opts.take)
		return hand_over(s);
	begin_up(s, SESSION_UP);
	session_io_stay_alive(s);
	session_subs_send(s, !s->present);
	if (s->events.up != NULL)
		s->events.up(s->arg, s->present);
	session_fsm_soon(s);
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

/* It was given back: everything that its user began to write is written. */
static enum session_state
finish_taken(struct session *s)
{
	session_why_forget(s);
	if (loop_fd_start(s->loop, &s->watch, session_wire_fd(s), LOOP_WRITE,
		session_io_event, s, NULL))
		return end(s);
	return leave(s);
}

static enum session_state
finish_up(struct session *s)
{
	session_why_forget(s);
	return leave(s);
}

static enum session_state (*const table[SESSION_STATES][SESSION_EVENTS])(
    struct session *) = {
    [SESSION_IDLE] = {[EV_START] = begin, [EV_FINISH] = finish},
    [SESSION_ADMITTING] = {[EV_ADMITTED] = resolve, [EV_FINISH] = finish},
    [SESSION_QUEUING] = {[EV_TIMER] = dial, [EV_FINISH] = finish},
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
    [SESSION_TAKEN] = {[EV_LOST] = up_lost, [EV_FINISH] = finish_taken},
    [SESSION_LEAVING] = {[EV_LOST] = end, [EV_TIMER] = end},
    [SESSION_WAITING] = {[EV_TIMER] = begin, [EV_FINISH] = finish},
};

/* An empty cell: nothing to do here. */
void
session_fsm_step(struct session *s, enum session_event e)
{
	if (table[s->state][e] != NULL)
		s->state = table[s->state][e](s);
}

static void
on_soon(void *arg)
{
	struct session *s = arg;

	if (s->state != SESSION_ENDED) {
		session_io_look(s);
	} else if (!s->told_end) {
		s->told_end = true;
		if (s->events.ended != NULL)
			s->events.ended(s->arg, session_why_of(s));
	}
}

void
session_fsm_soon(struct session *s)
{
	loop_timer_set(s->loop, &s->soon, 0, on_soon, s);
}

static void
on_giving_up(void *arg)
{
	struct session *s = arg;

	err_set(session_why_of(s), ERR_TIMEOUT,
	    _("broker '%s' did not acknowledge %zu messages in time"), s->name,
	    s->outs.unacknowledged);
	s->state =
	    s->state == SESSION_UP && !session_io_is_half_written(s) ? leave(s) : end(s);
}

void
session_fsm_halt(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->pass);
	loop_timer_stop(&s->giving_up);
	loop_timer_stop(&s->soon);
}

void
session_start(struct session *s)
{
	session_fsm_step(s, EV_START);
}

void
session_stop(struct session *s, int64_t timeout)
{
	if (s->stopping || s->state == SESSION_ENDED)
		return;
	s->stopping = true;
	loop_timer_set(s->loop, &s->giving_up, timeout, on_giving_up, s);
	session_fsm_soon(s);
}

/* What happens on a session's descriptor. */

enum {
	READS = 256,    /* packets in a row, before others get their turn */
	LOOK_AGAIN = 5, /* ms until a CONNACK that was not whole is looked at again */
};

/* Only while everything that was begun is written may other bytes be. In a session that holds
 * acknowledgements a queue that was not begun does not count: it waits for its release. */
bool
session_io_is_half_written(const struct session *s)
{
	return s->opts.hold_acks ? s->flushing : session_wire_wants_write(s);
}

static bool
may_read(const struct session *s)
{
	return (s->state == SESSION_GREETING && s->partial.slot == 0) ||
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

	if (session_wire_wants_write(s) && may_write(s))
		events |= LOOP_WRITE;
	loop_fd_set(&s->watch, events);
}

/* Not refused, but connected and reset since: something of ours was acknowledged. */
static bool
was_connected(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	    info.tcpi_bytes_acked > 0;
}

/* Before libmosquitto's next call on the socket: over TLS it would spin on one that is refused. Its
 * first, inside of connect, may have taken the error away already. */
static int
connect_error(const struct session *s)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int number = 0;
	socklen_t size = sizeof(number);

	getsockopt(session_wire_fd(s), SOL_SOCKET, SO_ERROR, &number, &size);
	if (number == 0 &&
	    getpeername(session_wire_fd(s), (struct sockaddr *)&peer, &n) != 0)
		return was_connected(session_wire_fd(s)) ? ECONNRESET : ECONNREFUSED;
	return number;
}

static void
look_if_connected(struct session *s)
{
	int number;

	if (s->ws) {
		session_ws_answered(s);
		return;
	}
	number = connect_error(s);
	s->shaking = number == ECONNRESET && s->tls != NULL;
	if (number != 0)
		session_wire_failed(s, number);
	session_fsm_step(s, number == 0 ? EV_CONNECTED : EV_LOST);
}

/* A handshake that did not move on a dead socket never will. */
static void
look_if_dead(struct session *s, unsigned events)
{
	if ((events & LOOP_HANGUP) == 0 || s->state != SESSION_GREETING ||
	    !session_wire_is_shaking(s))
		return;
	session_wire_failed(s, 0);
	session_fsm_step(s, EV_LOST);
}

/* DISCONNECT goes past libmosquitto, which would write held acknowledgements before it, and close at
 * once: with unread bytes that resets the connection, and the will might fire. */
static void
part(struct session *s, unsigned events)
{
	if (session_wire_raw(s, "\xE0\x00", 2) == 0) {
		s->parted = true;
		shutdown(session_wire_fd(s), SHUT_WR);
		loop_fd_set(&s->watch, LOOP_READ);
	} else if ((events & LOOP_HANGUP) != 0) {
		session_fsm_step(s, EV_LOST);
	}
}

static void
swallow(struct session *s)
{
	char scrap[4096];
	ssize_t n;

	while ((n = recv(session_wire_fd(s), scrap, sizeof(scrap), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		session_fsm_step(s, EV_LOST);
}

static void
look_again(void *arg)
{
	session_io_event(arg, LOOP_READ);
}

/* libmosquitto aborts the program at a property that it does not know: it reads a CONNACK that has come whole
 * and is sound, no other. Where TLS is the session's own there are only its records to look at. */
static enum wire
look_at_connack(struct session *s)
{
	enum { MOST = PACKET_HEAD_MAX + PACKET_CONNACK_MOST };
	struct pollfd end = {.fd = session_wire_fd(s), .events = POLLRDHUP};
	const bool over = poll(&end, 1, 0) == 1;
	char *p = xmalloc(MOST);
	const ssize_t n = recv(session_wire_fd(s), p, MOST, MSG_PEEK | MSG_DONTWAIT);
	const int number = n < 0 ? errno : 0;
	enum packet_fault fault = PACKET_OK;
	bool whole = false;

	if (n > 0)
		fault = packet_connack(&whole, p, (size_t)n, s->version);
	free(p);
	if ((fault == PACKET_OK && whole) || number == EAGAIN || number == EINTR)
		return whole ? SESSION_WIRE_MORE : SESSION_WIRE_DRY;
	if (fault == PACKET_OK && n > 0 && !over) {
		loop_timer_set(s->loop, &s->partial, LOOK_AGAIN, look_again, s);
		return SESSION_WIRE_DRY;
	}
	if (fault == PACKET_OK)
		session_wire_failed(s, number);
	else
		err_set(session_why_of(s), ERR_PROTOCOL,
		    _("it broke the MQTT protocol: %s"), _(packet_fault_text(fault)));
	return SESSION_WIRE_LOST;
}

static enum wire
read_one(struct session *s)
{
	enum wire result = s->state == SESSION_GREETING && s->tls == NULL
	    ? look_at_connack(s)
	    : SESSION_WIRE_MORE;

	return result == SESSION_WIRE_MORE ? session_wire_read(s) : result;
}

static void
read_some(struct session *s)
{
	enum wire result = SESSION_WIRE_MORE;
	int left = READS;

	s->heard = loop_now(s->loop);
	while (left-- > 0 && result == SESSION_WIRE_MORE && may_read(s))
		result = read_one(s);
	if (s->fresh) {
		s->fresh = false;
		if (s->events.dry != NULL)
			s->events.dry(s->arg);
	}
	if (result == SESSION_WIRE_LOST)
		session_fsm_step(s, EV_LOST);
}

static void
write_some(struct session *s)
{
	if (s->state == SESSION_UP && s->rest.n == 0)
		session_queue_tell(s, REASON_SUCCESS);
	if (s->state == SESSION_UP)
		session_queue_send(s);
	if ((s->state != SESSION_UP && s->state != SESSION_GREETING) ||
	    session_wire_is_shaking(s) || !session_wire_wants_write(s) || !may_write(s))
		return;
	s->flushing = true;
	if (session_wire_write(s) == SESSION_WIRE_LOST) {
		session_fsm_step(s, EV_LOST);
	} else if (!session_wire_wants_write(s)) {
		s->flushing = false;
		s->held = 0;
	}
}

static bool
has_work(const struct session *s)
{
	if (s->state != SESSION_UP)
		return s->outs.unacknowledged > 0;
	return s->outs.first < s->outs.n || s->outs.written > 0 ||
	    (session_wire_wants_write(s) && may_write(s));
}

void
session_io_look(struct session *s)
{
	if (s->state == SESSION_UP)
		session_subs_tell(s);
	write_some(s);
	if (s->stopping && !has_work(s))
		session_fsm_step(s, EV_FINISH);
	if (s->state == SESSION_UP || s->state == SESSION_GREETING)
		wait_for_io(s);
}

void
session_io_event(void *arg, unsigned events)
{
	struct session *s = arg;

	if (s->state == SESSION_DIALING)
		look_if_connected(s);
	else if (s->state == SESSION_LEAVING && s->parted)
		swallow(s);
	else if (s->state == SESSION_LEAVING)
		part(s, events);
	if ((s->state == SESSION_GREETING || s->state == SESSION_UP) &&
	    ((events & LOOP_READ) != 0 || session_wire_is_shaking(s)))
		read_some(s);
	look_if_dead(s, events);
	session_io_look(s);
}

/* libmosquitto's own pings would queue behind held acknowledgements, and its own verdict on a silent
 * broker would come while we are the ones who do not read. */
static void
on_alive(void *arg)
{
	struct session *s = arg;
	int64_t keepalive = (int64_t)s->keepalive * 1000;
	int64_t silent = loop_now(s->loop) - s->heard;
	bool is_silent = silent > keepalive * 3 / 2;

	if (!s->paused && (is_silent || session_subs_are_late(s))) {
		if (is_silent)
			err_set(session_why_of(s), ERR_UNREACHABLE,
			    _("it has been silent for %.0f s"), (double)silent / 1000);
		else
			err_set(session_why_of(s), ERR_UNREACHABLE,
			    _("it did not answer SUBSCRIBE"));
		session_fsm_step(s, EV_LOST);
		return;
	}
	if (!session_io_is_half_written(s))
		session_wire_raw(s, "\xC0\x00", 2);
	session_io_stay_alive(s);
}

void
session_io_stay_alive(struct session *s)
{
	if (s->keepalive > 0)
		loop_timer_set(
		    s->loop, &s->alive, (int64_t)s->keepalive * 500, on_alive, s);
}

void
session_pause(struct session *s, bool paused)
{
	if (s->paused && !paused)
		s->heard = loop_now(s->loop);
	s->paused = paused;
	session_fsm_soon(s);
}

void
session_release_acks(struct session *s)
{
	if (s->held > 0)
		s->flushing = true;
	session_fsm_soon(s);
}

void
session_lost(struct session *s, int number)
{
	session_wire_failed(s, number);
	session_fsm_step(s, EV_LOST);
}

void
session_failed(struct session *s, int reason, const struct err *why)
{
	s->reason = reason;
	s->closed = false;
	*session_why_of(s) = *why;
	session_fsm_step(s, EV_LOST);
}
