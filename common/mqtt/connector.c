/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connector.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
 *	            |             v             v        v           v
 *	            +---------- WAITING <---- lost, refused for now, timed out; for good: ENDED
 */

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

/* CONNACK refuses; whether for good: asking again cannot help. */
static bool
refused(struct connector *c)
{
	struct err *err = connector_error(c);
	bool final;

	reason_err(err, REASON_IN_CONNACK, c->reason, &final);
	err_in(err,
	    err->code == ERR_AUTH ? _("broker '%s' refused the login")
				  : _("broker '%s' refused the connection"),
	    c->name);
	return final;
}

/* The broker's DISCONNECT; likewise. */
static bool
dismissed(struct connector *c)
{
	bool final;

	reason_err(connector_error(c), REASON_IN_DISCONNECT, c->reason, &final);
	err_in(connector_error(c), _("broker '%s' closed the connection"), c->name);
	return final;
}

static void
put_stage(struct connector *c)
{
	const bool was_up =
	    c->state == CONNECTOR_UP || c->state == CONNECTOR_DISCONNECTING;

	err_in(connector_error(c),
	    was_up ? _("lost broker '%s'") : _("cannot reach broker '%s'"), c->name);
}

bool
connector_explain(struct connector *c, bool in_tls)
{
	const enum dial_stage stage = c->state == CONNECTOR_UP ? DIAL_UP
	    : c->state == CONNECTOR_HANDSHAKING                ? DIAL_SHAKING
							       : DIAL_BEFORE;

	return dial_explain(&c->dial, stage, in_tls, connector_error(c));
}

void
connector_failed(struct connector *c, int number, bool in_tls)
{
	char text[64];

	c->closed_without_words = false;
	if (connector_explain(c, in_tls))
		return;
	c->closed_without_words = number == 0 || number == EPROTO;
	snprintf(text, sizeof(text), "%s",
	    c->closed_without_words ? _("it closed the connection") : strerror(number));
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

/* What another address would not do better is not tried there. */
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
		c->address = c->addresses.n;
	connector_step(c, answer == WS_PROXY_OPEN ? CONNECTOR_CONNECTED : CONNECTOR_LOST);
}

/* Closed at once, unread bytes would reset the connection, and the will might fire. */
static void
part(struct connector *c, unsigned events)
{
	if (c->ops->part(c->arg) == 0) {
		c->parted = true;
		shutdown(c->ops->fd(c->arg), SHUT_WR);
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

static void
resolved(void *arg, const struct strv *addresses, const struct err *why)
{
	struct connector *c = arg;
	size_t i;

	c->lookup = NULL;
	strv_release(&c->addresses);
	c->address = 0;
	for (i = 0; i < addresses->n; i++)
		strv_add(&c->addresses, addresses->v[i]);
	if (why->code != ERR_OK)
		*connector_error(c) = *why;
	connector_step(
	    c, why->code == ERR_OK ? CONNECTOR_RESOLVED : CONNECTOR_UNRESOLVED);
}

static enum connector_state
resolve(struct connector *c)
{
	c->deadline = loop_now(c->loop) + c->opts.connect_timeout;
	set_timer(c, c->opts.connect_timeout);
	c->lookup = resolve_start(c->loop, c->opts.host, resolved, c);
	return CONNECTOR_RESOLVING;
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
		return resolve(c);
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

static enum connector_state
wait(struct connector *c)
{
	hang_up(c);
	limiter_leave(&c->pass);
	if (!c->told_down)
		c->ops->down(c->arg, connector_error(c));
	c->told_down = true;
	set_timer(c, pause_of(c));
	return CONNECTOR_WAITING;
}

/* Without a CONNACK nobody was at fault but the broker or the way there. */
static enum connector_state
fail(struct connector *c)
{
	c->in_vain = 0;
	put_stage(c);
	return c->was_up || c->opts.retry ? wait(c) : end(c);
}

/* As ops->dial, on the way that there is to the address. */
static int
begin_to_connect(struct connector *c, const char *address)
{
	const char *peer = dial_begin(&c->dial, address, connector_error(c));
	int failed;

	c->reason = 0;
	c->partial = false;
	if (peer == NULL)
		return -1;
	failed = c->ops->dial(c->arg, peer);
	if (failed)
		return failed;
	return dial_ask(&c->dial, c->ops->fd(c->arg), address, connector_error(c));
}

/* Each address gets its share of the time that is left. */
static enum connector_state
dial(struct connector *c)
{
	for (; c->address < c->addresses.n; c->address++) {
		int64_t left = c->deadline - loop_now(c->loop);
		int failed = begin_to_connect(c, c->addresses.v[c->address]);

		if (failed > 0 && left > 0) {
			set_timer(c, QUEUE_TIME);
			return CONNECTOR_QUEUING;
		}
		if (failed)
			continue;
		if (loop_fd_start(c->loop, &c->watch, c->ops->fd(c->arg),
			c->dial.ws ? LOOP_READ : LOOP_WRITE, on_socket, c, NULL) != 0) {
			err_sys(
			    connector_error(c), ERR_FAILED, _("cannot watch the socket"));
			break;
		}
		set_timer(c, left / (int64_t)(c->addresses.n - c->address));
		return CONNECTOR_DIALING;
	}
	return fail(c);
}

static enum connector_state
dial_next(struct connector *c)
{
	hang_up(c);
	c->address++;
	return dial(c);
}

static double
patience(const struct connector *c)
{
	return (double)c->opts.connect_timeout / 1000;
}

static enum connector_state
lookup_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE,
	    _("its name could not be looked up within %g s"), patience(c));
	return fail(c);
}

static enum connector_state
dial_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE, _("no connection within %g s"),
	    patience(c));
	return dial_next(c);
}

