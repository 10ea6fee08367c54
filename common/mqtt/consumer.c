/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/consumer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer_int.h"
#include "mqtt/reason.h"

enum {
	READS = 16,       /* buffers in a row, before others get their turn */
	TURNS = 16,       /* of reading and acknowledging, likewise */
	PINGS_MOST = 64,  /* bytes: a broker that does not read gets no more pings */
	STOP_TIME = 3000, /* ms for acknowledgements and DISCONNECT to leave */
};

static void pump(void *arg);

/* What happens inside of a pump is seen at its end. */
static void
pump_soon(struct consumer *c)
{
	if (!c->pumping)
		loop_timer_set(c->loop, &c->soon, 0, pump, c);
}

static void
let_go(struct consumer *c)
{
	c->connected = false;
	loop_fd_stop(&c->watch);
	loop_timer_stop(&c->alive);
	loop_timer_stop(&c->answer);
	loop_timer_stop(&c->hold);
	packet_log_free(c->log);
	c->log = NULL;
}

/* Milliseconds to the broker and back, as far as the kernel knows. */
static int64_t
round_trip(const struct consumer *c)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof(info);

	if (getsockopt(c->conn.fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return 0;
	return info.tcpi_rtt / 1000;
}

static void
say_held(void *arg)
{
	struct consumer *c = arg;

	c->told_held = c->window.holds;
	c->events.held(c->arg, c->told_held ? window_size(&c->window) : 0,
	    window_is_theirs(&c->window));
}

/* Whoever waits for messages is told when none can come. */
static void
look_at_window(struct consumer *c)
{
	size_t n = receiver_unacknowledged(c->receiver), before = c->window.n;
	int64_t now = loop_now(c->loop), wait;

	if (c->events.held == NULL || !c->connected || n == before)
		return;
	window_look(&c->window, n, now, n < before ? round_trip(c) : 0);
	wait = window_wait(&c->window, now);
	if (wait >= 0 && !c->told_held) {
		loop_timer_set(c->loop, &c->hold, wait, say_held, c);
	} else if (wait < 0) {
		loop_timer_stop(&c->hold);
		if (c->told_held)
			say_held(c);
	}
}

static void
begin_window(struct consumer *c)
{
	window_reset(&c->window, c->version == 5 ? (size_t)c->receive_maximum : 0);
	if (c->told_held)
		say_held(c);
}

/* The consumer may wait for more before it makes a batch safe: nothing more is at hand. */
static void
say_drained(struct consumer *c)
{
	bool fresh = c->fresh;

	c->fresh = false;
	if (fresh && c->events.drained != NULL)
		c->events.drained(c->arg);
}

static void
lose(struct consumer *c, int number)
{
	say_drained(c);
	let_go(c);
	session_lost(c->session, number);
}

static void
lose_because(struct consumer *c, const struct err *why)
{
	say_drained(c);
	let_go(c);
	session_failed(c->session, 0, why);
}

static void
log_written(struct consumer *c, struct span out, ssize_t n)
{
	if (n > 0)
		packet_log_bytes(c->log, PACKET_OUT, out.p, (size_t)n);
}

/* As far as the socket takes it: the broker has to know why. */
static void
end_by_fault(struct consumer *c, enum packet_fault fault)
{
	struct err why = {0};
	struct span out;

	err_set(&why, ERR_PROTOCOL, _("it broke the MQTT protocol: %s"),
	    _(packet_fault_text(fault)));
	packet_put_disconnect(
	    receiver_packets(c->receiver), packet_fault_reason(fault), c->version);
	out = receiver_output(c->receiver);
	log_written(c, out, conn_write(&c->conn, out.p, out.n));
	let_go(c);
	session_failed(c->session, 0, &why);
}

static void
end_by_broker(struct consumer *c, int reason)
{
	const struct err none = {0};

	if (!reason_is_failure(reason)) {
		lose(c, 0);
		return;
	}
	let_go(c);
	session_failed(c->session, reason, &none);
}

/* False when the connection is over. */
static bool
look_at_state(struct consumer *c)
{
	const struct receiver_state state = receiver_state(c->receiver);

	if (state.fault != PACKET_OK || state.left)
		say_drained(c);
	if (state.fault != PACKET_OK)
		end_by_fault(c, state.fault);
	else if (state.left)
		end_by_broker(c, state.reason);
	return c->connected;
}

/* Reads until nothing is there or nothing is wanted. True with bytes left that no poll will tell of. */
static bool
read_some(struct consumer *c)
{
	int left = READS;
	bool drained = false;
	size_t room = 0;

	while (left-- > 0 && !drained) {
		char *p = receiver_room(c->receiver, &room);
		ssize_t n = room > 0 ? conn_read(&c->conn, p, room, &drained) : 0;

		if (room == 0)
			return false;
		if (n > 0) {
			c->heard = loop_now(c->loop);
			packet_log_bytes(c->log, PACKET_IN, p, (size_t)n);
			receiver_got(c->receiver, (size_t)n, clock_wall_us());
			if (!look_at_state(c))
				return false;
		} else if (n == 0 || !drained) {
			lose(c, n == 0 ? 0 : errno);
			return false;
		}
	}
	if (drained)
		say_drained(c);
	return !drained;
}

/* Whether something was to be written, and all of it was. */
static bool
write_some(struct consumer *c)
{
	struct span out = receiver_output(c->receiver);
	ssize_t n = out.n > 0 ? conn_write(&c->conn, out.p, out.n) : 0;

	log_written(c, out, n);
	if (n > 0)
		receiver_sent(c->receiver, (size_t)n);
	else if (n < 0 && errno != EAGAIN)
		lose(c, errno);
	return n > 0 && (size_t)n == out.n;
}

static bool
may_read(struct consumer *c)
{
	size_t room;

	return receiver_room(c->receiver, &room) != NULL;
}

/* Reads, and acknowledges. A broker whose window was full sends more as soon as it has read that. True as
 * from read_some. */
static bool
converse(struct consumer *c)
{
	int left = TURNS;
	bool more, told;

	do {
		more = read_some(c);
		told = c->connected && write_some(c);
	} while (!more && told && --left > 0 && may_read(c) &&
	    busy_poll_until_readable(&c->spin, c->conn.fd));
	return more;
}

/* A broker that takes no more in time gets no DISCONNECT in the middle of a packet either. */
static void
give_up(void *arg)
{
	struct consumer *c = arg;

	if (c->connected) {
		shutdown(c->conn.fd, SHUT_RDWR);
		let_go(c);
	}
	session_stop(c->session, STOP_TIME);
}

static void
finish_if_done(struct consumer *c)
{
	if (!c->stopping || !receiver_is_acked(c->receiver))
		return;
	if (c->connected && receiver_output(c->receiver).n > 0) {
		if (c->giving_up.slot == 0)
			loop_timer_set(c->loop, &c->giving_up, STOP_TIME, give_up, c);
		return;
	}
	loop_timer_stop(&c->giving_up);
	if (c->connected)
		let_go(c);
	session_stop(c->session, STOP_TIME);
}

static void
wait_for_socket(struct consumer *c, bool more)
{
	bool reads = may_read(c), was_reading = (c->watch.events & LOOP_READ) != 0;

	if (reads && !was_reading)
		c->heard = c->asked = loop_now(c->loop);
	loop_fd_set(
	    &c->watch, conn_events(&c->conn, reads, receiver_output(c->receiver).n > 0));
	if (more && reads)
		pump_soon(c);
}

static void
pump(void *arg)
{
	struct consumer *c = arg;
	bool more = false;

	if (c->connected) {
		c->pumping = true;
		receiver_go_on(c->receiver);
		more = look_at_state(c) && converse(c);
		c->pumping = false;
		look_at_window(c);
	}
	finish_if_done(c);
	if (c->connected)
		wait_for_socket(c, more);
}

static void
on_socket(void *arg, unsigned events)
{
	(void)events;
	pump(arg);
}

/* The broker hears from us also while nothing is read. Its silence counts only while we listen. */
static void
on_alive(void *arg)
{
	struct consumer *c = arg;
	int64_t silent = loop_now(c->loop) - c->heard;
	struct err why = {0};

	if ((c->watch.events & LOOP_READ) != 0 && silent > c->keepalive * 3 / 2) {
		err_set(&why, ERR_UNREACHABLE, _("it has been silent for %.0f s"),
		    (double)silent / 1000);
		lose_because(c, &why);
		return;
	}
	if (receiver_output(c->receiver).n < PINGS_MOST)
		packet_put_ping(receiver_packets(c->receiver));
	loop_timer_set(c->loop, &c->alive, c->keepalive / 2, on_alive, c);
	pump_soon(c);
}

/* Without a SUBACK nobody would ever know that nothing comes. It may stand behind messages, which a slow
 * consumer has to take first. */
static void
on_late_answer(void *arg)
{
	struct consumer *c = arg;
	int64_t left = c->asked + c->patience - loop_now(c->loop);
	bool listens = (c->watch.events & LOOP_READ) != 0;
	struct err why = {0};

	if (!consumer_is_asking(c))
		return;
	if (!listens || left > 0) {
		loop_timer_set(
		    c->loop, &c->answer, listens ? left : c->patience, on_late_answer, c);
		return;
	}
	err_set(&why, ERR_UNREACHABLE, _("it did not answer SUBSCRIBE within %g s"),
	    (double)c->patience / 1000);
	lose_because(c, &why);
}

static void
watch_broker(struct consumer *c)
{
	if (c->keepalive > 0)
		loop_timer_set(c->loop, &c->alive, c->keepalive / 2, on_alive, c);
	c->asked = loop_now(c->loop);
	if (consumer_is_asking(c) && c->patience > 0)
		loop_timer_set(c->loop, &c->answer, c->patience, on_late_answer, c);
}

static void
on_handed_over(void *arg, const struct session_link *link)
{
	struct consumer *c = arg;

	conn_open(&c->conn, link->fd, link->ssl);
	c->log = packet_log_new(link->client_id, link->version);
	c->version = link->version;
	c->keepalive = (int64_t)link->keepalive * 1000;
	c->heard = loop_now(c->loop);
	c->connected = true;
	receiver_take_over(c->receiver, link->version, link->session_present);
	begin_window(c);
	if (loop_fd_start(c->loop, &c->watch, link->fd, LOOP_READ, on_socket, c, NULL)) {
		lose(c, errno);
		return;
	}
	if (!c->stopping)
		consumer_subscribe(c, !link->session_present);
	watch_broker(c);
	if (c->events.up != NULL)
		c->events.up(c->arg, link->session_present);
	pump_soon(c);
}

static void
on_down(void *arg, const struct err *why)
{
	struct consumer *c = arg;

	if (c->events.down != NULL)
		c->events.down(c->arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct consumer *c = arg;

	if (c->events.ended != NULL)
		c->events.ended(c->arg, c->refusal.code != ERR_OK ? &c->refusal : why);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct consumer *c = arg;

	c->fresh = true;
	c->asked = loop_now(c->loop);
	look_at_window(c);
	c->events.batch(c->arg, m, n, token);
}

static struct receiver *
open_receiver(struct consumer *c, const struct session_opts *o)
{
	static const struct receiver_events events = {on_batch, consumer_answered};
	const struct receiver_opts opts = {
	    .max_packet = o->max_packet > 0 ? o->max_packet : SESSION_MAX_PACKET,
	};

	return receiver_new(&opts, &events, c);
}

struct consumer *
consumer_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count,
    const struct consumer_events *events, void *arg, struct err *err)
{
	static const struct session_events mine = {
	    .handed_over = on_handed_over,
	    .down = on_down,
	    .ended = on_ended,
	};
	struct consumer *c = xcalloc(1, sizeof(*c));
	struct session_opts own = *opts;

	own.hand_over = true;
	c->loop = loop;
	c->events = *events;
	c->arg = arg;
	c->patience = opts->connect_timeout;
	c->receive_maximum =
	    opts->receive_maximum > 0 ? opts->receive_maximum : SESSION_RECEIVE_MAXIMUM;
	c->receiver = open_receiver(c, opts);
	if (consumer_add_filters(c, filters, count, err) == 0)
		c->session = session_new(loop, &own, &mine, c, err);
	if (c->session != NULL)
		return c;
	consumer_free(c);
	return NULL;
}

void
consumer_start(struct consumer *c)
{
	session_start(c->session);
}

int
consumer_version(const struct consumer *c)
{
	return c->version;
}

void
consumer_limit(struct consumer *c, size_t n)
{
	receiver_limit(c->receiver, n);
	pump_soon(c);
}

void
consumer_release(struct consumer *c, uint64_t token)
{
	receiver_release(c->receiver, token);
	pump_soon(c);
}

void
consumer_ack(struct consumer *c, uint64_t token)
{
	receiver_ack(c->receiver, token);
	look_at_window(c);
	pump_soon(c);
}

void
consumer_stop(struct consumer *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	receiver_stop(c->receiver);
	pump_soon(c);
}

void
consumer_free(struct consumer *c)
{
	size_t i;

	if (c == NULL)
		return;
	let_go(c);
	loop_timer_stop(&c->soon);
	loop_timer_stop(&c->giving_up);
	session_free(c->session);
	receiver_free(c->receiver);
	for (i = 0; c->filters != NULL && i < c->count; i++)
		free(c->filters[i].text);
	free(c->filters);
	free(c);
}
