/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connector.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
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

struct connector_broker {
	const char *host;
	int port;
	const char *ws_path; /* not ours */
	char *name;
	struct dial dial;
};

enum {
	LEAST_KEEPALIVE = 5, /* seconds */
	STABLE = 10000,      /* ms up after which back-off begins anew */
	LEAVE_TIME = 1000,   /* ms for the broker to read DISCONNECT */
	QUEUE_TIME = 20,     /* ms until a full unix socket is tried again */
	LOOK_TIME = 50,      /* ms until it is seen whether a broker is there at all */
	IN_VAIN = 5,         /* short connections in a row are enough */
	HURRY_TIME = 1000,   /* ms between attempts of who is about to end */
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
	return c->address < c->addresses.n ? c->addresses.v[c->address] : "";
}

struct broker_where
connector_where(const struct connector *c)
{
	const char *address = connector_address(c);
	struct broker_where w;

	if (address[0] != '\0' && strcmp(address, c->opts.host) != 0)
		snprintf(w.text, sizeof(w.text), _("'%s' at %s"), c->name, address);
	else
		snprintf(w.text, sizeof(w.text), "'%s'", c->name);
	return w;
}

static bool
has_choice(const struct connector *c)
{
	return c->count > 1 || c->addresses.n > 1;
}

/* In errors: an address that there was no choice of explains nothing. */
static struct broker_where
where_of(const struct connector *c)
{
	struct broker_where w;

	if (has_choice(c))
		return connector_where(c);
	snprintf(w.text, sizeof(w.text), "'%s'", c->name);
	return w;
}

/* CONNACK refuses; whether for good: asking again cannot help. */
static bool
refused(struct connector *c)
{
	struct err *err = connector_error(c);
	bool final;

	reason_err(err, REASON_IN_CONNACK, c->reason, &final);
	err_in(err,
	    err->code == ERR_AUTH ? _("broker %s refused the login")
				  : _("broker %s refused the connection"),
	    where_of(c).text);
	return final;
}

/* The broker's DISCONNECT; likewise. */
static bool
dismissed(struct connector *c)
{
	bool final;

	reason_err(connector_error(c), REASON_IN_DISCONNECT, c->reason, &final);
	err_in(
	    connector_error(c), _("broker %s closed the connection"), where_of(c).text);
	return final;
}

static void
put_stage(struct connector *c)
{
	const bool was_up =
	    c->state == CONNECTOR_UP || c->state == CONNECTOR_DISCONNECTING;

	err_in(connector_error(c),
	    was_up ? _("lost broker %s") : _("cannot reach broker %s"), where_of(c).text);
}

bool
connector_explain(struct connector *c, bool in_tls)
{
	const enum dial_stage stage = c->state == CONNECTOR_UP ? DIAL_UP
	    : c->state == CONNECTOR_HANDSHAKING                ? DIAL_SHAKING
							       : DIAL_BEFORE;

	return dial_explain(&c->dial, stage, in_tls, connector_error(c));
}

/* An address of a kind that this machine has no way for is not what a person looks for. */
static bool
is_no_way(int number)
{
	return number == ENETUNREACH || number == EHOSTUNREACH ||
	    number == EAFNOSUPPORT || number == EADDRNOTAVAIL;
}

/* Some brokers refuse a login so, without a CONNACK. */
static bool
is_behind_login(const struct connector *c)
{
	return c->state == CONNECTOR_HANDSHAKING && c->opts.username;
}

void
connector_failed(struct connector *c, int number, bool in_tls)
{
	char text[256]; /* a translation may be of any length */

	c->closed_without_words = false;
	if (is_no_way(number))
		c->reach = CONNECTOR_REACH_NOTHING;
	if (connector_explain(c, in_tls))
		return;
	c->closed_without_words = number == 0 || number == EPROTO;
	snprintf(text, sizeof(text), "%s",
	    !c->closed_without_words ? strerror(number)
		: is_behind_login(c) ? _("it closed the connection (wrong login?)")
				     : _("it closed the connection"));
	if (!c->closed_without_words)
		text[0] = (char)tolower((unsigned char)text[0]);
	err_set(connector_error(c), ERR_UNREACHABLE, "%s", text);
}

