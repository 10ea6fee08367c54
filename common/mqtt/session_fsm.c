/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "loop/backoff.h"
#include "loop/resolve.h"
#include "mqtt/packet.h"
#include "mqtt/packet_log.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

/*
 * The life of a connection; the table below says it whole. session_stop leads from everywhere to ENDED.
 *
 *	IDLE -> ADMITTING -> RESOLVING -> DIALING -> HANDSHAKING -> UP -> DISCONNECTING -> ENDED
 *	            ^             |        |  ^ |        |           |
 *	            |             |  QUEUING -+ |        |           |   (UP is HANDED_OVER with that option)
 *	            |             v             v        v           v
 *	            +---------- WAITING <---- lost, refused for now, timed out; for good: ENDED
 *
 * First half: what happens on the socket while it stands. Second half: the actions, each of which returns the
 * next state, and the table.
 */

enum {
	STABLE = 10000,    /* ms up after which back-off begins anew */
	LEAVE_TIME = 1000, /* ms for the broker to read DISCONNECT */
	QUEUE_TIME = 20,   /* ms until a full unix socket is tried again */
	LOOK_TIME = 50,    /* ms until it is seen whether a broker is there at all */
	IN_VAIN = 5,       /* short connections in a row are enough */
	READS = 256,       /* packets in a row, before others get their turn */
	LOOK_AGAIN = 5,    /* ms until a CONNACK that was not whole is looked at again */
};

/* Whole packets: a type and no bytes behind it (3.12, 3.14). */
static const char pingreq[] = {(char)(PACKET_PINGREQ << 4), 0};
static const char disconnect[] = {(char)(PACKET_DISCONNECT << 4), 0};

struct session_fsm {
	/* The way there. */
	struct limiter_pass pass;
	struct resolve *lookup;
	struct strv addresses;
	size_t address;   /* the one that is tried */
	int64_t deadline; /* of this attempt */
	struct backoff backoff;
	int in_vain; /* connections in a row that ended as soon as they were up */
	bool was_up, told_down;

	/* The socket. */
	struct loop_fd watch;
	int64_t up_since, heard; /* loop_now */
	bool paused;
	bool messages_paused;
	bool at_message; /* that is not read: messages_paused */
	bool flushing;   /* a write was begun and is not through */
	size_t
	    held; /* acknowledgements in libmosquitto's queue; hold_acks: until they are released */
	bool parted; /* DISCONNECT is written */

	struct loop_timer timer;   /* of the state */
	struct loop_timer partial; /* looks again at bytes that tell nobody: on_partial */
	struct loop_timer alive;   /* pings and the broker's silence */
	struct loop_timer soon;    /* work that waits for its caller to return */
	struct loop_timer giving_up; /* session_stop's */
	bool stopping, told_end;
};

/* A whole packet of a few bytes past libmosquitto's queue, only when nothing is half written. A socket that
 * poll calls writable takes it whole. -1: it takes none now. */
