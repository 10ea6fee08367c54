/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publications of QoS 0 past libmosquitto, which takes a dozen locks and five allocations for each and
 * as long as all of the rest of a device's reading: only where there is nothing that it would have to
 * know of them or to do about them. And the few bytes of other packets that must not wait in its queue.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/ascii.h"
#include "base/log.h"
#include "mqtt/packet.h"
#include "mqtt/session_int.h"

enum { DIRECT_MOST = 4096 }; /* bytes of a packet: larger ones gain nothing */

/* Held acknowledgements leave when they are released, not with the rest of a packet. Topics beyond ASCII
 * have rules that libmosquitto checks. */
static bool
may_pass(const struct session *s, const struct session_pub *p, struct span topic)
{
	const size_t n = PACKET_PUBLISH_MORE + topic.n + p->payload.n;

	return s->tls == NULL && !s->opts.hold_acks && p->props == NULL &&
	    n <= DIRECT_MOST && (s->packet_most == 0 || n <= s->packet_most) &&
	    ascii_plain_topic((const unsigned char *)topic.p, topic.n);
}

/* The order of what is published is that of the packets. */
static bool
is_next(const struct session *s)
{
	return s->state == SESSION_UP && s->outs.first == s->outs.n &&
	    !session_wire_wants_write(s);
}

bool
session_direct_publish(struct session *s, const struct session_pub *p, struct span topic)
{
	char packet[DIRECT_MOST];
	const char *end;
	ssize_t n;

	if (log_level() >= LOG_DEBUG || !may_pass(s, p, topic) || !is_next(s))
		return false;
	end = packet_write_publish(packet, topic, p->payload, p->retain, s->version);
	n = send(session_wire_fd(s), packet, (size_t)(end - packet),
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n <= 0)
		return false;
	buf_put(&s->rest, packet + n, (size_t)(end - packet - n));
	return true;
}

/* Tells of it before libmosquitto may tell of later ones. */
enum wire
session_direct_go_on(struct session *s)
{
	ssize_t n =
	    send(session_wire_fd(s), s->rest.p, s->rest.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		session_wire_failed(s, errno);
		return SESSION_WIRE_LOST;
	}
	if (n > 0)
		buf_shift(&s->rest, (size_t)n);
	if (s->rest.n > 0)
		return SESSION_WIRE_DRY;
	buf_release(&s->rest);
	session_queue_tell(s, 0);
	return SESSION_WIRE_MORE;
}

/* A socket that poll calls writable takes these few bytes whole. */
int
session_wire_raw(struct session *s, const void *packet, size_t n)
{
	struct pollfd p = {.fd = session_wire_fd(s), .events = POLLOUT};
	void *ssl = session_wire_link(s).ssl;

	if (p.fd < 0 || poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
		return -1;
	if (ssl != NULL)
		return tls_write(ssl, packet, (int)n);
	return send(p.fd, packet, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n ? 0 : -1;
}
