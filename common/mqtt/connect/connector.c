/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "mqtt/connect/connect_error.h"
#include "mqtt/reason.h"

/*
 * The table at the end says it whole. CONNECTOR_FINISH leads from everywhere to ENDED.
 *
 *	IDLE -> ADMITTING -> RESOLVING -> DIALING -> HANDSHAKING -> UP -> DISCONNECTING -> ENDED
 *	            ^             |        |  ^ |        |           |
 *	            |             |  QUEUING -+ |        |           |
 *	            |             v             v        v           |
 *	            |           lost, refused, timed out             |
 *	            |             |   the next address: DIALING; the next broker: RESOLVING
 *	            |             v none is left                     v
 *	            +---------- WAITING <----------------------------+   for good: ENDED
 */

enum {
	LEAST_KEEPALIVE = 5, /* seconds */
	LEAVE_TIME = 1000,   /* ms for the broker to read DISCONNECT */
	QUEUE_TIME = 20,     /* ms until a full unix socket is tried again */
};

struct err *
connector_error(struct connector *c)
{
	if (c->error == NULL)
		c->error = xcalloc(1, sizeof(*c->error));
	return c->error;
}

/* Not freed: somebody may be being told it. */
void
connector_error_clear(struct connector *c)
{
	if (c->error != NULL)
		*c->error = (struct err){0};
}

const char *
connector_address(const struct connector *c)
{
	const char *address = candidates_address(&c->candidates);

	return address != NULL ? address : "";
}

struct broker_where
connector_where(const struct connector *c)
{
	return brokers_where(&c->broker, connector_address(c));
}

/* In errors: an address that there was no choice of explains nothing. */
static struct broker_where
where_of(const struct connector *c)
{
	const bool tells = candidates_are_several(&c->candidates);

	return brokers_where(&c->broker, tells ? connector_address(c) : "");
}

static void
put_stage(struct connector *c)
{
	const bool was_up =
	    c->state == CONNECTOR_UP || c->state == CONNECTOR_DISCONNECTING;

	connect_error_lost(connector_error(c), was_up, where_of(c).text);
}

bool
connector_explain(struct connector *c, bool in_tls)
{
	const enum dial_stage stage = c->state == CONNECTOR_UP ? DIAL_UP
	    : c->state == CONNECTOR_HANDSHAKING                ? DIAL_SHAKING
							       : DIAL_BEFORE;

	return dial_explain(&c->broker.dial, stage, in_tls, connector_error(c));
}

void
connector_failed(struct connector *c, int number, bool in_tls)
{
	const bool may_be_login = c->state == CONNECTOR_HANDSHAKING && c->opts.username;

	c->closed_without_words = false;
	if (connect_error_is_no_way(number))
		c->attempts.reach = ATTEMPTS_REACH_NOTHING;
	if (!connector_explain(c, in_tls))
		c->closed_without_words =
		    connect_error_socket(connector_error(c), number, may_be_login);
	c->merely_closed = c->closed_without_words ||
	    (number == ECONNRESET && c->broker.dial.tls == NULL);
}

static void
look_if_connected(struct connector *c)
{
	const int number = dial_errno(c->ops->fd(c->arg));

	if (number != 0)
		connector_failed(
		    c, number, number == ECONNRESET && c->broker.dial.tls != NULL);
	connector_step(c, number == 0 ? CONNECTOR_CONNECTED : CONNECTOR_LOST);
}

static void
look_if_answered(struct connector *c)
{
	struct err why = {0};
	const enum ws_proxy_answer answer = ws_proxy_answer(c->ops->fd(c->arg), &why);

	if (answer == WS_PROXY_WAIT)
		return;
	if (answer != WS_PROXY_OPEN)
		*connector_error(c) = why;
	if (answer == WS_PROXY_REFUSED)
		c->attempts.reach = ATTEMPTS_REACH_SERVER;
	connector_step(c, answer == WS_PROXY_OPEN ? CONNECTOR_CONNECTED : CONNECTOR_LOST);
}