static int
write_past_queue(struct session *s, const char packet[static 2])
{
	struct pollfd p = {.fd = session_mosq_fd(s), .events = POLLOUT};
	void *ssl = session_mosq_link(s).ssl;
	bool sent;

	if (p.fd < 0 || poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
		return -1;
	sent = ssl != NULL ? tls_write(ssl, packet, 2) == 0
			   : send(p.fd, packet, 2, MSG_NOSIGNAL | MSG_DONTWAIT) == 2;
	if (sent)
		packet_log_sent(s->id, s->version, packet, 2);
	return sent ? 0 : -1;
}

static bool
wants_write(const struct session *s)
{
	return session_queue_has_rest(s) || session_mosq_wants_write(s);
}

/* Only while everything that was begun is written may other bytes be. In a session that holds
 * acknowledgements a queue that was not begun does not count: it waits for its release. */
static bool
is_half_written(const struct session *s)
{
	return s->opts.hold_acks ? s->fsm->flushing : wants_write(s);
}

static bool
may_read(const struct session *s)
{
	return (s->state == SESSION_HANDSHAKING && s->fsm->partial.slot == 0) ||
	    (s->state == SESSION_UP && !s->fsm->paused && !s->fsm->at_message &&
		!(s->opts.hold_acks && s->fsm->flushing));
}

/* loop_write empties the whole queue: while acknowledgements are held nothing may be written, and
 * while they leave nothing may be read, since that would queue more of them. */
static bool
may_write(const struct session *s)
{
	return !s->opts.hold_acks || s->fsm->flushing || s->fsm->held == 0;
}

static void
wait_for_io(struct session *s)
{
	unsigned events = may_read(s) ? LOOP_READ : 0;

	if (wants_write(s) && may_write(s))
		events |= LOOP_WRITE;
	loop_fd_set(&s->fsm->watch, events);
}

static void
look_if_connected(struct session *s)
{
	const int number = session_connect_errno(session_mosq_fd(s));

	if (number != 0)
		session_mosq_failed(
		    s, number, number == ECONNRESET && session_connect_tls(s) != NULL);
	session_fsm_step(s, number == 0 ? EV_CONNECTED : EV_LOST);
}

/* What another address would not do better is not tried there. */
static void
look_if_answered(struct session *s)
{
	const enum ws_proxy_answer answer = session_connect_ws_answer(s);

	if (answer == WS_PROXY_WAIT)
		return;
	if (answer == WS_PROXY_REFUSED)
		s->fsm->address = s->fsm->addresses.n;
	session_fsm_step(s, answer == WS_PROXY_OPEN ? EV_CONNECTED : EV_LOST);
}

/* A handshake that did not move on a dead socket never will. */
static void
look_if_dead(struct session *s, unsigned events)
{
	if ((events & LOOP_HANGUP) == 0 || s->state != SESSION_HANDSHAKING ||
	    !session_mosq_is_shaking(s))
		return;
	session_mosq_failed(s, 0, true);
	session_fsm_step(s, EV_LOST);
}

/* DISCONNECT goes past libmosquitto, which would write held acknowledgements before it, and close at
 * once: with unread bytes that resets the connection, and the will might fire. */
static void
part(struct session *s, unsigned events)
{
	if (write_past_queue(s, disconnect) == 0) {
		s->fsm->parted = true;
		shutdown(session_mosq_fd(s), SHUT_WR);
		loop_fd_set(&s->fsm->watch, LOOP_READ);
	} else if ((events & LOOP_HANGUP) != 0) {
		session_fsm_step(s, EV_LOST);
	}
}

static void
swallow(struct session *s)
{
	char scrap[4096];
	ssize_t n;

	while ((n = recv(session_mosq_fd(s), scrap, sizeof(scrap), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		session_fsm_step(s, EV_LOST);
}

static void on_socket(void *arg, unsigned events);

/* No event tells of it: its first bytes are still there. */
static void
on_partial(void *arg)
{
	on_socket(arg, LOOP_READ);
}

/* libmosquitto aborts the program at a property that it does not know: it reads a CONNACK that has come whole
 * and is sound, no other. Where TLS is the session's own there are only its records to look at. */
static enum session_io
look_at_connack(struct session *s)
{
	enum { MOST = PACKET_HEAD_MAX + PACKET_CONNACK_MOST };
	struct pollfd end = {.fd = session_mosq_fd(s), .events = POLLRDHUP};
	const bool over = poll(&end, 1, 0) == 1;
	char *p = xmalloc(MOST);
	const ssize_t n = recv(session_mosq_fd(s), p, MOST, MSG_PEEK | MSG_DONTWAIT);
	const int number = n < 0 ? errno : 0;
	enum packet_fault fault = PACKET_OK;
	struct packet_connack said;
	bool whole = false;

	if (n > 0)
		fault = packet_connack(&said, &whole, p, (size_t)n, s->version);
	free(p);
	if ((fault == PACKET_OK && whole) || number == EAGAIN || number == EINTR)
		return whole ? SESSION_IO_MORE : SESSION_IO_DRAINED;
	if (fault == PACKET_OK && n > 0 && !over) {
		loop_timer_set(s->loop, &s->fsm->partial, LOOK_AGAIN, on_partial, s);
		return SESSION_IO_DRAINED;
	}
	if (fault == PACKET_OK)
		session_mosq_failed(s, number, false);
	else
		err_set(session_error(s), ERR_PROTOCOL,
		    _("it broke the MQTT protocol: %s"), _(packet_fault_text(fault)));
	return SESSION_IO_LOST;
}

static enum session_io
read_one(struct session *s)
{
	enum session_io result =
	    s->state == SESSION_HANDSHAKING && session_connect_tls(s) == NULL
	    ? look_at_connack(s)
	    : SESSION_IO_MORE;

	return result == SESSION_IO_MORE ? session_mosq_read(s) : result;
}

/* In the middle of a packet, which libmosquitto does not tell, the byte is any: then a message that was begun
 * is read, or waits. */
static bool
comes_to_message(struct session *s)
{
	struct session_link link;
	unsigned char first = 0;

	if (!s->fsm->messages_paused || s->state != SESSION_UP)
		return false;
	link = session_mosq_link(s);
	s->fsm->at_message =
	    (link.ssl != NULL ? tls_peek(link.ssl, &first, 1) == 0
			      : recv(link.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1) &&
	    first >> 4 == PACKET_PUBLISH;
	return s->fsm->at_message;
}

static void
read_some(struct session *s)
{
	enum session_io result = SESSION_IO_MORE;
	int left = READS;

	s->fsm->heard = loop_now(s->loop);
	while (left-- > 0 && result == SESSION_IO_MORE && may_read(s) &&
	    !comes_to_message(s))
		result = read_one(s);
	if (result == SESSION_IO_LOST)
		session_fsm_step(s, EV_LOST);
}

static void
write_some(struct session *s)
{
	enum session_io result = SESSION_IO_MORE;

	session_queue_send(s);
	if ((s->state != SESSION_UP && s->state != SESSION_HANDSHAKING) ||
	    session_mosq_is_shaking(s) || !wants_write(s) || !may_write(s))
		return;
	s->fsm->flushing = true;
	if (session_queue_has_rest(s))
		result = session_queue_write_rest(s);
	if (result == SESSION_IO_MORE)
		result = session_mosq_write(s);
	if (result == SESSION_IO_LOST) {
		session_fsm_step(s, EV_LOST);
	} else if (!wants_write(s)) {
		s->fsm->flushing = false;
		s->fsm->held = 0;
	}
}

static bool
has_work(const struct session *s)
{
	if (s->state != SESSION_UP)
		return session_unacknowledged(s) > 0;
	return !session_queue_is_empty(s) || (wants_write(s) && may_write(s));
}

/* Writes what may be written, finishes if that was the last, waits for what is next. */
static void
look(struct session *s)
{
	if (s->state == SESSION_UP)
		session_subscriptions_tell_unsent(s);
	write_some(s);
	if (s->fsm->stopping && !has_work(s))
		session_fsm_step(s, EV_FINISH);
	if (s->state == SESSION_UP || s->state == SESSION_HANDSHAKING)
		wait_for_io(s);
}

static void
on_socket(void *arg, unsigned events)
{
	struct session *s = arg;

	if (s->state == SESSION_DIALING && session_connect_is_ws(s))
		look_if_answered(s);
	else if (s->state == SESSION_DIALING)
		look_if_connected(s);
	else if (s->state == SESSION_DISCONNECTING && s->fsm->parted)
		swallow(s);
	else if (s->state == SESSION_DISCONNECTING)
		part(s, events);
	if ((s->state == SESSION_HANDSHAKING || s->state == SESSION_UP) &&
	    ((events & LOOP_READ) != 0 || session_mosq_is_shaking(s)))
		read_some(s);
	look_if_dead(s, events);
	look(s);
}

/* libmosquitto's own pings would queue behind held acknowledgements, and its own verdict on a silent
 * broker would come while we are the ones who do not read. */
static void
on_alive(void *arg)
{
	struct session *s = arg;
	int64_t keepalive = (int64_t)s->keepalive * 1000;
	int64_t silent = loop_now(s->loop) - s->fsm->heard;
	bool is_silent = silent > keepalive * 3 / 2;

	if (!s->fsm->paused && !s->fsm->at_message &&
	    (is_silent || session_subscriptions_are_late(s))) {
		if (is_silent)
			err_set(session_error(s), ERR_UNREACHABLE,
			    _("it has been silent for %.0f s"), (double)silent / 1000);
		else
			err_set(session_error(s), ERR_UNREACHABLE,
			    _("it did not answer SUBSCRIBE"));
		session_fsm_step(s, EV_LOST);
		return;
	}
	if (!is_half_written(s))
		write_past_queue(s, pingreq);
	loop_timer_set(s->loop, &s->fsm->alive, keepalive / 2, on_alive, s);
}

static void
on_soon(void *arg)
{
	struct session *s = arg;

	if (s->state != SESSION_ENDED) {
		look(s);
	} else if (!s->fsm->told_end) {
		s->fsm->told_end = true;
		if (s->events.ended != NULL)
			s->events.ended(s->arg, session_error(s));
	}
}

void
session_fsm_soon(struct session *s)
{
	loop_timer_set(s->loop, &s->fsm->soon, 0, on_soon, s);
}

void
session_fsm_received(struct session *s, const struct msg *m)
{
	s->fsm->held += m->qos > 0;
	if (s->events.message != NULL)
		s->events.message(s->arg, m);
}

/* libmosquitto closes its socket only by itself; one that is to go while the library still holds it
 * is shut down, and closed at the next connect. */
static void
hang_up(struct session *s)
{
	loop_timer_stop(&s->fsm->timer);
	loop_timer_stop(&s->fsm->alive);
	loop_timer_stop(&s->fsm->partial);
	resolve_cancel(s->fsm->lookup);
	s->fsm->lookup = NULL;
	s->fsm->at_message = false;
	s->fsm->flushing = false;
	s->fsm->held = 0;
	if (session_mosq_fd(s) < 0) {
		loop_fd_forget(&s->fsm->watch);
		return;
	}
	loop_fd_stop(&s->fsm->watch);
	shutdown(session_mosq_fd(s), SHUT_RDWR);
}

static void
on_timer(void *arg)
{
	session_fsm_step(arg, EV_TIMER);
}

static void
set_timer(struct session *s, int64_t ms)
{
	loop_timer_set(s->loop, &s->fsm->timer, ms, on_timer, s);
}

/* The actions: each returns the next state. */

static enum session_state
end(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->fsm->pass);
	loop_timer_stop(&s->fsm->giving_up);
	s->state = SESSION_ENDED;
	session_fsm_soon(s);
	return SESSION_ENDED;
}

static enum session_state
finish(struct session *s)
{
	session_error_clear(s);
	return end(s);
}

static void
resolved(void *arg, const struct strv *addresses, const struct err *why)
{
	struct session *s = arg;
	size_t i;

	s->fsm->lookup = NULL;
	strv_release(&s->fsm->addresses);
	s->fsm->address = 0;
	for (i = 0; i < addresses->n; i++)
		strv_add(&s->fsm->addresses, addresses->v[i]);
	if (why->code != ERR_OK)
		*session_error(s) = *why;
	session_fsm_step(s, why->code == ERR_OK ? EV_RESOLVED : EV_UNRESOLVED);
}

static enum session_state
resolve(struct session *s)
{
	s->fsm->deadline = loop_now(s->loop) + s->opts.connect_timeout;
	set_timer(s, s->opts.connect_timeout);
	s->fsm->lookup = resolve_start(s->loop, s->opts.host, resolved, s);
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
	limiter_enter(s->opts.gate, &s->fsm->pass, admitted, s);
	return SESSION_ADMITTING;
}

static enum session_state
wait(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->fsm->pass);
	if (!s->fsm->told_down && s->events.down != NULL)
		s->events.down(s->arg, session_error(s));
	s->fsm->told_down = true;
	set_timer(s,
	    s->fsm->in_vain >= IN_VAIN ? LOOK_TIME
				       : backoff_next(&s->fsm->backoff, s->opts.fleet));
	return SESSION_WAITING;
}

/* Without a CONNACK nobody was at fault but the broker or the way there. */
static enum session_state
fail(struct session *s)
{
	s->fsm->in_vain = 0;
	session_connect_stage(s);
	return s->fsm->was_up || s->opts.retry ? wait(s) : end(s);
}

/* Each address gets its share of the time that is left. */
static enum session_state
dial(struct session *s)
{
	for (; s->fsm->address < s->fsm->addresses.n; s->fsm->address++) {
		int64_t left = s->fsm->deadline - loop_now(s->loop);
		int failed = session_mosq_dial(s, s->fsm->addresses.v[s->fsm->address]);

		if (failed > 0 && left > 0) {
			set_timer(s, QUEUE_TIME);
			return SESSION_QUEUING;
		}
		if (failed)
			continue;
		fcntl(session_mosq_fd(s), F_SETFD, FD_CLOEXEC);
		if (loop_fd_start(s->loop, &s->fsm->watch, session_mosq_fd(s),
			session_connect_is_ws(s) ? LOOP_READ : LOOP_WRITE, on_socket, s,
			NULL) != 0) {
			err_sys(
			    session_error(s), ERR_FAILED, _("cannot watch the socket"));
			break;
		}
		set_timer(s, left / (int64_t)(s->fsm->addresses.n - s->fsm->address));
		return SESSION_DIALING;
	}
	return fail(s);
}

static enum session_state
dial_next(struct session *s)
{
	hang_up(s);
	s->fsm->address++;
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
	err_set(session_error(s), ERR_UNREACHABLE,
	    _("its name could not be looked up within %g s"), patience(s));
	return fail(s);
}

static enum session_state
dial_timed_out(struct session *s)
{
	err_set(session_error(s), ERR_UNREACHABLE, _("no connection within %g s"),
	    patience(s));
	return dial_next(s);
}

static enum session_state
handshake_timed_out(struct session *s)
{
	err_set(session_error(s), ERR_UNREACHABLE,
	    s->fsm->partial.slot != 0 ? _("its CONNACK was not whole within %g s")
				      : _("connected, but it did not answer within %g s"),
	    patience(s));
	return fail(s);
}

static enum session_state
handshake(struct session *s)
{
	set_timer(s, s->fsm->deadline - loop_now(s->loop));
	return SESSION_HANDSHAKING;
}

static enum session_state
handshake_lost(struct session *s)
{
	bool final;

	if (s->reason == 0)
		return fail(s);
	if (session_mosq_downgrade(s)) {
		hang_up(s);
		return dial(s);
	}
	s->fsm->in_vain = 0;
	final = session_connect_refused(s);
	return !final && (s->fsm->was_up || s->opts.retry) ? wait(s) : end(s);
}

/* A connection ended, as soon as it was up unless it was stable. Whether the broker has now ended one after
 * the other because of a message that libmosquitto cannot take and that is delivered each time. */
static bool
is_in_vain(struct session *s, bool was_stable)
{
	bool poison = session_error(s)->code == ERR_PROTOCOL;
	bool closed = s->closed_without_words && !reason_is_failure(s->reason);

	s->fsm->in_vain = !was_stable && (poison || closed) ? s->fsm->in_vain + 1 : 0;
	if (s->fsm->in_vain < IN_VAIN || !poison)
		return false;
	err_add(session_error(s), _(", %d times in a row"), IN_VAIN);
	return true;
}

/* The connection is up again. Whether the broker, which is there all the time, has now ended one after the
 * other because another client with the same id does the same (mosquitto only closes, it does not say why).
 * One that crashes again and again is waited for: it cannot be reached at once when it has closed the last. */
static bool
is_fought_over(struct session *s)
{
	if (s->fsm->in_vain < IN_VAIN)
		return false;
	err_set(session_error(s), ERR_PROTOCOL,
	    _("it closed the connection, %d times in a row: is there another client with "
	      "the id '%s'?"),
	    IN_VAIN, s->id);
	err_in(session_error(s), _("lost broker '%s'"), s->name);
	return true;
}

/* A connection that is taken away again at once does not start the back-off anew. */
static enum session_state
up_lost(struct session *s)
{
	bool was_stable = loop_now(s->loop) - s->fsm->up_since > STABLE;
	bool final = false;

	if (reason_is_failure(s->reason))
		final = session_connect_dismissed(s);
	else
		session_connect_stage(s);
	final |= is_in_vain(s, was_stable);
	if (was_stable)
		s->fsm->backoff = (struct backoff){0};
	hang_up(s);
	s->state = SESSION_WAITING;
	session_queue_lost(s);
	session_subscriptions_lost(s);
	return final ? end(s) : wait(s);
}

static void
begin_up(struct session *s, enum session_state state)
{
	loop_timer_stop(&s->fsm->timer);
	limiter_leave(&s->fsm->pass);
	s->state = state;
	s->fsm->up_since = s->fsm->heard = loop_now(s->loop);
	s->fsm->was_up = true;
	s->fsm->told_down = false;
	s->reason = 0;
}

/* From here on the socket is watched by another, who may have lost it already. */
static enum session_state
hand_over(struct session *s)
{
	const struct session_link link = session_mosq_link(s);

	begin_up(s, SESSION_HANDED_OVER);
	loop_fd_stop(&s->fsm->watch);
	s->events.handed_over(s->arg, &link);
	return s->state;
}

static enum session_state
go_up(struct session *s)
{
	if (is_fought_over(s)) {
		write_past_queue(s, disconnect);
		return end(s);
	}
	if (s->opts.hand_over)
		return hand_over(s);
	begin_up(s, SESSION_UP);
	if (s->keepalive > 0)
		loop_timer_set(
		    s->loop, &s->fsm->alive, (int64_t)s->keepalive * 500, on_alive, s);
	session_subscriptions_send(s, !s->present);
	if (s->events.up != NULL)
		s->events.up(s->arg, s->present);
	session_fsm_soon(s);
	return SESSION_UP;
}

/* DISCONNECT waits until the socket takes it. */
static enum session_state
leave(struct session *s)
{
	loop_timer_stop(&s->fsm->alive);
	loop_timer_stop(&s->fsm->giving_up);
	s->fsm->parted = false;
	loop_fd_set(&s->fsm->watch, LOOP_WRITE);
	set_timer(s, LEAVE_TIME);
	return SESSION_DISCONNECTING;
}

/* It is given back: everything that its user began to write is written. */
static enum session_state
finish_handed_over(struct session *s)
{
	session_error_clear(s);
	if (loop_fd_start(s->loop, &s->fsm->watch, session_mosq_fd(s), LOOP_WRITE,
		on_socket, s, NULL))
		return end(s);
	return leave(s);
}

static enum session_state
finish_up(struct session *s)
{
	session_error_clear(s);
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
    [SESSION_DIALING] = {[EV_CONNECTED] = handshake,
	[EV_LOST] = dial_next,
	[EV_TIMER] = dial_timed_out,
	[EV_FINISH] = finish},
    [SESSION_HANDSHAKING] = {[EV_ACCEPTED] = go_up,
	[EV_LOST] = handshake_lost,
	[EV_TIMER] = handshake_timed_out,
	[EV_FINISH] = finish},
    [SESSION_UP] = {[EV_LOST] = up_lost, [EV_FINISH] = finish_up},
    [SESSION_HANDED_OVER] = {[EV_LOST] = up_lost, [EV_FINISH] = finish_handed_over},
    [SESSION_DISCONNECTING] = {[EV_LOST] = end, [EV_TIMER] = end},
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
on_giving_up(void *arg)
{
	struct session *s = arg;

	err_set(session_error(s), ERR_TIMEOUT,
	    _("broker '%s' did not acknowledge %zu messages in time"), s->name,
	    session_unacknowledged(s));
	s->state = s->state == SESSION_UP && !is_half_written(s) ? leave(s) : end(s);
}

void
session_fsm_open(struct session *s)
{
	s->fsm = xcalloc(1, sizeof(*s->fsm));
}

void
session_fsm_close(struct session *s)
{
	hang_up(s);
	limiter_leave(&s->fsm->pass);
	loop_timer_stop(&s->fsm->giving_up);
	loop_timer_stop(&s->fsm->soon);
	strv_release(&s->fsm->addresses);
	free(s->fsm);
}

void
session_start(struct session *s)
{
	session_fsm_step(s, EV_START);
}

void
session_stop(struct session *s, int64_t timeout)
{
	if (s->fsm->stopping || s->state == SESSION_ENDED)
		return;
	s->fsm->stopping = true;
	loop_timer_set(s->loop, &s->fsm->giving_up, timeout, on_giving_up, s);
	session_fsm_soon(s);
}

void
session_pause(struct session *s, bool paused)
{
	if (s->fsm->paused && !paused)
		s->fsm->heard = loop_now(s->loop);
	s->fsm->paused = paused;
	session_fsm_soon(s);
}

/* What TLS has peeked at is in no socket any more: it is looked at without an event. */
void
session_pause_messages(struct session *s, bool paused)
{
	s->fsm->messages_paused = paused;
	if (paused || !s->fsm->at_message)
		return;
	s->fsm->at_message = false;
	s->fsm->heard = loop_now(s->loop);
	loop_timer_set(s->loop, &s->fsm->partial, 0, on_partial, s);
}

void
session_release_acks(struct session *s)
{
	if (s->fsm->held > 0)
		s->fsm->flushing = true;
	session_fsm_soon(s);
}

void
session_lost(struct session *s, int number)
{
	session_mosq_failed(s, number, false);
	session_fsm_step(s, EV_LOST);
}

void
session_failed(struct session *s, int reason, const struct err *why)
{
	s->reason = reason;
	s->closed_without_words = false;
	*session_error(s) = *why;
	session_fsm_step(s, EV_LOST);
}
