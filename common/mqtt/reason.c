/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/reason.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/text.h"

enum { ANY_OTHER = -1 };

/* Sections are those of MQTT 5. The row of ANY_OTHER ends each packet's. */
static const struct meaning {
	enum reason_packet packet;
	int code;
	enum err_code err;
	bool final; /* asking again cannot help */
	const char *text;
} meanings[] = {
#define IN REASON_IN_CONNACK /* MQTT 3.1.1, 3.2.2.3 */
    {IN, REASON_V3_UNACCEPTABLE_VERSION, ERR_PROTOCOL, true,
	N_("it does not speak this version of MQTT")},
    {IN, REASON_V3_IDENTIFIER_REJECTED, ERR_AUTH, true,
	N_("it does not accept the client id")},
    {IN, REASON_V3_SERVER_UNAVAILABLE, ERR_UNREACHABLE, false,
	N_("it is not available now")},
    {IN, REASON_V3_BAD_LOGIN, ERR_AUTH, true, N_("bad user name or password")},
    {IN, REASON_V3_NOT_AUTHORIZED, ERR_AUTH, true,
	N_("bad user name or password, or not allowed to connect")},
    /* 3.2.2.2 */
    {IN, REASON_UNSPECIFIED_ERROR, ERR_UNREACHABLE, false, N_("it gave no reason")},
    {IN, REASON_MALFORMED_PACKET, ERR_PROTOCOL, true,
	N_("it found our packet malformed")},
    {IN, REASON_PROTOCOL_ERROR, ERR_PROTOCOL, true, N_("it found our packet wrong")},
    {IN, REASON_UNSUPPORTED_VERSION, ERR_PROTOCOL, true,
	N_("it does not speak this version of MQTT")},
    {IN, REASON_IDENTIFIER_NOT_VALID, ERR_AUTH, true,
	N_("it does not accept the client id")},
    {IN, REASON_BAD_LOGIN, ERR_AUTH, true, N_("bad user name or password")},
    {IN, REASON_NOT_AUTHORIZED, ERR_AUTH, true,
	N_("bad user name or password, or not allowed to connect")},
    {IN, REASON_SERVER_UNAVAILABLE, ERR_UNREACHABLE, false,
	N_("it is not available now")},
    {IN, REASON_SERVER_BUSY, ERR_UNREACHABLE, false, N_("it is busy")},
    {IN, REASON_BANNED, ERR_AUTH, true, N_("this client is banned")},
    {IN, REASON_BAD_AUTHENTICATION_METHOD, ERR_AUTH, true,
	N_("it wants another way to log in")},
    {IN, REASON_TOPIC_NAME_INVALID, ERR_AUTH, true,
	N_("it does not accept the will's topic")},
    {IN, REASON_PACKET_TOO_LARGE, ERR_PROTOCOL, true,
	N_("the packet is too large for it")},
    {IN, REASON_QUOTA_EXCEEDED, ERR_UNREACHABLE, false, N_("a quota is exceeded")},
    {IN, REASON_PAYLOAD_FORMAT_INVALID, ERR_PROTOCOL, true,
	N_("it does not accept the will's payload")},
    {IN, REASON_RETAIN_NOT_SUPPORTED, ERR_PROTOCOL, true,
	N_("it does not keep retained messages")},
    {IN, REASON_QOS_NOT_SUPPORTED, ERR_PROTOCOL, true,
	N_("it does not support the will's QoS")},
    {IN, REASON_USE_ANOTHER_SERVER, ERR_UNREACHABLE, true,
	N_("it says: use another server")},
    {IN, REASON_SERVER_MOVED, ERR_UNREACHABLE, true, N_("it has moved")},
    {IN, REASON_CONNECTION_RATE_EXCEEDED, ERR_UNREACHABLE, false,
	N_("too many connections a second")},
    {IN, ANY_OTHER, ERR_PROTOCOL, false, NULL},
#undef IN
#define IN REASON_IN_SUBACK /* 3.9.3; or what CONNACK excluded before */
    {IN, REASON_UNSPECIFIED_ERROR, ERR_AUTH, true, N_("not allowed")},
    {IN, REASON_IMPLEMENTATION_SPECIFIC, ERR_REFUSED, true,
	N_("the broker does not say why")},
    {IN, REASON_NOT_AUTHORIZED, ERR_AUTH, true, N_("not allowed")},
    {IN, REASON_TOPIC_FILTER_INVALID, ERR_REFUSED, true,
	N_("the broker finds the filter wrong")},
    {IN, REASON_IDENTIFIER_IN_USE, ERR_PROTOCOL, true, N_("the packet id is in use")},
    {IN, REASON_PACKET_TOO_LARGE, ERR_REFUSED, true, N_("longer than it takes")},
    {IN, REASON_QUOTA_EXCEEDED, ERR_AUTH, true, N_("a quota is exceeded")},
    {IN, REASON_NO_SHARED_SUBSCRIPTIONS, ERR_REFUSED, true,
	N_("the broker has no shared subscriptions")},
    {IN, REASON_NO_SUBSCRIPTION_IDENTIFIERS, ERR_REFUSED, true,
	N_("the broker has no subscription ids")},
    {IN, REASON_NO_WILDCARDS, ERR_REFUSED, true, N_("the broker has no wildcards")},
    {IN, ANY_OTHER, ERR_AUTH, true, NULL},
#undef IN
#define IN REASON_IN_PUBACK /* 3.4.2.1, 3.5.2.1; or what CONNACK excluded before */
    {IN, REASON_UNSPECIFIED_ERROR, ERR_REFUSED, true, N_("it gave no reason")},
    {IN, REASON_IMPLEMENTATION_SPECIFIC, ERR_REFUSED, true, N_("it does not say why")},
    {IN, REASON_NOT_AUTHORIZED, ERR_AUTH, true, N_("not allowed to publish there")},
    {IN, REASON_TOPIC_NAME_INVALID, ERR_REFUSED, true, N_("it finds the topic wrong")},
    {IN, REASON_PACKET_TOO_LARGE, ERR_REFUSED, true, N_("larger than it takes")},
    {IN, REASON_QUOTA_EXCEEDED, ERR_REFUSED, true, N_("a quota is exceeded")},
    {IN, REASON_PAYLOAD_FORMAT_INVALID, ERR_REFUSED, true,
	N_("it finds the payload wrong")},
    {IN, REASON_RETAIN_NOT_SUPPORTED, ERR_REFUSED, true,
	N_("it does not keep retained messages")},
    {IN, REASON_QOS_NOT_SUPPORTED, ERR_REFUSED, true,
	N_("it does not take this QoS: a lower --qos may do")},
    {IN, ANY_OTHER, ERR_REFUSED, true, NULL},
#undef IN
#define IN REASON_IN_DISCONNECT /* 3.14.2.1 */
    {IN, REASON_UNSPECIFIED_ERROR, ERR_UNREACHABLE, false, N_("it gave no reason")},
    {IN, REASON_MALFORMED_PACKET, ERR_PROTOCOL, false,
	N_("it found our packet malformed")},
    {IN, REASON_PROTOCOL_ERROR, ERR_PROTOCOL, false, N_("it found our packet wrong")},
    {IN, REASON_IMPLEMENTATION_SPECIFIC, ERR_UNREACHABLE, false,
	N_("it does not say why")},
    {IN, REASON_NOT_AUTHORIZED, ERR_AUTH, true, N_("not allowed any more")},
    {IN, REASON_SERVER_BUSY, ERR_UNREACHABLE, false, N_("it is busy")},
    {IN, REASON_SERVER_SHUTTING_DOWN, ERR_UNREACHABLE, false, N_("it is shutting down")},
    {IN, REASON_KEEP_ALIVE_TIMEOUT, ERR_UNREACHABLE, false,
	N_("it heard nothing from us for too long")},
    {IN, REASON_SESSION_TAKEN_OVER, ERR_PROTOCOL, true,
	N_("another client has connected with this client id")},
    {IN, REASON_TOPIC_FILTER_INVALID, ERR_PROTOCOL, false, N_("it found a filter wrong")},
    {IN, REASON_TOPIC_NAME_INVALID, ERR_PROTOCOL, false, N_("it found a topic wrong")},
    {IN, REASON_RECEIVE_MAXIMUM_EXCEEDED, ERR_PROTOCOL, false,
	N_("too many messages at once")},
    {IN, REASON_TOPIC_ALIAS_INVALID, ERR_PROTOCOL, false,
	N_("it does not know a topic alias")},
    {IN, REASON_PACKET_TOO_LARGE, ERR_REFUSED, true, N_("a packet was too large for it")},
    {IN, REASON_MESSAGE_RATE_TOO_HIGH, ERR_UNREACHABLE, false,
	N_("too many messages a second")},
    {IN, REASON_QUOTA_EXCEEDED, ERR_UNREACHABLE, false, N_("a quota is exceeded")},
    {IN, REASON_ADMINISTRATIVE_ACTION, ERR_UNREACHABLE, false,
	N_("kicked: somebody closed this connection there")},
    {IN, REASON_PAYLOAD_FORMAT_INVALID, ERR_PROTOCOL, false,
	N_("it found a payload wrong")},
    {IN, REASON_RETAIN_NOT_SUPPORTED, ERR_PROTOCOL, false,
	N_("it does not keep retained messages")},
    {IN, REASON_QOS_NOT_SUPPORTED, ERR_REFUSED, true, N_("it does not take this QoS")},
    {IN, REASON_USE_ANOTHER_SERVER, ERR_UNREACHABLE, false,
	N_("it says: use another server")},
    {IN, REASON_SERVER_MOVED, ERR_UNREACHABLE, false, N_("it has moved")},
    {IN, REASON_NO_SHARED_SUBSCRIPTIONS, ERR_PROTOCOL, false,
	N_("it has no shared subscriptions")},
    {IN, REASON_CONNECTION_RATE_EXCEEDED, ERR_UNREACHABLE, false,
	N_("too many connections a second")},
    {IN, REASON_MAXIMUM_CONNECT_TIME, ERR_UNREACHABLE, false,
	N_("connections last no longer there")},
    {IN, REASON_NO_SUBSCRIPTION_IDENTIFIERS, ERR_PROTOCOL, false,
	N_("it has no subscription ids")},
    {IN, REASON_NO_WILDCARDS, ERR_PROTOCOL, false, N_("it has no wildcards")},
    {IN, ANY_OTHER, ERR_PROTOCOL, false, NULL},
#undef IN
};

