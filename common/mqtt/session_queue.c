/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ascii.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

/* Ids are this session's own: a mid exists only once the message is given to libmosquitto, which
 * happens only while the connection is up. (Given earlier, it keeps the message and says that it
 * did not: whoever believes that publishes twice.) */

static void
out_release(struct session_out *o)
{
	free(o->topic);
	buf_release(&o->payload);
	buf_release(&o->props_bytes);
	free((void *)(uintptr_t)o->props.user);
	*o = (struct session_out){0};
}

static struct session_out *
room_for_one(struct session_outs *l)
{
	if (l->first > 64 && l->first > l->n / 2) {
		memmove(l->v, l->v + l->first, (l->n - l->first) * sizeof(*l->v));
		l->n -= l->first;
		l->first = 0;
	}
	if (l->n == l->room) {
		l->room = l->room * 2 + 1;
		l->v = xreallocarray(l->v, l->room, sizeof(*l->v));
	}
	l->v[l->n] = (struct session_out){0};
	return &l->v[l->n++];
}

/* Appends all bytes first and points into them afterwards, when they move no more. */
static void
copy_props(struct session_out *o, const struct msg_props *from)
{
	struct span *user = xcalloc(from->users * 2 + 1, sizeof(*user));
	struct span *const to[] = {
	    &o->props.content_type, &o->props.response_topic, &o->props.correlation};
	const struct span *const in[] = {
	    &from->content_type, &from->response_topic, &from->correlation};
	const char *at;
	size_t i;

	for (i = 0; i < ARRAY_LEN(in); i++)
		buf_span(&o->props_bytes, *in[i]);
	for (i = 0; i < from->users * 2; i++)
		buf_span(&o->props_bytes, from->user[i]);
	at = buf_as_span(&o->props_bytes).p;
	for (i = 0; i < ARRAY_LEN(in); at += in[i]->n, i++)
		*to[i] = (struct span){in[i]->p != NULL ? at : NULL, in[i]->n};
	for (i = 0; i < from->users * 2; at += from->user[i].n, i++)
		user[i] = (struct span){at, from->user[i].n};
	o->props.user = user;
	o->props.users = from->users;
}

static int
id_after(int id)
{
	return id == INT32_MAX ? 1 : id + 1;
}

static struct session_out *
add(struct session_outs *l, int qos)
{
	struct session_out *o = room_for_one(l);

	l->last_id = id_after(l->last_id);
	o->id = l->last_id;
	o->qos = qos;
	return o;
}

/* Keeps a copy until there is a connection, or its turn. */
static int
session_queue_add(struct session_outs *l, const struct session_pub *p)
{
	struct session_out *o = add(l, p->qos);

	l->waiting++;
	l->unacknowledged += p->qos > 0;
	o->retain = p->retain;
	o->topic = xstrdup(p->topic);
	buf_span(&o->payload, p->payload);
	if (p->props != NULL)
		copy_props(o, p->props);
	return o->id;
}

/* All are done. A device of ten thousand has one under way now and then: it keeps no room for more. */
static void
forget_room(struct session_outs *l)
{
	l->first = l->n = 0;
	if (l->room > 1) {
		free(l->v);
		l->v = NULL;
		l->room = 0;
	}
}

static int
remove_at(struct session_outs *l, size_t i)
{
	int id = l->v[i].id;

	l->unacknowledged -= l->v[i].qos > 0;
	out_release(&l->v[i]);
	memmove(l->v + l->first + 1, l->v + l->first, (i - l->first) * sizeof(*l->v));
	l->first++;
	if (l->first == l->n)
		forget_room(l);
	return id;
}

/* Acknowledgements come in order, all but always: the first one is it. */
int
session_queue_done(struct session_outs *l, int mid)
{
	size_t i;

	for (i = l->first; i < l->n - l->waiting; i++) {
		if (l->v[i].mid == mid)
			return remove_at(l, i);
	}
	return 0;
}

static void
tell(struct session *s, int id, int reason)
{
	if (s->events.published != NULL)
		s->events.published(s->arg, id, reason);
}

