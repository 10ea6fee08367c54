/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/consumer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer_int.h"
#include "mqtt/reason.h"

enum {
	READS = 16,         /* buffers in a row, before others get their turn */
	TURNS = 16,         /* of reading and acknowledging, likewise */
	PINGS_MOST = 64,    /* bytes: a broker that does not read gets no more pings */
	STOP_TIME = 3000,   /* ms for acknowledgements and DISCONNECT to leave */
	SHARE_TIME = 60000, /* ms without a message of a shared subscription */
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
on_hang_up(void *arg)
{
	struct consumer *c = arg;

	loop_timer_stop(&c->alive);
	loop_timer_stop(&c->answer);
	loop_timer_stop(&c->hold);
	loop_timer_stop(&c->share);
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

	if (c->events.held == NULL || !consumer_is_up(c) || n == before)
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
	window_reset(&c->window, c->link.version == 5 ? (size_t)c->receive_maximum : 0);
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
on_lost(void *arg)
{
	say_drained(arg);
}

void
consumer_lose(struct consumer *c, int number)
{
	connector_failed(&c->link, number, false);
	connector_step(&c->link, CONNECTOR_LOST);
}

static void
log_written(struct consumer *c, struct span out, ssize_t n)
{
	if (n > 0)
		packet_log_bytes(c->log, PACKET_OUT, out.p, (size_t)n);
}

/* By a DISCONNECT of the broker with `reason` (128 or more), or because of what connector_error says. */
static void
lose_because(struct consumer *c, int reason)
{
	c->link.reason = reason;
	c->link.closed_without_words = false;
	connector_step(&c->link, CONNECTOR_LOST);
}

/* MQTT 3.1.1 has no DISCONNECT but the one that says goodbye, and takes the will back (3.14). */
void
consumer_end_by_fault(struct consumer *c, enum packet_fault fault)
{
	struct span out;

	c->no_aliases |= fault == PACKET_BAD_ALIAS;
	err_set(connector_error(&c->link), ERR_PROTOCOL,
	    _("it broke the MQTT protocol: %s"), _(packet_fault_text(fault)));
	if (c->link.version == 5)
		packet_put_disconnect(receiver_packets(c->receiver),
		    packet_fault_reason(fault), c->link.version);
	out = receiver_output(c->receiver);
	if (out.n > 0)
		log_written(c, out, conn_write(&c->conn, out.p, out.n));
	lose_because(c, 0);
}

static void
end_by_broker(struct consumer *c, int reason)
{
	if (!reason_is_failure(reason)) {
		consumer_lose(c, 0);
		return;
	}
	connector_error_clear(&c->link);
	lose_because(c, reason);
}

/* False when the connection is over. */
static bool
look_at_state(struct consumer *c)
{
	const struct receiver_state state = receiver_state(c->receiver);

	if (state.fault != PACKET_OK || state.left)
		say_drained(c);
	if (state.fault != PACKET_OK)
		consumer_end_by_fault(c, state.fault);
	else if (state.left)
		end_by_broker(c, state.reason);
	return consumer_is_up(c);
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
			consumer_lose(c, n == 0 ? 0 : errno);
			return false;
		}
	}
	if (drained)
		say_drained(c);
	return !drained;
}

bool
consumer_write(struct consumer *c)
{
	struct span out = receiver_output(c->receiver);
	ssize_t n = out.n > 0 ? conn_write(&c->conn, out.p, out.n) : 0;

	log_written(c, out, n);
	if (n > 0)
		receiver_sent(c->receiver, (size_t)n);
	else if (n < 0 && errno != EAGAIN)
		consumer_lose(c, errno);
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
		told = consumer_is_up(c) && consumer_write(c);
	} while (!more && told && --left > 0 && may_read(c) &&
	    busy_poll_until_readable(&c->spin, c->conn.fd));
	return more;
}

/* A broker that takes no more in time gets no DISCONNECT in the middle of a packet either. */
static void
give_up(void *arg)
{
	struct consumer *c = arg;

	connector_error_clear(&c->link);
	connector_give_up(&c->link, false);
}

