/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#if LIBMOSQUITTO_VERSION_NUMBER < 2001000 /* 2.1 has it in there, and warns */
#include <mqtt_protocol.h>
#endif
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/resolve.h"
#include "mqtt/packet.h"
#include "mqtt/packet_log.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

/*
 * What is counted on that libmosquitto does not promise; tests/unit/mqtt/libmosquitto.c tries each with the one that
 * is there (2.0.11, 2.0.21 and 2.1.2 were):
 *
 *	make_client          mosquitto_new does without its two sockets when it can open none. A byte a packet is written
 *	                     to them that nobody reads: 220 KiB of the kernel for each device after 600 messages,
 *	                     and three descriptors instead of one. (2.1's MOSQ_OPT_DISABLE_SOCKETPAIR comes too late.)
 *	leave_properties     only a call that blocks takes CONNECT's properties; refused, it keeps them
 *	set_options          with mosquitto_threaded_set nothing is written but by mosquitto_loop_write: acknowledgements
 *	                     wait for their handler
 *	session_socket.c     while mosquitto_want_write is false, whole packets may be written past it: PINGREQ, which must
 *	session_queue.c      not wait behind acknowledgements, DISCONNECT, and QoS 0 (2,900 instructions for a reading,
 *	                     6,200 through it)
 *	session_mosq_shake   it goes on with a TLS handshake that is over
 */

enum { SEND_MAXIMUM = 20 }; /* libmosquitto's own, until the broker names one */

struct session_mosq {
	struct mosquitto *m;
	bool told_connect; /* to the packet log */
	void *context;     /* the SSL_CTX * that it was given */
	unsigned brought;  /* packets that its callbacks have told of */
	bool trying;       /* whether the broker speaks MQTT 3.1.1, by this CONNECT */
};

static void
log_connect(struct session *s)
{
	const struct connector_opts *o = &s->link.opts;
	const struct packet_log_login login = {.broker = s->link.broker.name,
	    .version = s->link.version,
	    .keepalive = o->keepalive,
	    .clean = o->clean,
	    .username = o->username,
	    .password = o->password,
	    .will = o->will};

	s->mosq->told_connect = true;
	packet_log_connect(s->link.id, &login);
}

/* CONNECT is the first in libmosquitto's queue: once that is empty it is written. */
static void
log_connect_if_sent(struct session *s)
{
	if (!s->mosq->told_connect && mosquitto_socket(s->mosq->m) >= 0 &&
	    !mosquitto_want_write(s->mosq->m))
		log_connect(s);
}

static void
on_connect(
    struct mosquitto *m, void *arg, int reason, int flags, const mosquitto_property *p)
{
	struct session *s = arg;
	uint16_t keepalive = (uint16_t)s->link.opts.keepalive;
	uint8_t retain = 1;

	(void)m;
	s->mosq->brought++;
	s->link.reason = reason;
	/* Who asked for a new session believes in no other (3.2.2.1.1). */
	s->present = (flags & 1) != 0 && !s->link.opts.clean;
	if (!s->mosq->told_connect)
		log_connect(s);
	packet_log_connack(s->link.id, s->present, reason);
	mosquitto_property_read_int16(p, MQTT_PROP_SERVER_KEEP_ALIVE, &keepalive, false);
	s->keepalive = keepalive;
	s->packet_most = 0;
	mosquitto_property_read_int32(
	    p, MQTT_PROP_MAXIMUM_PACKET_SIZE, &s->packet_most, false);
	mosquitto_property_read_byte(p, MQTT_PROP_RETAIN_AVAILABLE, &retain, false);
	s->no_retained = retain == 0;
	if (reason == 0) {
		s->link.broker.speaks_v3 |= s->mosq->trying;
		connector_step(&s->link, CONNECTOR_ACCEPTED);
	}
}