static void
look_if_connected(struct connector *c)
{
	const int number = dial_errno(c->ops->fd(c->arg));

	if (number != 0)
		connector_failed(c, number, number == ECONNRESET && c->dial.tls != NULL);
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
		c->reach = CONNECTOR_REACH_SERVER;
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

	if (c->state == CONNECTOR_DIALING && c->dial.ws)
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

/* Where in the list to begin: behind the address that was bad last, or, for the first time, anywhere. */
static size_t
first_of(struct connector *c, const struct strv *addresses)
{
	size_t i = 0;

	if (c->opts.begin_anywhere && !c->was_up && c->bad_address == NULL)
		return addresses->n > 1 ? (size_t)(random_number() % addresses->n) : 0;
	if (c->bad_address == NULL)
		return 0;
	while (i < addresses->n && strcmp(addresses->v[i], c->bad_address) != 0)
		i++;
	free(c->bad_address);
	c->bad_address = NULL;
	return i + 1 < addresses->n ? i + 1 : 0;
}

static void
resolved(void *arg, const struct strv *addresses, const struct err *why)
{
	struct connector *c = arg;
	const size_t first = first_of(c, addresses);
	size_t i;

	c->lookup = NULL;
	for (i = 0; i < addresses->n; i++)
		strv_add(&c->addresses, addresses->v[(first + i) % addresses->n]);
	if (why->code != ERR_OK)
		*connector_error(c) = *why;
	connector_step(
	    c, why->code == ERR_OK ? CONNECTOR_RESOLVED : CONNECTOR_UNRESOLVED);
}

/* This attempt gets its share of what is left of the round's time for `n`. */
static void
give_share(struct connector *c, size_t n)
{
	const int64_t now = loop_now(c->loop);
	const int64_t left = c->deadline > now ? c->deadline - now : 0;

	c->late = now + left / (int64_t)n;
	c->share = (int)(c->late - now);
	set_timer(c, c->late - now);
}

static enum connector_state
resolve(struct connector *c)
{
	strv_release(&c->addresses);
	c->address = 0;
	c->reach = CONNECTOR_REACH_NAME;
	give_share(c, c->left + 1);
	c->lookup = resolve_start(c->loop, c->opts.host, resolved, c);
	return CONNECTOR_RESOLVING;
}

/* What the present one is, is moved out of its place. */
static void
take_broker(struct connector *c, struct connector_broker *b)
{
	c->opts.host = b->host;
	c->opts.port = b->port;
	c->opts.ws_path = b->ws_path;
	c->name = b->name;
	c->dial = b->dial;
	b->dial = (struct dial){0};
}

/* The present broker's things go back to their place in the list, and those of another are taken from there. */
static void
go_to(struct connector *c, unsigned i)
{
	if (c->count < 2 || i == c->broker)
		return;
	c->brokers[c->broker].dial = c->dial;
	c->broker = i;
	take_broker(c, &c->brokers[i]);
}

static enum connector_state
begin_round(struct connector *c)
{
	c->deadline = loop_now(c->loop) + c->opts.connect_timeout;
	c->left = c->count - 1;
	c->furthest = CONNECTOR_REACH_NOTHING;
	c->all_final = true;
	if (c->bad)
		go_to(c, (c->broker + 1) % c->count);
	c->bad = false;
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

static int64_t
pause_of(struct connector *c)
{
	if (c->hurried)
		return HURRY_TIME;
	return c->in_vain >= IN_VAIN ? LOOK_TIME
				     : backoff_next(&c->backoff, c->opts.fleet);
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
	set_timer(c, pause_of(c));
	return CONNECTOR_WAITING;
}

/* The next round begins behind it. */
static void
mark_bad(struct connector *c)
{
	const size_t n = c->addresses.n;

	c->bad = true;
	if (c->count > 1 || n < 2)
		return;
	free(c->bad_address);
	c->bad_address = xstrdup(c->addresses.v[c->address < n ? c->address : n - 1]);
}

/* What this attempt came to; of several the one is kept that got furthest. */
static void
note_failure(struct connector *c)
{
	c->all_final &= c->reach == CONNECTOR_REACH_END;
	if (!has_choice(c))
		return;
	log_info("%s", connector_error(c)->text);
	if (c->worst != NULL && c->worst->code != ERR_OK && c->reach <= c->furthest)
		return;
	if (c->worst == NULL)
		c->worst = xcalloc(1, sizeof(*c->worst));
	*c->worst = *connector_error(c);
	c->furthest = c->reach;
}

/* Without a CONNACK that is final nobody was at fault but the brokers or the way there. */
static enum connector_state
end_round(struct connector *c)
{
	if (c->worst != NULL && c->worst->code != ERR_OK) {
		*connector_error(c) = *c->worst;
		*c->worst = (struct err){0};
	}
	c->in_vain = 0;
	mark_bad(c);
	return !c->all_final && (c->was_up || c->opts.retry) ? wait(c) : end(c);
}

static enum connector_state
try_next_broker(struct connector *c)
{
	if (c->left == 0)
		return end_round(c);
	hang_up(c);
	c->left--;
	go_to(c, (c->broker + 1) % c->count);
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
	const char *peer = dial_begin(&c->dial, address, &why);
	int failed = 0;

	c->reason = 0;
	c->partial = false;
	c->reach = CONNECTOR_REACH_HOST;
	if (peer != NULL)
		failed = c->ops->dial(c->arg, peer);
	if (failed)
		return failed;
	if (peer != NULL && dial_ask(&c->dial, c->ops->fd(c->arg), address, &why) == 0)
		return 0;
	*connector_error(c) = why;
	return -1;
}

static enum connector_state
dial(struct connector *c)
{
	for (; c->address < c->addresses.n; c->address++) {
		int failed = begin_to_connect(c, c->addresses.v[c->address]);

		if (failed > 0 && loop_now(c->loop) < c->deadline) {
			set_timer(c, QUEUE_TIME);
			return CONNECTOR_QUEUING;
		}
		if (failed == 0 &&
		    loop_fd_start(c->loop, &c->watch, c->ops->fd(c->arg),
			c->dial.ws ? LOOP_READ : LOOP_WRITE, on_socket, c, NULL) == 0) {
			give_share(c, c->addresses.n - c->address + c->left);
			return CONNECTOR_DIALING;
		}
		if (failed == 0)
			err_sys(
			    connector_error(c), ERR_FAILED, _("cannot watch the socket"));
		put_stage(c);
		note_failure(c);
	}
	return try_next_broker(c);
}

static enum connector_state
try_next(struct connector *c)
{
	note_failure(c);
	hang_up(c);
	c->address++;
	return dial(c);
}

static enum connector_state
dial_lost(struct connector *c)
{
	put_stage(c);
	return try_next(c);
}

/* Seconds. */
static double
patience(const struct connector *c)
{
	if (!has_choice(c))
		return (double)c->opts.connect_timeout / 1000;
	return (double)((c->share + 50) / 100) / 10;
}

static enum connector_state
lookup_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE,
	    _("its name could not be looked up within %g s"), patience(c));
	return unresolved(c);
}