static void
finish_if_done(struct consumer *c)
{
	if (!c->stopping || (!c->leaving && !receiver_is_acked(c->receiver)))
		return;
	if (consumer_is_up(c) && receiver_output(c->receiver).n > 0) {
		if (c->giving_up.slot == 0)
			loop_timer_set(c->loop, &c->giving_up, STOP_TIME, give_up, c);
		return;
	}
	loop_timer_stop(&c->giving_up);
	connector_step(&c->link, CONNECTOR_FINISH);
}

static void
wait_for_socket(struct consumer *c, bool more)
{
	bool reads = may_read(c), was_reading = (c->link.watch.events & LOOP_READ) != 0;

	if (reads && !was_reading)
		c->heard = c->asked = loop_now(c->loop);
	loop_fd_set(&c->link.watch,
	    conn_events(&c->conn, reads, receiver_output(c->receiver).n > 0));
	if (more && reads)
		pump_soon(c);
}

static void
pump(void *arg)
{
	struct consumer *c = arg;
	bool more = false;

	if (consumer_is_up(c)) {
		c->pumping = true;
		receiver_go_on(c->receiver);
		more = look_at_state(c) && converse(c);
		c->pumping = false;
		look_at_window(c);
	}
	finish_if_done(c);
	if (consumer_is_up(c))
		wait_for_socket(c, more);
}

static void
on_ready(void *arg, unsigned events)
{
	struct consumer *c = arg;

	(void)events;
	if (!consumer_is_up(c))
		consumer_shake(c);
	else
		pump(c);
}

