/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/packet.h"
#include "mqtt/packet_log.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

enum {
	READS = 256,    /* packets in a row, before others get their turn */
	LOOK_AGAIN = 5, /* ms until a CONNACK that was not whole is looked at again */
};

/* Whole packets: a type and no bytes behind it (3.12, 3.14). */
static const char pingreq[] = {(char)(PACKET_PINGREQ << 4), 0};
static const char disconnect[] = {(char)(PACKET_DISCONNECT << 4), 0};

/* Small: ten thousand devices have one each. */
struct session_socket {
	int64_t heard; /* loop_now */
	/* When a connection was lost that was up, in us since 1970; 0: none was. */
	int64_t lost;
	/* Acknowledgements in libmosquitto's queue; hold_acks: until they are released. */
	unsigned held;
	unsigned untaken; /* session_untaken */
	bool paused : 1;
	bool messages_paused : 1;
	bool at_message : 1; /* that is not read: messages_paused */
	bool flushing : 1;   /* a write was begun and is not through */
	bool stopping : 1;
	struct loop_timer partial; /* looks again at bytes that tell nobody: on_partial */
	struct loop_timer alive;   /* pings and the broker's silence */
	struct loop_timer soon;    /* work that waits for its caller to return */
	struct loop_timer giving_up; /* session_stop's */
};

/* A whole packet of a few bytes past libmosquitto's queue, only when nothing is half written. A socket that
 * poll calls writable takes it whole. -1: it takes none now. */
static int
write_past_queue(struct session *s, const char packet[static 2])
{
	struct conn conn = session_mosq_conn(s);
	struct pollfd p = {.fd = conn.fd, .events = POLLOUT};

	if (p.fd < 0 || poll(&p, 1, 0) != 1 || p.revents != POLLOUT ||
	    conn_write(&conn, packet, 2) != 2)
		return -1;
	packet_log_sent(s->link.id, s->link.version, packet, 2);
	return 0;
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
	return s->link.opts.hold_acks ? s->socket->flushing : wants_write(s);
}

static bool
may_read(const struct session *s)
{
	return (s->link.state == CONNECTOR_HANDSHAKING && s->socket->partial.slot == 0) ||
	    (s->link.state == CONNECTOR_UP && !s->socket->paused &&
		!s->socket->at_message &&
		!(s->link.opts.hold_acks && s->socket->flushing));
}

/* loop_write empties the whole queue: while acknowledgements are held nothing may be written, and
 * while they leave nothing may be read, since that would queue more of them. */
static bool
may_write(const struct session *s)
{
	return !s->link.opts.hold_acks || s->socket->flushing || s->socket->held == 0;
}

static void
wait_for_io(struct session *s)
{
	unsigned events = may_read(s) ? LOOP_READ : 0;

	if (wants_write(s) && may_write(s))
		events |= LOOP_WRITE;
	loop_fd_set(&s->link.watch, events);
}

static void on_lost(void *arg);

/* The connection is over: for good, if that is because of a publication that would be sent again. */
static void
lose(struct session *s)
{
	if (!session_queue_is_refused(s)) {
		connector_step(&s->link, CONNECTOR_LOST);
		return;
	}
	connector_give_up(&s->link, false);
	on_lost(s);
}

static void on_ready(void *arg, unsigned events);

/* No event tells of it: its first bytes are still there. */
static void
on_partial(void *arg)
{
	on_ready(arg, LOOP_READ);
}

/* CONNACK is whole: a broker that speaks 3.1.1 alone refuses 5, whatever it says of it. */
static enum session_io
take_connack(struct session *s, const struct packet_connack *said)
{
	if (!said->is_v3)
		return SESSION_IO_MORE;
	s->link.reason = REASON_UNSUPPORTED_VERSION;
	return SESSION_IO_LOST;
}

/* libmosquitto aborts the program at a property that it does not know, and of one of 3.1.1 some of its versions
 * say only that it is malformed: it reads a CONNACK that has come whole and is sound, no other. */