/* Reasons that are no failures are libmosquitto's own, which its return codes tell better. */
static void
on_disconnect(struct mosquitto *m, void *arg, int reason, const mosquitto_property *p)
{
	struct session *s = arg;

	(void)m;
	(void)p;
	if (!reason_is_failure(reason))
		return;
	s->link.reason = reason;
	packet_log_answer(s->link.id, PACKET_DISCONNECT, 0, reason);
}

static void
on_subscribe(struct mosquitto *m, void *arg, int mid, int count, const int *granted,
    const mosquitto_property *p)
{
	struct session *s = arg;

	(void)m;
	(void)p;
	s->mosq->brought++;
	packet_log_suback(s->link.id, mid, count, granted);
	session_subscriptions_answered(s, mid, count, granted);
}

static void
on_publish(
    struct mosquitto *m, void *arg, int mid, int reason, const mosquitto_property *p)
{
	struct session *s = arg;

	(void)m;
	(void)p;
	s->mosq->brought++;
	session_queue_published(s, mid, reason);
}

static struct span
take_string(const mosquitto_property *p, int id)
{
	char *text = NULL;

	if (p == NULL || mosquitto_property_read_string(p, id, &text, false) == NULL)
		return (struct span){0};
	return span_of(text);
}

static void
take_user(struct msg_props *out, const mosquitto_property *p)
{
	struct span *user = NULL;
	char *name, *value;
	bool skip = false;

	while ((p = mosquitto_property_read_string_pair(
		    p, MQTT_PROP_USER_PROPERTY, &name, &value, skip)) != NULL) {
		user = xreallocarray(user, (out->users + 1) * 2, sizeof(*user));
		user[out->users * 2] = span_of(name);
		user[out->users * 2 + 1] = span_of(value);
		out->users++;
		skip = true;
	}
	out->user = user;
}

static void
take_numbers(struct msg_props *out, const mosquitto_property *p)
{
	uint16_t alias;
	uint8_t format;

	if (mosquitto_property_read_int16(p, MQTT_PROP_TOPIC_ALIAS, &alias, false) !=
	    NULL)
		out->topic_alias = (struct msg_number){true, alias};
	if (mosquitto_property_read_byte(
		p, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, &format, false) != NULL)
		out->payload_format = (struct msg_number){true, format};
	out->expiry.given =
	    mosquitto_property_read_int32(
		p, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &out->expiry.v, false) != NULL;
	out->subscription.given =
	    mosquitto_property_read_varint(p, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
		&out->subscription.v, false) != NULL;
}

/* Its strings are ours: props_release. */
static struct msg_props
props_take(const mosquitto_property *p)
{
	struct msg_props out = {0};
	void *bytes = NULL;
	uint16_t n = 0;

	if (p == NULL)
		return out;
	out.content_type = take_string(p, MQTT_PROP_CONTENT_TYPE);
	out.response_topic = take_string(p, MQTT_PROP_RESPONSE_TOPIC);
	if (mosquitto_property_read_binary(
		p, MQTT_PROP_CORRELATION_DATA, &bytes, &n, false) != NULL)
		out.correlation = (struct span){bytes, n};
	take_numbers(&out, p);
	take_user(&out, p);
	return out;
}

static void
free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

static void
props_release(struct msg_props *m)
{
	size_t i;

	free_const(m->content_type.p);
	free_const(m->response_topic.p);
	free_const(m->correlation.p);
	for (i = 0; i < m->users * 2; i++)
		free_const(m->user[i].p);
	free_const(m->user);
	*m = (struct msg_props){0};
}

/* The acknowledgement of a QoS 1 message is in the queue already: libmosquitto puts it there before
 * it shows the message. */
static void
on_message(struct mosquitto *m, void *arg, const struct mosquitto_message *in,
    const mosquitto_property *p)
{
	struct session *s = arg;
	struct msg_props props = props_take(p);
	struct msg msg = {
	    .topic = span_of(in->topic),
	    .payload = {in->payloadlen > 0 ? in->payload : "", (size_t)in->payloadlen},
	    .props = props,
	    .received_us = clock_wall_us(),
	    .size = (size_t)in->payloadlen,
	    .mid = (uint16_t)in->mid,
	    .qos = (uint8_t)in->qos,
	    .retain = in->retain,
	};

	(void)m;
	s->mosq->brought++;
	packet_log_message(s->link.id, PACKET_IN, &msg);
	session_socket_received(s, &msg);
	props_release(&props);
}

