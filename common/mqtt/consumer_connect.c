/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "mqtt/consumer_int.h"
#include "mqtt/reason.h"

static void
close_socket(struct consumer *c)
{
	SSL_free(c->conn.ssl);
	if (c->conn.fd >= 0)
		close(c->conn.fd);
	c->conn = (struct conn){.fd = -1};
}

int
consumer_dial(void *arg, const char *peer)
{
	struct consumer *c = arg;
	int number;

	close_socket(c);
	c->greeted = false;
	c->conn.fd = dial_socket(peer, c->link.broker.port);
	if (c->conn.fd >= 0)
		return 0;
	number = errno;
	connector_failed(&c->link, number, false);
	return peer[0] == '/' && number == EAGAIN ? 1 : -1;
}

/* A broker that knows no MQTT 5 says so, in one of its own words or in one of 3.1.1; or it only closes the
 * connection. So does one that is restarted: that is no word about what a session of MQTT 5 would keep. */
bool
consumer_downgrade(void *arg)
{
	struct consumer *c = arg;
	const bool refused = c->link.reason == REASON_V3_UNACCEPTABLE_VERSION ||
	    c->link.reason == REASON_UNSUPPORTED_VERSION;
	const bool closed = c->link.reason == 0 && c->greeted && c->link.merely_closed &&
	    !receiver_state(c->receiver).begun && c->connect.clean &&
	    !c->link.broker.tried_v3 && !c->link.was_up;

	if (c->link.opts.version != 0 || c->link.version != 5)
		return false;
	c->link.broker.speaks_v3 = refused;
	c->link.broker.try_v3 = closed;
	c->link.broker.tried_v3 |= closed;
	return refused || closed;
}

static bool
begin_tls(struct consumer *c)
{
	SSL *ssl = SSL_new(tls_context(c->link.broker.dial.tls));

	if (ssl == NULL || SSL_set_fd(ssl, c->conn.fd) != 1) {
		SSL_free(ssl);
		connector_failed(&c->link, ENOMEM, false);
		connector_step(&c->link, CONNECTOR_LOST);
		return false;
	}
	conn_open(&c->conn, c->conn.fd, ssl);
	return true;
}

/* False as long as TLS is not there, and when it never will be. */
static bool
shake_tls(struct consumer *c)
{
	const char *words = NULL;
	int events;

	if (c->link.broker.dial.tls == NULL)
		return true;
	if (c->conn.ssl == NULL && !begin_tls(c))
		return false;
	events = conn_shake(&c->conn, &words);
	dial_note(&c->link.broker.dial);
	if (events > 0)
		loop_fd_set(&c->link.watch, (unsigned)events);
	if (events >= 0)
		return events == 0;
	if (words != NULL)
		dial_note_words(&c->link.broker.dial, words);
	connector_failed(&c->link, errno, true);
	connector_step(&c->link, CONNECTOR_LOST);
	return false;
}

/* CONNACK is here. */
static void
look_at_answer(struct consumer *c, const struct receiver_state *state)
{
	const struct packet_connack *said = receiver_connack(c->receiver);

	if (!state->refused) {
		connector_step(&c->link, CONNECTOR_ACCEPTED);
		return;
	}
	c->link.reason = said->is_v3 ? REASON_UNSUPPORTED_VERSION : said->reason;
	connector_step(&c->link, CONNECTOR_LOST);
}

static void
read_answer(struct consumer *c)
{
	struct receiver_state state = receiver_state(c->receiver);
	bool drained = false;

	while (state.shaking && state.fault == PACKET_OK) {
		size_t room;
		char *p = receiver_room(c->receiver, &room);
		ssize_t n = conn_read(&c->conn, p, room, &drained);

		dial_note(&c->link.broker.dial);
		if (n > 0) {
			packet_log_bytes(c->log, PACKET_IN, p, (size_t)n);
			receiver_got(c->receiver, (size_t)n, 0);
		} else if (n < 0 && drained)
			break;
		else {
			consumer_lose(c, n == 0 ? 0 : errno);
			return;
		}
		state = receiver_state(c->receiver);
	}
	c->link.partial = state.begun;
	if (state.fault != PACKET_OK)
		consumer_end_by_fault(c, state.fault);
	else if (!state.shaking)
		look_at_answer(c, &state);
}