static enum session_io
look_at_connack(struct session *s)
{
	enum { MOST = PACKET_HEAD_MAX + PACKET_CONNACK_MOST };
	struct conn conn = session_mosq_conn(s);
	struct pollfd end = {.fd = conn.fd, .events = POLLRDHUP};
	const bool over = poll(&end, 1, 0) == 1;
	enum packet_fault fault = PACKET_OK;
	struct packet_connack said;
	bool whole = false, drained;
	char *p = xmalloc(MOST);
	const ssize_t n = conn_peek(&conn, p, MOST, &drained);
	const int number = n < 0 ? errno : 0;

	if (n > 0)
		fault = packet_connack(&said, &whole, p, (size_t)n, s->link.version);
	free(p);
	dial_note(&s->link.broker.dial);
	if (drained)
		return SESSION_IO_DRAINED;
	if (fault != PACKET_OK)
		err_set(connector_error(&s->link), ERR_PROTOCOL,
		    _("it broke the MQTT protocol: %s"), _(packet_fault_text(fault)));
	else if (whole)
		return take_connack(s, &said);
	else if (n <= 0 || over)
		connector_failed(&s->link, number, false);
	else {
		s->link.partial = true;
		loop_timer_set(s->loop, &s->socket->partial, LOOK_AGAIN, on_partial, s);
		return SESSION_IO_DRAINED;
	}
	return SESSION_IO_LOST;
}

static enum session_io
read_one(struct session *s)
{
	const enum session_io result =
	    s->link.state == CONNECTOR_HANDSHAKING ? look_at_connack(s) : SESSION_IO_MORE;

	return result == SESSION_IO_MORE ? session_mosq_read(s) : result;
}

/* Whether the next byte begins a PUBLISH, which has to wait. libmosquitto does not tell whether it is in the
 * middle of a packet: there the byte is payload, and may look like a PUBLISH or not. */
static bool
comes_to_message(struct session *s)
{
	struct conn conn = session_mosq_conn(s);
	char first = 0;
	bool drained;

	if (!s->socket->messages_paused || s->link.state != CONNECTOR_UP)
		return false;
	s->socket->at_message = conn_peek(&conn, &first, 1, &drained) == 1 &&
	    (unsigned char)first >> 4 == PACKET_PUBLISH;
	return s->socket->at_message;
}

static void
read_some(struct session *s)
{
	enum session_io result = SESSION_IO_MORE;
	int left = READS;

	s->socket->heard = loop_now(s->loop);
	while (left-- > 0 && result == SESSION_IO_MORE && may_read(s) &&
	    !comes_to_message(s))
		result = read_one(s);
	if (result == SESSION_IO_LOST)
		lose(s);
}

static void
write_some(struct session *s)
{
	enum session_io result = SESSION_IO_MORE;

	session_queue_send(s);
	if ((s->link.state != CONNECTOR_UP && s->link.state != CONNECTOR_HANDSHAKING) ||
	    !wants_write(s) || !may_write(s))
		return;
	s->socket->flushing = true;
	if (session_queue_has_rest(s))
		result = session_queue_write_rest(s);
	if (result == SESSION_IO_MORE)
		result = session_mosq_write(s);
	if (result == SESSION_IO_LOST) {
		lose(s);
	} else if (!wants_write(s)) {
		s->socket->flushing = false;
		s->socket->held = 0;
	}
}

static bool
has_work(const struct session *s)
{
	if (s->link.state != CONNECTOR_UP)
		return session_unacknowledged(s) > 0;
	return !session_queue_is_empty(s) || (wants_write(s) && may_write(s));
}

/* Who is to end and holds acknowledgements takes no message any more, and reads on all the same, since those of its own
 * publications come behind. Not before these are written: the acknowledgement of the message, which is in
 * libmosquitto's queue and stays there, would hold them back. */
static void
read_past_messages(struct session *s)
{
	if (s->socket->at_message && !(wants_write(s) && may_write(s)))
		session_pause_messages(s, false);
}

/* Writes what may be written, finishes if that was the last, waits for what is next. */
static void
look(struct session *s)
{
	if (s->link.state == CONNECTOR_UP)
		session_subscriptions_tell_unsent(s);
	write_some(s);
	if (s->socket->stopping && !has_work(s))
		connector_step(&s->link, CONNECTOR_FINISH);
	else if (s->socket->stopping)
		connector_hurry(&s->link);
	if (s->socket->stopping)
		read_past_messages(s);
	if (s->link.state == CONNECTOR_UP || s->link.state == CONNECTOR_HANDSHAKING)
		wait_for_io(s);
}

