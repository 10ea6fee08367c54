/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens on a session's descriptor. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/text.h"
#include "mqtt/packet.h"
#include "mqtt/session_int.h"

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
		session_queue_tell(s, 0);
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