static const struct meaning *
find(enum reason_packet packet, int code)
{
	const struct meaning *m = meanings;

	while (m->packet != packet || (m->code != code && m->code != ANY_OTHER))
		m++;
	return m;
}

const char *
reason_text(enum reason_packet packet, int code)
{
	const struct meaning *m = find(packet, code);

	return m->text != NULL ? _(m->text) : NULL;
}

int
reason_err(struct err *err, enum reason_packet packet, int code, bool *final)
{
	const struct meaning *m = find(packet, code);

	if (final != NULL)
		*final = m->final;
	return m->text != NULL ? err_set(err, m->err, "%s", _(m->text))
			       : err_set(err, m->err, _("reason %d"), code);
}

int
reason_err_subscription(struct err *err, const char *filter, int code)
{
	reason_err(err, REASON_IN_SUBACK, code, NULL);
	return err_in(err, _("the broker refused the subscription '%s'"), filter);
}

int
reason_err_session_lost(
    struct err *err, const char *client_id, int64_t from, int64_t until)
{
	struct buf since = {0}, now = {0};

	buf_time(&since, from);
	buf_time(&now, until);
	err_set(err, ERR_FAILED,
	    _("the broker had ended the session '%s' while we were away, from %s to %s: "
	      "what waited in it is lost"),
	    client_id, buf_str(&since), buf_str(&now));
	buf_release(&since);
	buf_release(&now);
	return -1;
}

int
reason_err_sessions_lost(struct err *err, uint64_t n)
{
	return err_set(err, ERR_FAILED,
	    P_("%llu kept session was ended by the broker: what waited in it is lost",
		"%llu kept sessions were ended by the broker: what waited in them is "
		"lost",
		n),
	    (unsigned long long)n);
}

int
reason_err_time_up(struct err *err, int64_t wait, const char *away, uint64_t messages)
{
	const double seconds = (double)wait / 1000;

	if (messages == 0)
		return away != NULL
		    ? err_set(err, ERR_TIMEOUT,
			  _("not connected to broker '%s' after %g s (-W)"), away,
			  seconds)
		    : err_set(
			  err, ERR_TIMEOUT, _("no message within %g s (-W)"), seconds);
	err_set(err, ERR_TIMEOUT,
	    P_("time is up after %g s (-W), with %llu message",
		"time is up after %g s (-W), with %llu messages", messages),
	    seconds, (unsigned long long)messages);
	if (away != NULL)
		err_add(err, _(", and not connected to broker '%s' now"), away);
	return -1;
}