/* The broker hears from us also while nothing is read. Its silence counts only while we listen. */
static void
on_alive(void *arg)
{
	struct consumer *c = arg;
	int64_t silent = loop_now(c->loop) - c->heard;

	if ((c->link.watch.events & LOOP_READ) != 0 && silent > c->keepalive * 3 / 2) {
		err_set(connector_error(&c->link), ERR_UNREACHABLE,
		    _("it has been silent for %.0f s"), (double)silent / 1000);
		lose_because(c, 0);
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
	bool listens = (c->link.watch.events & LOOP_READ) != 0;

	if (!consumer_is_asking(c))
		return;
	if (!listens || left > 0) {
		loop_timer_set(
		    c->loop, &c->answer, listens ? left : c->patience, on_late_answer, c);
		return;
	}
	err_set(connector_error(&c->link), ERR_UNREACHABLE,
	    _("it did not answer SUBSCRIBE within %g s"), (double)c->patience / 1000);
	lose_because(c, 0);
}

/* A broker of MQTT 3.1.1 that has no shared subscriptions takes $share for a topic, and never sends a message. */
static void
say_no_share(void *arg)
{
	struct consumer *c = arg;

	c->told_share = true;
	log_warn(_("no message for '%s' within %d s: a broker of MQTT 3.1.1 that has no "
		   "shared subscriptions does not say so"),
	    consumer_share(c), SHARE_TIME / 1000);
}

bool
consumer_retains(const struct consumer *c)
{
	const struct packet_connack *can = receiver_connack(c->receiver);

	return !can->retain.given || can->retain.v != 0;
}

/* Messages, and the broker's own log, name a session by that. */
static void
say_id(struct consumer *c, struct span assigned)
{
	c->told_id = true;
	log_info(_("broker '%s' calls the client '%s' '%.*s'"), c->link.broker.name,
	    c->link.id, (int)assigned.n, assigned.p);
}

/* 3.2.2.3.2: longer than that, what waits in it is lost. */
static void
look_at_expiry(struct consumer *c, struct msg_number said)
{
	if (c->connect.clean || !said.given || said.v >= c->connect.session_expiry ||
	    c->told_expiry)
		return;
	c->told_expiry = true;
	log_warn(
	    _("broker '%s' keeps the session '%s' for %lu s while we are away, not for "
	      "the %lu s that it was asked for"),
	    c->link.broker.name, c->link.id, (unsigned long)said.v,
	    (unsigned long)c->connect.session_expiry);
}

static void
look_at_limits(struct consumer *c)
{
	const struct span assigned = receiver_connack(c->receiver)->assigned_id;

	if (assigned.n > 0 && !c->told_id)
		say_id(c, assigned);
	look_at_expiry(c, receiver_connack(c->receiver)->session_expiry);
	if (c->link.version == 4 && !c->told_share && consumer_share(c) != NULL)
		loop_timer_set(c->loop, &c->share, SHARE_TIME, say_no_share, c);
	if (!consumer_retains(c) && !c->told_retain) {
		c->told_retain = true;
		log_info(
		    _("broker '%s' keeps no retained messages"), c->link.broker.name);
	}
}

static void
wait_for_answers(struct consumer *c)
{
	c->asked = loop_now(c->loop);
	if (consumer_is_asking(c) && c->patience > 0)
		loop_timer_set(c->loop, &c->answer, c->patience, on_late_answer, c);
}

static void
watch_broker(struct consumer *c)
{
	if (c->keepalive > 0)
		loop_timer_set(c->loop, &c->alive, c->keepalive / 2, on_alive, c);
	wait_for_answers(c);
}

static void
on_up(void *arg)
{
	struct consumer *c = arg;
	const struct packet_connack *said = receiver_connack(c->receiver);
	/* Who asked for a new session believes in no other (3.2.2.1.1), or nothing might be subscribed there. */
	const bool present = said->session_present && !c->connect.clean;

	c->keepalive = (int64_t)1000 *
	    (said->keepalive.given ? (int)said->keepalive.v : c->link.opts.keepalive);
	c->heard = loop_now(c->loop);
	c->link.broker.speaks_v3 |= c->trying;
	begin_window(c);
	c->told_part = false;
	c->retained = 0;
	if (!c->stopping)
		consumer_subscribe(c, !present || c->asked_at != c->link.brokers.present);
	c->asked_at = c->link.brokers.present;
	c->ready = c->ready && !consumer_is_asking(c);
	watch_broker(c);
	look_at_limits(c);
	if (c->events.up != NULL)
		c->events.up(c->arg, present);
	if (!c->stopping)
		consumer_answer_excluded(c);
	pump_soon(c);
}

static int
get_fd(const void *arg)
{
	return ((const struct consumer *)arg)->conn.fd;
}

static int
on_part(void *arg)
{
	static const char disconnect[] = {(char)(PACKET_DISCONNECT << 4), 0};
	struct consumer *c = arg;
	const ssize_t n = conn_write(&c->conn, disconnect, sizeof(disconnect));

	log_written(c, (struct span){disconnect, sizeof(disconnect)}, n);
	if (n != (ssize_t)sizeof(disconnect))
		return -1;
	conn_shut(&c->conn);
	return 0;
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
say_part(struct consumer *c)
{
	c->told_part = true;
	if (c->events.part != NULL)
		c->events.part(c->arg);
	else
		log_warn(
		    _("%d or more retained messages at once may be a part of them: a "
		      "broker drops what its queue has no room for, and says "
		      "nothing (mosquitto: max_queued_messages; EMQX: "
		      "mqtt.max_mqueue_len)"),
		    CONSUMER_QUEUE);
}

/* Retained ones come in a row (3.3.1.3: no other has the flag), and a batch without any costs no time. */
static void
look_at_retained(struct consumer *c, const struct msg *m, size_t n)
{
	size_t i;

	if (c->told_part || !(m[0].retain || m[n - 1].retain))
		return;
	for (i = 0; i < n; i++)
		c->retained += m[i].retain;
	if (c->retained >= CONSUMER_QUEUE)
		say_part(c);
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct consumer *c = arg;

	c->fresh = true;
	c->asked = loop_now(c->loop);
	if (c->share.slot != 0 && consumer_share_brought(c, m, n)) {
		c->told_share = true;
		loop_timer_stop(&c->share);
	}
	look_at_window(c);
	look_at_retained(c, m, n);
	c->events.batch(c->arg, m, n, token);
}

static struct receiver *
open_receiver(struct consumer *c)
{
	static const struct receiver_events events = {on_batch, consumer_answered};
	const struct receiver_opts opts = {.max_packet = c->max_packet};

	return receiver_new(&opts, &events, c);
}

struct consumer *
consumer_new(struct loop *loop, const struct session_opts *opts,
    const struct consumer_filter *filters, size_t count,
    const struct consumer_events *events, void *arg, struct err *err)
{
	static const struct connector_ops ops = {
	    .dial = consumer_dial,
	    .fd = get_fd,
	    .ready = on_ready,
	    .downgrade = consumer_downgrade,
	    .part = on_part,
	    .up = on_up,
	    .lost = on_lost,
	    .hang_up = on_hang_up,
	    .down = on_down,
	    .ended = on_ended,
	};
	struct consumer *c = xcalloc(1, sizeof(*c));
	struct session_opts o = *opts;

	c->loop = loop;
	c->events = *events;
	c->arg = arg;
	c->conn.fd = -1;
	c->patience = opts->connect_timeout;
	c->receive_maximum =
	    opts->receive_maximum > 0 ? opts->receive_maximum : SESSION_RECEIVE_MAXIMUM;
	c->max_packet = opts->max_packet > 0 ? opts->max_packet : SESSION_MAX_PACKET;
	c->receiver = open_receiver(c);
	if (consumer_add_filters(c, filters, count, err) == 0) {
		consumer_warn_of_overlap(c);
		o.begin_anywhere = consumer_share(c) != NULL;
		if (connector_open(&c->link, loop, &o, &ops, c, err) == 0 &&
		    consumer_connect_open(c, &o, err) == 0)
			return c;
	}
	consumer_free(c);
	return NULL;
}

void
consumer_start(struct consumer *c)
{
	connector_step(&c->link, CONNECTOR_START);
}

int
consumer_version(const struct consumer *c)
{
	return c->link.version;
}

const char *
consumer_broker(const struct consumer *c)
{
	return c->link.broker.name;
}

const char *
consumer_stage(const struct consumer *c)
{
	switch (c->link.attempts.reach) {
	case ATTEMPTS_REACH_NOTHING:
	case ATTEMPTS_REACH_NAME: return "DNS";
	case ATTEMPTS_REACH_HOST: return "TCP";
	default:
		return c->greeted || c->link.attempts.reach != ATTEMPTS_REACH_SERVER
		    ? "CONNACK"
		    : c->link.opts.tls ? "TLS"
				       : "TCP";
	}
}

const char *
consumer_address(const struct consumer *c)
{
	return connector_address(&c->link);
}

struct broker_where
consumer_where(const struct consumer *c)
{
	return connector_where(&c->link);
}

size_t
consumer_window(const struct consumer *c)
{
	return window_size(&c->window);
}

void
consumer_limit(struct consumer *c, size_t n)
{
	receiver_limit(c->receiver, n);
	pump_soon(c);
}

int
consumer_change(struct consumer *c, const struct consumer_filter *filters, size_t count,
    struct err *err)
{
	struct filter *old = c->filters;
	const size_t n = c->count;

	/* Packet Identifiers of what is asked go by the filters' places. */
	if (consumer_is_up(c) && consumer_is_asking(c))
		return 1;
	if (consumer_add_filters(c, filters, count, err))
		return -1;
	consumer_replace_filters(c, old, n);
	if (!consumer_is_up(c) || c->stopping)
		return 0;
	c->ready = c->ready && !consumer_is_asking(c);
	consumer_subscribe(c, false);
	wait_for_answers(c);
	consumer_answer_excluded(c);
	pump_soon(c);
	return 0;
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
consumer_leave(struct consumer *c)
{
	c->leaving = true;
	c->stopping = true;
	receiver_stop(c->receiver);
	pump_soon(c);
}

void
consumer_tell_stall(const char *what, int64_t ms)
{
	log_warn(
	    _("%s has not taken its lines for %lld s: the broker keeps what its queue "
	      "has room for (mosquitto: max_queued_messages; EMQX: "
	      "mqtt.max_mqueue_len), and drops the rest"),
	    what, (long long)ms / 1000);
}

void
consumer_free(struct consumer *c)
{
	if (c == NULL)
		return;
	connector_hang_up(&c->link);
	loop_timer_stop(&c->soon);
	loop_timer_stop(&c->giving_up);
	consumer_connect_close(c);
	connector_close(&c->link);
	receiver_free(c->receiver);
	consumer_free_filters(c->filters, c->count);
	free(c);
}