/* The next waiting one. libmosquitto keeps its own copy from here on. */
static void
send_one(struct session *s)
{
	struct session_outs *l = &s->outs;
	size_t i = l->n - l->waiting--;
	struct session_out *o = &l->v[i];
	struct session_out given = {.id = o->id, .qos = o->qos};
	struct session_pub p = {.topic = o->topic,
	    .payload = buf_as_span(&o->payload),
	    .qos = o->qos,
	    .retain = o->retain,
	    .props = o->props.user != NULL ? &o->props : NULL};
	const int refused = session_wire_publish(s, &p, &given.mid);

	if (refused != 0) {
		tell(s, remove_at(l, i), refused);
		return;
	}
	out_release(o);
	*o = given;
}

/* QoS 0 with nothing before it: without a copy of ours. It is only in libmosquitto's queue, and `published`
 * comes when that is written. 0: libmosquitto refused it, which is told as that of any other is. */
static int
send_now(struct session *s, const struct session_pub *p)
{
	struct session_out *o;
	int mid;

	if (session_wire_publish(s, p, &mid) != 0)
		return 0;
	o = add(&s->outs, 0);
	o->mid = mid;
	return o->id;
}

/* `published` comes later, as for any other: who is told may publish again. */
static int
add_written(struct session_outs *l)
{
	l->last_id = id_after(l->last_id);
	if (l->written++ == 0)
		l->written_id = l->last_id;
	return l->last_id;
}

/* At most as many as there were: those who publish again must not starve the loop. */
void
session_queue_tell(struct session *s, int reason)
{
	struct session_outs *l = &s->outs;
	size_t most = l->written;

	while (most-- > 0 && l->written > 0) {
		int id = l->written_id;

		l->written_id = id_after(id);
		l->written--;
		tell(s, id, reason);
	}
}

void
session_queue_send(struct session *s)
{
	while (s->outs.waiting > 0 && s->state == SESSION_UP)
		send_one(s);
}

/* Who is told may publish again: begin anew after each. */
void
session_queue_lost(struct session *s)
{
	struct session_outs *l = &s->outs;
	size_t i;

	session_queue_tell(s, s->rest.n > 0 ? REASON_UNSPECIFIED_ERROR : REASON_SUCCESS);
	buf_release(&s->rest);
	for (i = l->first; i < l->n - l->waiting; i++) {
		if (l->v[i].qos == 0) {
			tell(s, remove_at(l, i), REASON_UNSPECIFIED_ERROR);
			i = l->first - 1;
		}
	}
}

void
session_queue_release(struct session_outs *l)
{
	for (; l->first < l->n; l->first++)
		out_release(&l->v[l->first]);
	free(l->v);
	*l = (struct session_outs){0};
}

size_t
session_unacknowledged(const struct session *s)
{
	return s->outs.unacknowledged;
}

int
session_publish(struct session *s, const struct session_pub *p, int *id, struct err *err)
{
	const struct span topic = span_of(p->topic);

	if (p->qos == 0 && s->state != SESSION_UP)
		return err_set(
		    err, ERR_UNREACHABLE, _("broker '%s' is not connected"), s->name);
	if (p->payload.n > 268435455)
		return err_set(err, ERR_USAGE,
		    _("a payload of %zu bytes: MQTT takes at most 268435455"),
		    p->payload.n);
	if (topic_check_name(topic, err))
		return -1;
	if (p->qos > 0 || s->outs.waiting > 0)
		*id = 0;
	else if (session_direct_publish(s, p, topic))
		*id = add_written(&s->outs);
	else
		*id = send_now(s, p);
	if (*id == 0)
		*id = session_queue_add(&s->outs, p);
	session_fsm_soon(s);
	return 0;
}

/*
 * Publications of QoS 0 past libmosquitto, which takes a dozen locks and five allocations for each and
 * as long as all of the rest of a device's reading: only where there is nothing that it would have to
 * know of them or to do about them. And the few bytes of other packets that must not wait in its queue.
 */

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
	session_queue_tell(s, REASON_SUCCESS);
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