/* False as long as TLS is not there, and when it never will be. */
static bool
shake(struct session *s)
{
	const int events = session_mosq_shake(s);

	if (events > 0)
		loop_fd_set(&s->link.watch, (unsigned)events);
	if (events < 0)
		connector_step(&s->link, CONNECTOR_LOST);
	return events == 0;
}

static void
on_ready(void *arg, unsigned events)
{
	struct session *s = arg;

	if (session_mosq_is_shaking(s) && !shake(s))
		return;
	if (s->socket->stopping)
		write_some(s);
	if ((events & LOOP_READ) != 0)
		read_some(s);
	look(s);
}

/* libmosquitto's own pings would queue behind held acknowledgements, and its own verdict on a silent
 * broker would come while we are the ones who do not read. */
static void
on_alive(void *arg)
{
	struct session *s = arg;
	int64_t keepalive = (int64_t)s->keepalive * 1000;
	int64_t silent = loop_now(s->loop) - s->socket->heard;
	bool is_silent = silent > keepalive * 3 / 2;

	if (!s->socket->paused && !s->socket->at_message &&
	    (is_silent || session_subscriptions_are_late(s))) {
		if (is_silent)
			err_set(connector_error(&s->link), ERR_UNREACHABLE,
			    _("it has been silent for %.0f s"), (double)silent / 1000);
		else
			err_set(connector_error(&s->link), ERR_UNREACHABLE,
			    _("it did not answer SUBSCRIBE"));
		connector_step(&s->link, CONNECTOR_LOST);
		return;
	}
	if (!is_half_written(s))
		write_past_queue(s, pingreq);
	loop_timer_set(s->loop, &s->socket->alive, keepalive / 2, on_alive, s);
}

static void
on_soon(void *arg)
{
	struct session *s = arg;

	if (s->link.state != CONNECTOR_ENDED && !session_mosq_is_shaking(s))
		look(s);
}

void
session_socket_soon(struct session *s)
{
	loop_timer_set(s->loop, &s->socket->soon, 0, on_soon, s);
}

/* A release that was asked for in the same read, when one read brings several packets, is taken back: it was not
 * for this one, and all acknowledgements leave together. */
void
session_socket_received(struct session *s, const struct msg *m)
{
	s->socket->held += m->qos > 0;
	if (m->qos > 0 && s->link.opts.hold_acks)
		s->socket->flushing = false;
	if (s->socket->stopping && s->link.opts.hold_acks)
		s->socket->untaken++;
	else if (s->events->message != NULL)
		s->events->message(s->arg, m);
}

/* While acknowledgements are held the last publication may not have left: then the will is to tell. */
static void
on_giving_up(void *arg)
{
	struct session *s = arg;

	if (s->link.state == CONNECTOR_DISCONNECTING || s->link.state == CONNECTOR_ENDED)
		return;
	err_set(connector_error(&s->link), ERR_TIMEOUT,
	    P_("broker '%s' did not acknowledge %zu message in time",
		"broker '%s' did not acknowledge %zu messages in time",
		session_unacknowledged(s)),
	    s->link.broker.name, session_unacknowledged(s));
	connector_give_up(&s->link, !is_half_written(s) && !s->link.opts.hold_acks);
}

/* What a connector asks of a session. */

static int
on_dial(void *arg, const char *peer)
{
	return session_mosq_dial(arg, peer);
}

static int
get_fd(const void *arg)
{
	return session_mosq_fd(arg);
}

static bool
on_refused(void *arg)
{
	return session_mosq_downgrade(arg);
}

/* DISCONNECT goes past libmosquitto, which would write held acknowledgements before it, and close at once. */
static int
on_part(void *arg)
{
	struct conn conn = session_mosq_conn(arg);

	if (write_past_queue(arg, disconnect))
		return -1;
	conn_shut(&conn);
	return 0;
}