static enum connector_state
dial_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE, _("no connection within %g s"),
	    patience(c));
	return dial_lost(c);
}

static enum connector_state
handshake_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE,
	    c->partial ? _("its CONNACK was not whole within %g s")
		       : _("connected, but it did not answer within %g s"),
	    patience(c));
	return dial_lost(c);
}

static enum connector_state
handshake(struct connector *c)
{
	c->reach = CONNECTOR_REACH_SERVER;
	set_timer(c, c->late - loop_now(c->loop));
	return CONNECTOR_HANDSHAKING;
}

static enum connector_state
handshake_lost(struct connector *c)
{
	if (c->ops->downgrade(c->arg)) {
		hang_up(c);
		return dial(c);
	}
	if (c->reason == 0)
		return dial_lost(c);
	c->reach = refused(c) ? CONNECTOR_REACH_END : CONNECTOR_REACH_BROKER;
	return try_next(c);
}

/* A connection ended, as soon as it was up unless it was stable. Whether the broker has now ended one after
 * the other because of a message that we cannot take and that is delivered each time. */
static bool
is_in_vain(struct connector *c, bool was_stable)
{
	bool poison = connector_error(c)->code == ERR_PROTOCOL;
	bool closed = c->closed_without_words && !reason_is_failure(c->reason);

	c->in_vain = !was_stable && (poison || closed) ? c->in_vain + 1 : 0;
	if (c->in_vain < IN_VAIN || !poison)
		return false;
	err_add(connector_error(c), _(", %d times in a row"), IN_VAIN);
	return true;
}