static const struct {
	int rc;
	enum err_code code;
	const char *text;
} losses[] = {
    {MOSQ_ERR_NOMEM, ERR_FAILED, N_("out of memory")},
    {MOSQ_ERR_PROTOCOL, ERR_PROTOCOL, N_("it broke the MQTT protocol")},
    {MOSQ_ERR_MALFORMED_PACKET, ERR_PROTOCOL, N_("it sent a malformed packet")},
    {MOSQ_ERR_MALFORMED_UTF8, ERR_PROTOCOL,
	N_("it sent a topic with control characters or bytes that are no UTF-8")},
};

/* Says in connector_error what a return code means; `number` is the errno beside MOSQ_ERR_ERRNO. */
static enum session_io
lost(struct session *s, int rc, int number)
{
	const bool in_tls = rc == MOSQ_ERR_TLS;
	size_t i;

	if (rc == MOSQ_ERR_ERRNO || rc == MOSQ_ERR_CONN_LOST) {
		connector_failed(&s->link, rc == MOSQ_ERR_CONN_LOST ? 0 : number, in_tls);
		return SESSION_IO_LOST;
	}
	s->link.closed_without_words = false;
	if (connector_explain(&s->link, in_tls))
		return SESSION_IO_LOST;
	for (i = 0; i < ARRAY_LEN(losses) && losses[i].rc != rc; i++)
		;
	if (i < ARRAY_LEN(losses))
		err_set(
		    connector_error(&s->link), losses[i].code, "%s", _(losses[i].text));
	else
		err_set(connector_error(&s->link), ERR_UNREACHABLE, "%s",
		    mosquitto_strerror(rc));
	return SESSION_IO_LOST;
}

int
session_mosq_fd(const struct session *s)
{
	return s->mosq != NULL ? mosquitto_socket(s->mosq->m) : -1;
}

/* A call without a host, which is refused: it leaves the CONNECT properties to the next call. */
static void
leave_properties(struct session *s, const mosquitto_property *p)
{
	mosquitto_connect_bind_v5(s->mosq->m, NULL, 0, s->link.opts.keepalive, NULL, p);
}

static void
set_properties(struct session *s)
{
	const struct connector_opts *o = &s->link.opts;
	mosquitto_property *p = NULL;

	if (s->link.version != 5) {
		leave_properties(s, NULL);
		return;
	}
	if (!o->clean && o->session_expiry > 0)
		mosquitto_property_add_int32(&p, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
		    o->session_expiry > UINT32_MAX ? UINT32_MAX
						   : (uint32_t)o->session_expiry);
	mosquitto_property_add_int32(&p, MQTT_PROP_MAXIMUM_PACKET_SIZE,
	    o->max_packet > 0 ? o->max_packet : SESSION_MAX_PACKET);
	leave_properties(s, p);
	mosquitto_property_free_all(&p);
}

/* The files may have been read again. libmosquitto takes a reference to each context that it is given, and forgets
 * that of the one before (2.0.11, 2.0.21 and 2.1.2). */
static void
give_context(struct session *s)
{
	void *context =
	    s->link.broker.dial.tls != NULL ? tls_context(s->link.broker.dial.tls) : NULL;

	if (context == s->mosq->context)
		return;
	mosquitto_void_option(s->mosq->m, MOSQ_OPT_SSL_CTX, context);
	tls_context_drop(s->mosq->context);
	s->mosq->context = context;
}