static enum connector_state
handshake_timed_out(struct connector *c)
{
	err_set(connector_error(c), ERR_UNREACHABLE,
	    c->partial ? _("its CONNACK was not whole within %g s")
		       : _("connected, but it did not answer within %g s"),
	    patience(c));
	return fail(c);
}

static enum connector_state
handshake(struct connector *c)
{
	set_timer(c, c->deadline - loop_now(c->loop));
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
		return fail(c);
	c->in_vain = 0;
	final = refused(c);
	return !final && (c->was_up || c->opts.retry) ? wait(c) : end(c);
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
 * id (mosquitto gives no reason). A broker that crashes again and again is no such case: right after it has
 * closed a connection it cannot be reached, which begins the count anew. */
static bool
is_fought_over(struct connector *c)
{
	if (c->in_vain < IN_VAIN)
		return false;
	err_set(connector_error(c), ERR_PROTOCOL,
	    _("it closed the connection, %d times in a row: is there another client with "
	      "the id '%s'?"),
	    IN_VAIN, c->id);
	err_in(connector_error(c), _("lost broker '%s'"), c->name);
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
    [CONNECTOR_ADMITTING] = {[CONNECTOR_ADMITTED] = resolve, [CONNECTOR_FINISH] = finish},
    [CONNECTOR_QUEUING] = {[CONNECTOR_TIMER] = dial, [CONNECTOR_FINISH] = finish},
    [CONNECTOR_RESOLVING] = {[CONNECTOR_RESOLVED] = dial,
	[CONNECTOR_UNRESOLVED] = fail,
	[CONNECTOR_TIMER] = lookup_timed_out,
	[CONNECTOR_FINISH] = finish},
    [CONNECTOR_DIALING] = {[CONNECTOR_CONNECTED] = handshake,
	[CONNECTOR_LOST] = dial_next,
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

int
connector_open(struct connector *c, struct loop *loop, const struct session_opts *o,
    const struct connector_ops *ops, void *arg, struct err *err)
{
	if (o->client_id != NULL && o->client_id[0] == '\0')
		return err_set(err, ERR_USAGE, _("the client id is empty"));
	c->loop = loop;
	c->opts = *o;
	c->opts.host = xstrdup(o->host);
	if (c->opts.keepalive < LEAST_KEEPALIVE)
		c->opts.keepalive = LEAST_KEEPALIVE;
	c->ops = ops;
	c->arg = arg;
	c->version = o->version == 4 ? 4 : 5;
	c->name = o->host[0] == '/'        ? xstrdup(o->host)
	    : strchr(o->host, ':') != NULL ? xasprintf("[%s]:%d", o->host, o->port)
					   : xasprintf("%s:%d", o->host, o->port);
	c->id = make_id(o->client_id);
	return dial_open(&c->dial, o, err);
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
	dial_close(&c->dial);
	strv_release(&c->addresses);
	free((void *)(uintptr_t)c->opts.host);
	free(c->error);
	free(c->name);
	free(c->id);
}