/* Closed at once, unread bytes would reset the connection, and the will might fire. */
static void
part(struct connector *c, unsigned events)
{
	if (c->ops->part(c->arg) == 0) {
		c->parted = true;
		loop_fd_set(&c->watch, LOOP_READ);
	} else if ((events & LOOP_HANGUP) != 0) {
		connector_step(c, CONNECTOR_LOST);
	}
}

static void
swallow(struct connector *c)
{
	char scrap[4096];
	ssize_t n;

	while ((n = recv(c->ops->fd(c->arg), scrap, sizeof(scrap), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		connector_step(c, CONNECTOR_LOST);
}

static void
on_socket(void *arg, unsigned events)
{
	struct connector *c = arg;

	if (c->state == CONNECTOR_DIALING && c->broker.dial.ws)
		look_if_answered(c);
	else if (c->state == CONNECTOR_DIALING)
		look_if_connected(c);
	else if (c->state == CONNECTOR_DISCONNECTING && c->parted)
		swallow(c);
	else if (c->state == CONNECTOR_DISCONNECTING)
		part(c, events);
	if (c->state == CONNECTOR_HANDSHAKING || c->state == CONNECTOR_UP)
		c->ops->ready(c->arg, events);
}

static void
hang_up(struct connector *c)
{
	const int fd = c->ops->fd(c->arg);

	loop_timer_stop(&c->timer);
	resolve_cancel(c->lookup);
	c->lookup = NULL;
	c->ops->hang_up(c->arg);
	if (fd < 0) {
		loop_fd_forget(&c->watch);
		return;
	}
	loop_fd_stop(&c->watch);
	shutdown(fd, SHUT_RDWR);
}

static void
on_timer(void *arg)
{
	connector_step(arg, CONNECTOR_TIMER);
}

static void
set_timer(struct connector *c, int64_t ms)
{
	loop_timer_set(c->loop, &c->timer, ms, on_timer, c);
}

static void
tell_end(void *arg)
{
	struct connector *c = arg;

	c->ops->ended(c->arg, connector_error(c));
}

/* The actions: each returns the next state. */

static enum connector_state
end(struct connector *c)
{
	hang_up(c);
	limiter_leave(&c->pass);
	c->state = CONNECTOR_ENDED;
	loop_timer_set(c->loop, &c->timer, 0, tell_end, c);
	return CONNECTOR_ENDED;
}

static enum connector_state
finish(struct connector *c)
{
	connector_error_clear(c);
	return end(c);
}

static void
resolved(void *arg, const struct strv *addresses, const struct err *why)
{
	struct connector *c = arg;
	const bool anywhere = c->opts.begin_anywhere && !c->was_up;

	c->lookup = NULL;
	candidates_resolved(&c->candidates, addresses, anywhere ? random_number() : 0);
	if (why->code != ERR_OK)
		*connector_error(c) = *why;
	connector_step(
	    c, why->code == ERR_OK ? CONNECTOR_RESOLVED : CONNECTOR_UNRESOLVED);
}

/* The timer ends the attempt when its share of the round's time is over. */
static void
give_share(struct connector *c)
{
	set_timer(c,
	    deadline_share(
		&c->deadline, loop_now(c->loop), candidates_left(&c->candidates)));
}

static enum connector_state
resolve(struct connector *c)
{
	brokers_go_to(&c->brokers, &c->broker, c->candidates.broker);
	c->attempts.reach = ATTEMPTS_REACH_NAME;
	give_share(c);
	c->lookup = resolve_start(c->loop, c->broker.host, resolved, c);
	return CONNECTOR_RESOLVING;
}

static enum connector_state
begin_round(struct connector *c)
{
	deadline_begin(&c->deadline, loop_now(c->loop), c->opts.connect_timeout);
	attempts_begin(&c->attempts);
	candidates_begin(&c->candidates);
	return resolve(c);
}

static void
admitted(void *arg)
{
	connector_step(arg, CONNECTOR_ADMITTED);
}

static enum connector_state
begin(struct connector *c)
{
	if (c->opts.limiter == NULL)
		return begin_round(c);
	limiter_enter(c->opts.limiter, &c->pass, admitted, c);
	return CONNECTOR_ADMITTING;
}

/* An outage, and each new reason why it is not over. */
static void
tell_down(struct connector *c)
{
	const uint64_t why = hash_of(span_of(connector_error(c)->text));

	if (c->told_down && c->told == why)
		return;
	c->told_down = true;
	c->told = why;
	c->ops->down(c->arg, connector_error(c));
}

static enum connector_state
wait(struct connector *c)
{
	hang_up(c);
	limiter_leave(&c->pass);
	tell_down(c);
	set_timer(c, retry_wait(&c->retry, c->opts.fleet));
	return CONNECTOR_WAITING;
}

static void
note_failure(struct connector *c)
{
	const bool only = !candidates_are_several(&c->candidates);

	if (!only)
		log_info("%s", connector_error(c)->text);
	attempts_failed(&c->attempts, connector_error(c), only);
}

/* Without a CONNACK that is final nobody was at fault but the brokers or the way there. */
static enum connector_state
end_round(struct connector *c)
{
	const bool final = attempts_end(&c->attempts, connector_error(c));

	retry_failed(&c->retry);
	candidates_mark_bad(&c->candidates);
	return !final && (c->was_up || c->opts.retry) ? wait(c) : end(c);
}

static enum connector_state
try_next_broker(struct connector *c)
{
	if (!candidates_next_broker(&c->candidates))
		return end_round(c);
	hang_up(c);
	return resolve(c);
}

static enum connector_state
unresolved(struct connector *c)
{
	put_stage(c);
	note_failure(c);
	return try_next_broker(c);
}

/* As ops->dial, on the way that there is to the address. */
static int
begin_to_connect(struct connector *c, const char *address)
{
	struct err why = {0};
	const char *peer = dial_begin(&c->broker.dial, address, &why);
	int failed = 0;

	c->reason = 0;
	c->partial = false;
	c->merely_closed = false;
	c->attempts.reach = ATTEMPTS_REACH_HOST;
	if (peer != NULL)
		failed = c->ops->dial(c->arg, peer);
	if (failed)
		return failed;
	if (peer != NULL &&
	    dial_ask(&c->broker.dial, c->ops->fd(c->arg), address, &why) == 0)
		return 0;
	*connector_error(c) = why;
	return -1;
}

static enum connector_state
dial(struct connector *c)
{
	const char *address;

	while ((address = candidates_address(&c->candidates)) != NULL) {
		int failed = begin_to_connect(c, address);

		if (failed > 0 && !deadline_is_over(&c->deadline, loop_now(c->loop))) {
			set_timer(c, QUEUE_TIME);
			return CONNECTOR_QUEUING;
		}
		if (failed == 0 &&
		    loop_fd_start(c->loop, &c->watch, c->ops->fd(c->arg),
			c->broker.dial.ws ? LOOP_READ : LOOP_WRITE, on_socket, c,
			NULL) == 0) {
			give_share(c);
			return CONNECTOR_DIALING;
		}
		if (failed == 0)
			err_sys(
			    connector_error(c), ERR_FAILED, _("cannot watch the socket"));
		put_stage(c);
		note_failure(c);
		candidates_next_address(&c->candidates);
	}
	return try_next_broker(c);
}

static enum connector_state
try_next(struct connector *c)
{
	note_failure(c);
	hang_up(c);
	candidates_next_address(&c->candidates);
	return dial(c);
}

static enum connector_state
dial_lost(struct connector *c)
{
	put_stage(c);
	return try_next(c);
}

static void
put_late(struct connector *c, enum connect_error_late what)
{
	const double seconds = candidates_are_several(&c->candidates)
	    ? deadline_seconds(&c->deadline)
	    : (double)c->opts.connect_timeout / 1000;

	connect_error_late(connector_error(c), what, seconds);
}

static enum connector_state
lookup_timed_out(struct connector *c)
{
	put_late(c, CONNECT_ERROR_LATE_NAME);
	return unresolved(c);
}

static enum connector_state
dial_timed_out(struct connector *c)
{
	put_late(c, CONNECT_ERROR_LATE_CONNECTION);
	return dial_lost(c);
}

static enum connector_state
handshake_timed_out(struct connector *c)
{
	put_late(c, c->partial ? CONNECT_ERROR_LATE_REST : CONNECT_ERROR_LATE_CONNACK);
	return dial_lost(c);
}

static enum connector_state
handshake(struct connector *c)
{
	c->attempts.reach = ATTEMPTS_REACH_SERVER;
	set_timer(c, deadline_left(&c->deadline, loop_now(c->loop)));
	return CONNECTOR_HANDSHAKING;
}

static enum connector_state
handshake_lost(struct connector *c)
{
	bool final;

	if (c->ops->downgrade(c->arg)) {
		hang_up(c);
		return dial(c);
	}
	if (c->reason == 0)
		return dial_lost(c);
	final = connect_error_refused(connector_error(c), c->reason, where_of(c).text);
	c->attempts.reach = final ? ATTEMPTS_REACH_END : ATTEMPTS_REACH_BROKER;
	return try_next(c);
}

/* Whether the broker has now ended one connection after the other, each as soon as it was up, because of a message
 * that we cannot take and that is delivered each time. */
static bool
is_poisoned(struct connector *c)
{
	const bool poison = connector_error(c)->code == ERR_PROTOCOL;
	const bool closed = c->closed_without_words && !reason_is_failure(c->reason);

	retry_lost(&c->retry, loop_now(c->loop) - c->up_since, poison || closed);
	if (!poison || !retry_is_in_vain(&c->retry))
		return false;
	connect_error_repeated(connector_error(c), RETRY_IN_VAIN);
	return true;
}

/* Asked when the connection is up again: whether the broker closes each one because of what the client is. One that
 * crashes again and again is no such case: right after it has closed a connection it cannot be reached, which begins
 * the count anew. */
static bool
is_fought_over(struct connector *c)
{
	if (!retry_is_in_vain(&c->retry))
		return false;
	connect_error_fought_over(connector_error(c), c->opts.id ? c->id : NULL,
	    RETRY_IN_VAIN, where_of(c).text);
	return true;
}

static enum connector_state
up_lost(struct connector *c)
{
	bool final = false;

	if (reason_is_failure(c->reason))
		final = connect_error_dismissed(
		    connector_error(c), c->reason, where_of(c).text);
	else
		put_stage(c);
	final |= is_poisoned(c);
	hang_up(c);
	candidates_mark_bad(&c->candidates);
	c->state = CONNECTOR_WAITING;
	c->ops->lost(c->arg);
	return final ? end(c) : wait(c);
}

/* Its user may have lost it again meanwhile. */
static enum connector_state
go_up(struct connector *c)
{
	if (is_fought_over(c)) {
		c->ops->part(c->arg);
		return end(c);
	}
	loop_timer_stop(&c->timer);
	limiter_leave(&c->pass);
	c->state = CONNECTOR_UP;
	c->up_since = loop_now(c->loop);
	c->was_up = true;
	c->told_down = false;
	c->reason = 0;
	c->ops->up(c->arg);
	return c->state;
}

/* DISCONNECT waits until the socket takes it. */
static enum connector_state
leave(struct connector *c)
{
	c->parted = false;
	loop_fd_set(&c->watch, LOOP_WRITE);
	set_timer(c, LEAVE_TIME);
	return CONNECTOR_DISCONNECTING;
}

static enum connector_state
finish_up(struct connector *c)
{
	connector_error_clear(c);
	return leave(c);
}

static enum connector_state (*const table[CONNECTOR_STATES][CONNECTOR_EVENTS])(
    struct connector *) = {
    [CONNECTOR_IDLE] = {[CONNECTOR_START] = begin, [CONNECTOR_FINISH] = finish},
    [CONNECTOR_ADMITTING] =
	{[CONNECTOR_ADMITTED] = begin_round, [CONNECTOR_FINISH] = finish},
    [CONNECTOR_QUEUING] = {[CONNECTOR_TIMER] = dial, [CONNECTOR_FINISH] = finish},
    [CONNECTOR_RESOLVING] = {[CONNECTOR_RESOLVED] = dial,
	[CONNECTOR_UNRESOLVED] = unresolved,
	[CONNECTOR_TIMER] = lookup_timed_out,
	[CONNECTOR_FINISH] = finish},
    [CONNECTOR_DIALING] = {[CONNECTOR_CONNECTED] = handshake,
	[CONNECTOR_LOST] = dial_lost,
	[CONNECTOR_TIMER] = dial_timed_out,
	[CONNECTOR_FINISH] = finish},
    [CONNECTOR_HANDSHAKING] = {[CONNECTOR_ACCEPTED] = go_up,
	[CONNECTOR_LOST] = handshake_lost,
	[CONNECTOR_TIMER] = handshake_timed_out,
	[CONNECTOR_FINISH] = finish},
    [CONNECTOR_UP] = {[CONNECTOR_LOST] = up_lost, [CONNECTOR_FINISH] = finish_up},
    [CONNECTOR_DISCONNECTING] = {[CONNECTOR_LOST] = end, [CONNECTOR_TIMER] = end},
    [CONNECTOR_WAITING] = {[CONNECTOR_TIMER] = begin, [CONNECTOR_FINISH] = finish},
};

/* An empty cell: nothing to do here. */
void
connector_step(struct connector *c, enum connector_event e)
{
	if (table[c->state][e] != NULL)
		c->state = table[c->state][e](c);
}

void
connector_hurry(struct connector *c)
{
	if (c->retry.hurried)
		return;
	retry_hurry(&c->retry);
	if (c->state == CONNECTOR_WAITING)
		set_timer(c, 0);
}

void
connector_give_up(struct connector *c, bool politely)
{
	c->state = politely && c->state == CONNECTOR_UP ? leave(c) : end(c);
}

static char *
make_id(const char *given)
{
	if (given != NULL)
		return xstrdup(given);
	return xasprintf("%s-%08x", log_name(), (unsigned)random_number());
}

static int
open_brokers(struct connector *c, const struct session_opts *o, struct err *err)
{
	const int failed = brokers_open(&c->brokers, &c->broker, o, err);
	const unsigned n = c->brokers.n;

	candidates_open(&c->candidates, n,
	    o->begin_anywhere && n > 1 ? (unsigned)random_number() % n : 0);
	brokers_go_to(&c->brokers, &c->broker, c->candidates.broker);
	return failed;
}

static void
keep_opts(struct connector_opts *to, const struct session_opts *o)
{
	*to = (struct connector_opts){.limiter = o->limiter,
	    .session_expiry = o->session_expiry,
	    .connect_timeout = o->connect_timeout,
	    .version = o->version,
	    .keepalive = o->keepalive < LEAST_KEEPALIVE ? LEAST_KEEPALIVE : o->keepalive,
	    .fleet = o->fleet,
	    .max_packet = o->max_packet,
	    .tls = o->tls,
	    .clean = o->clean,
	    .hold_acks = o->hold_acks,
	    .retry = o->retry,
	    .begin_anywhere = o->begin_anywhere,
	    .id = o->client_id != NULL,
	    .username = o->username != NULL,
	    .password = o->password != NULL,
	    .will = o->will_topic != NULL};
}

int
connector_open(struct connector *c, struct loop *loop, const struct session_opts *o,
    const struct connector_ops *ops, void *arg, struct err *err)
{
	if (o->client_id != NULL && o->client_id[0] == '\0')
		return err_set(err, ERR_USAGE, _("the client id is empty"));
	c->loop = loop;
	keep_opts(&c->opts, o);
	c->ops = ops;
	c->arg = arg;
	c->version = o->version == 4 ? 4 : 5;
	c->id = make_id(o->client_id);
	return open_brokers(c, o, err);
}

void
connector_hang_up(struct connector *c)
{
	if (c->ops == NULL)
		return;
	hang_up(c);
	limiter_leave(&c->pass);
}

void
connector_close(struct connector *c)
{
	brokers_close(&c->brokers, &c->broker);
	candidates_release(&c->candidates);
	attempts_release(&c->attempts);
	free(c->error);
	free(c->id);
}