/* How it could not even begin, the system is asked again: libmosquitto 2.1 loses its errno. */
static int
explain_dial(struct session *s, int rc, const char *peer)
{
	int fd, number;

	if (rc != MOSQ_ERR_ERRNO && rc != MOSQ_ERR_INVAL) {
		lost(s, rc, 0);
		return -1;
	}
	fd = dial_socket(peer, s->link.broker.port);
	number = fd < 0 ? errno : EAGAIN;
	if (fd >= 0)
		close(fd);
	lost(s, MOSQ_ERR_ERRNO, number);
	return number == EAGAIN ? 1 : -1;
}

/* MQTT 3.1.1 has no limit of unacknowledged publications, libmosquitto one of 20. Where messages are left unread, the
 * acknowledgements behind them are for more than that. */
static void
set_version(struct session *s, int version)
{
	s->link.version = version;
	mosquitto_int_option(s->mosq->m, MOSQ_OPT_PROTOCOL_VERSION,
	    version == 5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	if (s->link.opts.hold_acks)
		mosquitto_int_option(s->mosq->m, MOSQ_OPT_SEND_MAXIMUM,
		    version == 5 ? SEND_MAXIMUM : UINT16_MAX);
}

/* What one of several brokers knows, or a try that was not accepted, is no word about the next one. */
static void
choose_version(struct session *s)
{
	struct broker *b = &s->link.broker;
	const bool v3 = s->link.opts.version == 4 || b->speaks_v3 || b->try_v3;

	if (v3 != (s->link.version == 4))
		set_version(s, v3 ? 4 : 5);
	s->mosq->trying = b->try_v3;
	b->try_v3 = false;
}

int
session_mosq_dial(struct session *s, const char *peer)
{
	int rc;

	choose_version(s);
	s->mosq->told_connect = false;
	give_context(s);
	set_properties(s);
	rc = mosquitto_connect_async(s->mosq->m, peer,
	    peer[0] == '/' ? 0 : s->link.broker.port, s->link.opts.keepalive);
	dial_note(&s->link.broker.dial);
	if (rc != MOSQ_ERR_SUCCESS)
		return explain_dial(s, rc, peer);
	fcntl(session_mosq_fd(s), F_SETFD, FD_CLOEXEC);
	log_connect_if_sent(s);
	return 0;
}

static enum session_io
after(struct session *s, int rc)
{
	const int number = errno;

	dial_note(&s->link.broker.dial);
	if (rc != MOSQ_ERR_SUCCESS)
		return lost(s, rc, number);
	if (session_mosq_fd(s) < 0)
		return lost(s, MOSQ_ERR_CONN_LOST, 0);
	log_connect_if_sent(s);
	return SESSION_IO_MORE;
}

struct conn
session_mosq_conn(const struct session *s)
{
	return (struct conn){
	    .fd = session_mosq_fd(s), .ssl = mosquitto_ssl_get(s->mosq->m)};
}

bool
session_mosq_is_shaking(const struct session *s)
{
	return s->link.broker.dial.tls != NULL &&
	    tls_is_shaking(mosquitto_ssl_get(s->mosq->m));
}

/* By us: what comes right behind it is looked at before libmosquitto reads it. 2.0.11 begins it by itself and
 * writes nothing until it has found out, in a read that reads nothing, that it is over. */
int
session_mosq_shake(struct session *s)
{
	struct conn conn = session_mosq_conn(s);
	const char *words = NULL;
	const int events = conn_shake(&conn, &words);
	const int number = errno;

	dial_note(&s->link.broker.dial);
	if (events < 0) {
		if (words != NULL)
			dial_note_words(&s->link.broker.dial, words);
		connector_failed(&s->link, number, true);
		return -1;
	}
	if (events == 0 && !mosquitto_want_write(s->mosq->m) &&
	    after(s, mosquitto_loop_read(s->mosq->m, 1)) == SESSION_IO_LOST)
		return -1;
	return events;
}

/* A call that brings nothing may have read a part of a packet, of which the rest has come since. */
enum session_io
session_mosq_read(struct session *s)
{
	const unsigned before = s->mosq->brought;
	const enum session_io result = after(s, mosquitto_loop_read(s->mosq->m, 1));
	const struct conn conn = session_mosq_conn(s);

	return result == SESSION_IO_MORE && s->mosq->brought == before &&
		!conn_has_bytes(&conn)
	    ? SESSION_IO_DRAINED
	    : result;
}

enum session_io
session_mosq_write(struct session *s)
{
	return after(s, mosquitto_loop_write(s->mosq->m, 1));
}

bool
session_mosq_wants_write(const struct session *s)
{
	return mosquitto_want_write(s->mosq->m);
}

/* What the broker would say of a packet that libmosquitto does not even send it. */
static int
refusal(int rc)
{
	switch (rc) {
	case MOSQ_ERR_OVERSIZE_PACKET: return REASON_PACKET_TOO_LARGE;
	case MOSQ_ERR_QOS_NOT_SUPPORTED: return REASON_QOS_NOT_SUPPORTED;
	default: return REASON_UNSPECIFIED_ERROR;
	}
}

/* A connection that is gone is no refusal: the subscription is asked for again. */
int
session_mosq_subscribe(
    struct session *s, const char *filter, int qos, bool no_local, int *mid)
{
	int rc;
	int options = (no_local ? MQTT_SUB_OPT_NO_LOCAL : 0) |
	    (s->present ? MQTT_SUB_OPT_SEND_RETAIN_NEW : 0);

	if (s->link.version != 5)
		options = 0;
	rc = mosquitto_subscribe_v5(s->mosq->m, mid, filter, qos, options, NULL);
	if (rc == MOSQ_ERR_SUCCESS)
		packet_log_subscribe(s->link.id, *mid, filter, options | qos);
	return rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_NO_CONN ? 0 : refusal(rc);
}

static void
add_string(mosquitto_property **out, int id, struct span s)
{
	char *text;

	if (s.p == NULL)
		return;
	text = xstrndup(s.p, s.n);
	mosquitto_property_add_string(out, id, text);
	free(text);
}

/* A new list, libmosquitto's to free. */
static mosquitto_property *
props_make(const struct msg_props *m)
{
	mosquitto_property *out = NULL;
	size_t i;

	if (m->payload_format.given)
		mosquitto_property_add_byte(&out, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR,
		    (uint8_t)m->payload_format.v);
	if (m->expiry.given)
		mosquitto_property_add_int32(
		    &out, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, m->expiry.v);
	add_string(&out, MQTT_PROP_CONTENT_TYPE, m->content_type);
	add_string(&out, MQTT_PROP_RESPONSE_TOPIC, m->response_topic);
	if (m->correlation.p != NULL && m->correlation.n <= UINT16_MAX)
		mosquitto_property_add_binary(&out, MQTT_PROP_CORRELATION_DATA,
		    m->correlation.p, (uint16_t)m->correlation.n);
	for (i = 0; i < m->users; i++) {
		char *name = xstrndup(m->user[i * 2].p, m->user[i * 2].n);
		char *value = xstrndup(m->user[i * 2 + 1].p, m->user[i * 2 + 1].n);

		mosquitto_property_add_string_pair(
		    &out, MQTT_PROP_USER_PROPERTY, name, value);
		free(name);
		free(value);
	}
	return out;
}

/* It leaves with the next write. */
static void
log_publish(const struct session *s, const struct session_pub *p, int mid)
{
	packet_log_message(s->link.id, PACKET_OUT,
	    &(struct msg){.topic = span_of(p->topic),
		.size = p->payload.n,
		.mid = (uint16_t)mid,
		.qos = (uint8_t)p->qos,
		.retain = p->retain});
}

/* MOSQ_ERR_NO_CONN is no refusal: the message is kept and sent after the reconnect. Where nothing is retained
 * libmosquitto takes the flag off without a word, which is well for one that takes a retained message away. */
int
session_mosq_publish(struct session *s, const struct session_pub *p, int *mid)
{
	mosquitto_property *props;
	int rc;

	if (p->retain && s->no_retained && p->payload.n > 0)
		return REASON_RETAIN_NOT_SUPPORTED;
	props = s->link.version == 5 && p->props != NULL ? props_make(p->props) : NULL;
	rc = mosquitto_publish_v5(s->mosq->m, mid, p->topic, (int)p->payload.n,
	    p->payload.p, p->qos, p->retain, props);

	mosquitto_property_free_all(&props);
	if (rc == MOSQ_ERR_SUCCESS)
		log_publish(s, p, *mid);
	return rc == MOSQ_ERR_SUCCESS || (rc == MOSQ_ERR_NO_CONN && p->qos > 0)
	    ? 0
	    : refusal(rc);
}

bool
session_mosq_downgrade(struct session *s)
{
	const bool refused = s->link.reason == REASON_V3_UNACCEPTABLE_VERSION ||
	    s->link.reason == REASON_UNSUPPORTED_VERSION;
	const bool closed = s->link.reason == 0 && s->link.merely_closed &&
	    !s->link.partial && s->mosq->told_connect && !s->link.broker.tried_v3 &&
	    s->link.opts.clean && !s->link.was_up;

	if (s->link.opts.version != 0 || s->link.version != 5 || !(refused || closed))
		return false;
	s->link.broker.speaks_v3 = refused;
	s->link.broker.try_v3 = closed;
	s->link.broker.tried_v3 |= closed;
	return true;
}

static int
set_options(struct session *s, const struct session_opts *o, struct err *err)
{
	struct mosquitto *m = s->mosq->m;

	mosquitto_threaded_set(m, true);
	set_version(s, s->link.version);
	mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM,
	    o->receive_maximum > 0 ? o->receive_maximum : SESSION_RECEIVE_MAXIMUM);
	mosquitto_int_option(m, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
	mosquitto_connect_v5_callback_set(m, on_connect);
	mosquitto_disconnect_v5_callback_set(m, on_disconnect);
	mosquitto_subscribe_v5_callback_set(m, on_subscribe);
	mosquitto_publish_v5_callback_set(m, on_publish);
	mosquitto_message_v5_callback_set(m, on_message);
	if (o->username != NULL &&
	    mosquitto_username_pw_set(m, o->username, o->password) != MOSQ_ERR_SUCCESS)
		return err_set(err, ERR_USAGE, _("the user name is no valid UTF-8"));
	if (o->will_topic != NULL &&
	    mosquitto_will_set(m, o->will_topic, (int)o->will_payload.n,
		o->will_payload.p, o->will_qos, o->will_retain) != MOSQ_ERR_SUCCESS)
		return err_set(
		    err, ERR_USAGE, _("'%s' cannot be the will's topic"), o->will_topic);
	return 0;
}

/* mosquitto_new makes a pair of sockets for threads that we do not have, and does without when it cannot.
 * Whoever opens a descriptor meanwhile fails, getaddrinfo in another thread above all. */
static struct mosquitto *
make_client(struct session *s, const struct session_opts *o)
{
	struct rlimit limit, none;
	struct mosquitto *m;

	if (!o->lean || resolve_running() > 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return mosquitto_new(s->link.id, o->clean, s);
	none = (struct rlimit){0, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	m = mosquitto_new(s->link.id, o->clean, s);
	setrlimit(RLIMIT_NOFILE, &limit);
	return m;
}

int
session_mosq_open(struct session *s, const struct session_opts *o, struct err *err)
{
	struct mosquitto *m;

	mosquitto_lib_init();
	m = make_client(s, o);
	if (m == NULL) {
		err_sys(err, ERR_FAILED, _("cannot make an MQTT client"));
		mosquitto_lib_cleanup();
		return -1;
	}
	s->mosq = xcalloc(1, sizeof(*s->mosq));
	s->mosq->m = m;
	return set_options(s, o, err);
}

void
session_mosq_close(struct session *s)
{
	if (s->mosq == NULL)
		return;
	mosquitto_destroy(s->mosq->m);
	mosquitto_lib_cleanup();
	free(s->mosq);
	s->mosq = NULL;
}