static void
tell_if_forgotten(struct session *s)
{
	struct err why = {0};

	if (s->present || s->link.opts.clean || s->socket->lost == 0 ||
	    s->events->forgotten == NULL)
		return;
	reason_err_session_lost(&why, s->link.id, s->socket->lost, clock_wall_us());
	s->events->forgotten(s->arg, &why);
}

static void
on_up(void *arg)
{
	struct session *s = arg;

	s->socket->heard = loop_now(s->loop);
	if (s->keepalive > 0)
		loop_timer_set(
		    s->loop, &s->socket->alive, (int64_t)s->keepalive * 500, on_alive, s);
	tell_if_forgotten(s);
	session_subscriptions_send(
	    s, !s->present || s->asked_at != s->link.brokers.present);
	s->asked_at = s->link.brokers.present;
	if (s->events->up != NULL)
		s->events->up(s->arg, s->present);
	session_socket_soon(s);
}

/* Which publication the broker's DISCONNECT is about, if it is about one: MQTT 5, 3.14.2.1. */
static void
on_lost(void *arg)
{
	struct session *s = arg;

	s->socket->lost = clock_wall_us();
	if (s->link.reason == REASON_NOT_AUTHORIZED ||
	    s->link.reason == REASON_PACKET_TOO_LARGE ||
	    s->link.reason == REASON_QOS_NOT_SUPPORTED)
		session_queue_name_oldest(s, connector_error(&s->link));
	session_queue_lost(s);
	session_subscriptions_lost(s);
}

/* libmosquitto closes its socket only by itself; one that is to go while the library still holds it is closed at
 * the next connect. */
static void
on_hang_up(void *arg)
{
	struct session *s = arg;

	loop_timer_stop(&s->socket->alive);
	loop_timer_stop(&s->socket->partial);
	s->socket->at_message = false;
	s->socket->flushing = false;
	s->socket->held = 0;
}

static void
on_down(void *arg, const struct err *why)
{
	struct session *s = arg;

	if (s->events->down != NULL)
		s->events->down(s->arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct session *s = arg;

	if (s->events->ended != NULL)
		s->events->ended(s->arg, why);
}

const struct connector_ops session_socket_ops = {
    .dial = on_dial,
    .fd = get_fd,
    .ready = on_ready,
    .downgrade = on_refused,
    .part = on_part,
    .up = on_up,
    .lost = on_lost,
    .hang_up = on_hang_up,
    .down = on_down,
    .ended = on_ended,
};

void
session_socket_open(struct session *s)
{
	s->socket = xcalloc(1, sizeof(*s->socket));
}

void
session_socket_close(struct session *s)
{
	connector_hang_up(&s->link);
	loop_timer_stop(&s->socket->giving_up);
	loop_timer_stop(&s->socket->soon);
	free(s->socket);
}

void
session_start(struct session *s)
{
	connector_step(&s->link, CONNECTOR_START);
}

void
session_hurry(struct session *s)
{
	if (session_unacknowledged(s) > 0)
		connector_hurry(&s->link);
}

void
session_stop(struct session *s, int64_t timeout)
{
	if (s->socket->stopping || s->link.state == CONNECTOR_ENDED)
		return;
	s->socket->stopping = true;
	s->socket->messages_paused |= s->link.opts.hold_acks;
	loop_timer_set(s->loop, &s->socket->giving_up, timeout, on_giving_up, s);
	session_socket_soon(s);
}

size_t
session_untaken(const struct session *s)
{
	return s->socket->untaken;
}

void
session_pause(struct session *s, bool paused)
{
	if (s->socket->paused && !paused)
		s->socket->heard = loop_now(s->loop);
	s->socket->paused = paused;
	session_socket_soon(s);
}

/* What TLS has peeked at is in no socket any more: it is looked at without an event. */
void
session_pause_messages(struct session *s, bool paused)
{
	s->socket->messages_paused = paused;
	if (paused || !s->socket->at_message)
		return;
	s->socket->at_message = false;
	s->socket->heard = loop_now(s->loop);
	loop_timer_set(s->loop, &s->socket->partial, 0, on_partial, s);
}

void
session_release_acks(struct session *s)
{
	if (s->socket->held > 0)
		s->socket->flushing = true;
	session_socket_soon(s);
}