/* Asked when the connection is up again: whether the broker closes each one because another client has the same
 * id (mosquitto gives no reason), which no id of our own making is, or because of what the login may not do. A broker that crashes again and again is no such case: right after it has
 * closed a connection it cannot be reached, which begins the count anew. */
static bool
is_fought_over(struct connector *c)
{
	if (c->in_vain < IN_VAIN)
		return false;
	if (c->opts.id)
		err_set(connector_error(c), ERR_PROTOCOL,
		    _("it closed the connection, %d times in a row: is there another "
		      "client with the id '%s'?"),
		    IN_VAIN, c->id);
	else
		err_set(connector_error(c), ERR_PROTOCOL,
		    _("it closed the connection, %d times in a row (wrong login?)"),
		    IN_VAIN);
	err_in(connector_error(c), _("lost broker %s"), where_of(c).text);
	return true;
}

/* A connection that is taken away again at once does not start the back-off anew. */
static enum connector_state
up_lost(struct connector *c)
{
	bool was_stable = loop_now(c->loop) - c->up_since > STABLE;
	bool final = false;

	if (reason_is_failure(c->reason))
		final = dismissed(c);
	else
		put_stage(c);
	final |= is_in_vain(c, was_stable);
	if (was_stable)
		c->backoff = (struct backoff){0};
	hang_up(c);
	mark_bad(c);
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
	if (c->hurried)
		return;
	c->hurried = true;
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

static char *
make_name(const struct session_opts *o)
{
	if (o->host[0] == '/')
		return xstrdup(o->host);
	return xasprintf(
	    strchr(o->host, ':') != NULL ? "[%s]:%d" : "%s:%d", o->host, o->port);
}

static int
open_broker(struct connector_broker *b, const struct session_opts *o, struct err *err)
{
	*b = (struct connector_broker){.host = xstrdup(o->host),
	    .port = o->port,
	    .ws_path = o->ws_path,
	    .name = make_name(o)};
	return dial_open(&b->dial, o, err);
}

static void
close_broker(struct connector_broker *b)
{
	dial_close(&b->dial);
	free(b->name);
	free((void *)(uintptr_t)b->host);
}

static int
open_brokers(struct connector *c, const struct session_opts *o, struct err *err)
{
	struct connector_broker one;
	int failed = 0;

	if (o->others_n == 0) {
		c->count = 1;
		failed = open_broker(&one, o, err);
		take_broker(c, &one);
		return failed;
	}
	c->brokers = xcalloc(o->others_n + 1, sizeof(*c->brokers));
	while (c->count <= o->others_n && !failed) {
		const struct session_opts at = session_opts_at(o, c->count);

		failed = open_broker(&c->brokers[c->count++], &at, err);
	}
	c->broker = o->begin_anywhere ? (unsigned)random_number() % c->count : 0;
	take_broker(c, &c->brokers[c->broker]);
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
	struct connector_broker one = {
	    .host = c->opts.host, .name = c->name, .dial = c->dial};
	unsigned i;

	if (c->brokers == NULL)
		close_broker(&one);
	else
		c->brokers[c->broker].dial = c->dial;
	for (i = 0; c->brokers != NULL && i < c->count; i++)
		close_broker(&c->brokers[i]);
	free(c->brokers);
	strv_release(&c->addresses);
	free(c->bad_address);
	free(c->worst);
	free(c->error);
	free(c->id);
}