/* Some brokers keep topic aliases across the connections of a session, where they mean nothing (3.3.2.3.4). */
static void
greet(struct consumer *c)
{
	c->trying = c->link.broker.try_v3;
	c->link.broker.try_v3 = false;
	c->link.version =
	    c->link.opts.version == 4 || c->link.broker.speaks_v3 || c->trying ? 4 : 5;
	c->connect.version = c->link.version;
	c->connect.topic_aliases = c->connect.clean && !c->no_aliases ? ALIASES : 0;
	receiver_connect(c->receiver, &c->connect);
	packet_log_free(c->log);
	c->log = packet_log_new(c->link.id, c->link.broker.name, c->link.version);
	c->greeted = true;
}

void
consumer_shake(struct consumer *c)
{
	if (!c->greeted && !shake_tls(c))
		return;
	if (!c->greeted)
		greet(c);
	consumer_write(c);
	if (c->link.state == CONNECTOR_HANDSHAKING)
		read_answer(c);
	if (c->link.state == CONNECTOR_HANDSHAKING)
		loop_fd_set(&c->link.watch,
		    conn_events(&c->conn, true, receiver_output(c->receiver).n > 0));
}

static int
check_login(const struct session_opts *o, struct err *err)
{
	struct span user = span_of(o->username != NULL ? o->username : "");

	if (user.n > UINT16_MAX || !utf8_is_valid(user.p, user.n))
		return err_set(err, ERR_USAGE, _("the user name is no valid UTF-8"));
	if (o->password != NULL && strlen(o->password) > UINT16_MAX)
		return err_set(err, ERR_USAGE, _("the password is too long"));
	if (o->will_topic != NULL && topic_check_name(span_of(o->will_topic), NULL))
		return err_set(
		    err, ERR_USAGE, _("'%s' cannot be the will's topic"), o->will_topic);
	return 0;
}

static char *
copy(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

int
consumer_connect_open(struct consumer *c, const struct session_opts *o, struct err *err)
{
	const int64_t expiry = o->clean ? 0 : o->session_expiry;
	char *will;

	if (check_login(o, err))
		return -1;
	will = xmalloc(o->will_payload.n + 1);
	memcpy(will, o->will_payload.n > 0 ? o->will_payload.p : "", o->will_payload.n);
	c->connect = (struct packet_connect){
	    .clean = o->clean,
	    .keepalive = (uint16_t)c->link.opts.keepalive,
	    .client_id = c->link.id,
	    .username = copy(o->username),
	    .password = copy(o->password),
	    .will_topic = copy(o->will_topic),
	    .will_payload = {will, o->will_payload.n},
	    .will_qos = o->will_qos,
	    .will_retain = o->will_retain,
	    .session_expiry = expiry > UINT32_MAX ? UINT32_MAX : (uint32_t)expiry,
	    .receive_maximum = (uint16_t)c->receive_maximum,
	    .packet_most = o->announce_max_packet ? c->max_packet : 0,
	};
	return 0;
}

static void
free_text(const char *s)
{
	free((void *)(uintptr_t)s);
}

void
consumer_connect_close(struct consumer *c)
{
	close_socket(c);
	free_text(c->connect.username);
	if (c->connect.password != NULL)
		explicit_bzero(
		    (void *)(uintptr_t)c->connect.password, strlen(c->connect.password));
	free_text(c->connect.password);
	free_text(c->connect.will_topic);
	free_text(c->connect.will_payload.p);
}
