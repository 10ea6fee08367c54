/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/packet.h"
#include "mqtt/packet_log.h"
#include "mqtt/reason.h"
#include "mqtt/session_int.h"

enum {
	PAYLOAD_MOST =
	    268435455, /* bytes: what four of a Remaining Length can say (1.5.5) */
	RESENT_WITHIN =
	    1000, /* ms: the broker ends a connection because of what was sent again */
	CLOSINGS = 3, /* in a row are enough to believe that */
};

/* A publication from session_publish to `published`. Its id is this session's own: a mid exists only once it is
 * given to libmosquitto, which happens only while the connection is up. (Given earlier, it keeps the message and
 * says that it did not: whoever believes that publishes twice.) */
struct publication {
	int id;
	int mid; /* libmosquitto's; 0: not given to it yet, and the rest holds the message */
	int qos;
	char *topic; /* kept until the end, but at QoS 0 */
	size_t size; /* bytes of the payload, once it is given */
	bool
	    resent; /* a connection was lost since it was given: the next one begins with it */
	struct buf payload;
	bool retain;
	struct buf props_bytes;
	struct msg_props props;
};

struct session_queue {
	struct publication *v; /* v[first..n-1], oldest first */
	size_t first, n, room;
	size_t waiting;        /* how many at the end have no mid */
	size_t unacknowledged; /* how many of QoS 1 and 2 */
	size_t written; /* past libmosquitto and not told yet: older than all of v */
	int written_id; /* the oldest of these; the others follow */
	int last_id;
	struct buf rest; /* of a packet past libmosquitto */
	/* How many connections ended as soon as this one (its id) was sent again. */
	int suspect, closings;
};

static void
publication_release(struct publication *o)
{
	free(o->topic);
	buf_release(&o->payload);
	buf_release(&o->props_bytes);
	free((void *)(uintptr_t)o->props.user);
	*o = (struct publication){0};
}

static struct publication *
room_for_one(struct session_queue *q)
{
	if (q->first > 64 && q->first > q->n / 2) {
		memmove(q->v, q->v + q->first, (q->n - q->first) * sizeof(*q->v));
		q->n -= q->first;
		q->first = 0;
	}
	if (q->n == q->room) {
		q->room = q->room * 2 + 1;
		q->v = xreallocarray(q->v, q->room, sizeof(*q->v));
	}
	q->v[q->n] = (struct publication){0};
	return &q->v[q->n++];
}

/* Appends all bytes first and points into them afterwards, when they move no more. */
static void
copy_props(struct publication *o, const struct msg_props *from)
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
	o->props.expiry = from->expiry;
	o->props.payload_format = from->payload_format;
}

static int
id_after(int id)
{
	return id == INT32_MAX ? 1 : id + 1;
}

static struct publication *
add(struct session_queue *q, int qos)
{
	struct publication *o = room_for_one(q);

	q->last_id = id_after(q->last_id);
	o->id = q->last_id;
	o->qos = qos;
	return o;
}

/* Keeps a copy until there is a connection, or its turn. */
static int
add_waiting(struct session_queue *q, const struct session_pub *p)
{
	struct publication *o = add(q, p->qos);

	q->waiting++;
	q->unacknowledged += p->qos > 0;
	o->retain = p->retain;
	o->topic = xstrdup(p->topic);
	buf_span(&o->payload, p->payload);
	if (p->props != NULL)
		copy_props(o, p->props);
	return o->id;
}

/* All are done. A device of ten thousand has one under way now and then: it keeps no room for more. */
static void
forget_room(struct session_queue *q)
{
	q->first = q->n = 0;
	if (q->room > 1) {
		free(q->v);
		q->v = NULL;
		q->room = 0;
	}
}

static int
remove_at(struct session_queue *q, size_t i)
{
	int id = q->v[i].id;

	q->unacknowledged -= q->v[i].qos > 0;
	publication_release(&q->v[i]);
	memmove(q->v + q->first + 1, q->v + q->first, (i - q->first) * sizeof(*q->v));
	q->first++;
	if (q->first == q->n)
		forget_room(q);
	return id;
}

static void
tell(struct session *s, int id, int reason)
{
	if (s->events->published != NULL)
		s->events->published(s->arg, id, reason);
}

/* A refusal at QoS 2 is PUBREC's. */
static void
log_answer(const struct session *s, const struct publication *o, int reason)
{
	const enum packet_type last =
	    reason_is_failure(reason) ? PACKET_PUBREC : PACKET_PUBCOMP;

	if (o->qos > 0)
		packet_log_answer(
		    s->link.id, o->qos == 1 ? PACKET_PUBACK : last, o->mid, reason);
}

/* Brokers acknowledge in order nearly always: then the loop ends at the first one. */
void
session_queue_published(struct session *s, int mid, int reason)
{
	struct session_queue *q = s->queue;
	size_t i;

	for (i = q->first; i < q->n - q->waiting && q->v[i].mid != mid; i++)
		;
	if (i < q->n - q->waiting) {
		log_answer(s, &q->v[i], reason);
		tell(s, remove_at(q, i), reason);
	}
	session_socket_soon(s);
}

/* The next waiting one. libmosquitto keeps its own copy from here on. */
static void
send_one(struct session *s)
{
	struct session_queue *q = s->queue;
	size_t i = q->n - q->waiting--;
	struct publication *o = &q->v[i];
	struct publication given = {
	    .id = o->id, .qos = o->qos, .topic = o->topic, .size = o->payload.n};
	struct session_pub p = {.topic = o->topic,
	    .payload = buf_as_span(&o->payload),
	    .qos = o->qos,
	    .retain = o->retain,
	    .props = o->props.user != NULL ? &o->props : NULL};
	const int refused = session_mosq_publish(s, &p, &given.mid);

	if (refused != 0) {
		tell(s, remove_at(q, i), refused);
		return;
	}
	o->topic = NULL;
	publication_release(o);
	*o = given;
}

/* QoS 0 with nothing before it: without a copy of ours. It is only in libmosquitto's queue, and `published`
 * comes when that is written. 0: libmosquitto refused it, which is told as that of any other is. */
static int
send_now(struct session *s, const struct session_pub *p)
{
	struct publication *o;
	int mid;

	if (session_mosq_publish(s, p, &mid) != 0)
		return 0;
	o = add(s->queue, 0);
	o->mid = mid;
	return o->id;
}

/* `published` comes later, as for any other: who is told may publish again. */
static int
add_written(struct session_queue *q)
{
	q->last_id = id_after(q->last_id);
	if (q->written++ == 0)
		q->written_id = q->last_id;
	return q->last_id;
}

/* No more than were written when it began: a callback that publishes again would keep it here for ever. */
static void
tell_written(struct session *s, int reason)
{
	struct session_queue *q = s->queue;
	size_t most = q->written;

	while (most-- > 0 && q->written > 0) {
		int id = q->written_id;

		q->written_id = id_after(id);
		q->written--;
		tell(s, id, reason);
	}
}

void
session_queue_send(struct session *s)
{
	if (s->link.state == CONNECTOR_UP && s->queue->rest.n == 0)
		tell_written(s, REASON_SUCCESS);
	while (s->queue->waiting > 0 && s->link.state == CONNECTOR_UP)
		send_one(s);
}

/* Who is told may publish again: begin anew after each. */
void
session_queue_lost(struct session *s)
{
	struct session_queue *q = s->queue;
	size_t i;

	tell_written(s, s->queue->rest.n > 0 ? REASON_UNSPECIFIED_ERROR : REASON_SUCCESS);
	buf_release(&s->queue->rest);
	for (i = q->first; i < q->n - q->waiting; i++) {
		q->v[i].resent = true;
		if (q->v[i].qos == 0) {
			tell(s, remove_at(q, i), REASON_UNSPECIFIED_ERROR);
			i = q->first - 1;
		}
	}
}

/* The oldest that the broker has and did not acknowledge; brokers take them in their order. NULL: none. */
static const struct publication *
oldest_given(const struct session_queue *q)
{
	size_t i = q->first;

	while (i < q->n - q->waiting && q->v[i].qos == 0)
		i++;
	return i < q->n - q->waiting ? &q->v[i] : NULL;
}

void
session_queue_name_oldest(const struct session *s, struct err *err)
{
	const struct publication *o = oldest_given(s->queue);

	if (o != NULL)
		err_add(err,
		    P_("; the oldest message that it did not acknowledge: topic '%s', "
		       "%zu byte, QoS %d",
			"; the oldest message that it did not acknowledge: topic '%s', "
			"%zu bytes, QoS %d",
			o->size),
		    o->topic, o->size, o->qos);
}

/* MQTT 3.1.1 has no other way to refuse a publication. */
bool
session_queue_is_refused(struct session *s)
{
	struct session_queue *q = s->queue;
	const struct publication *o = oldest_given(q);
	struct err *why = connector_error(&s->link);

	if (s->link.state != CONNECTOR_UP || o == NULL || !o->resent ||
	    s->link.reason != REASON_SUCCESS ||
	    loop_now(s->loop) - s->link.up_since > RESENT_WITHIN)
		return false;
	q->closings = o->id == q->suspect ? q->closings + 1 : 1;
	q->suspect = o->id;
	if (q->closings < CLOSINGS)
		return false;
	err_set(why, ERR_REFUSED,
	    _("broker '%s' closed the connection, %d times, as soon as a message was "
	      "sent again"),
	    s->link.broker.name, CLOSINGS);
	session_queue_name_oldest(s, why);
	return true;
}

/*
 * Publications of QoS 0 past libmosquitto, which takes a dozen locks and five allocations for each and
 * as long as all of the rest of a device's reading: only where there is nothing that it would have to
 * know of them or to do about them.
 */

enum { DIRECT_MOST = 4096 }; /* bytes of a packet: larger ones gain nothing */

/* Held acknowledgements leave when they are released, not with the rest of a packet. Topics beyond ASCII
 * have rules that libmosquitto checks. */
static bool
may_pass(const struct session *s, const struct session_pub *p, struct span topic)
{
	const size_t n = PACKET_PUBLISH_MORE + topic.n + p->payload.n;

	return s->link.broker.dial.tls == NULL && !s->link.opts.hold_acks &&
	    p->props == NULL && !(p->retain && s->no_retained) && n <= DIRECT_MOST &&
	    (s->packet_most == 0 || n <= s->packet_most) &&
	    ascii_plain_topic((const unsigned char *)topic.p, topic.n);
}

/* The order of what is published is that of the packets. */
static bool
is_next(const struct session *s)
{
	return s->link.state == CONNECTOR_UP && s->queue->first == s->queue->n &&
	    s->queue->rest.n == 0 && !session_mosq_wants_write(s);
}

/* Writes it to the socket now if nothing is before it. False: libmosquitto has to take it, who knows what to do
 * with a socket that takes nothing, or is dead. */
static bool
write_now(struct session *s, const struct session_pub *p, struct span topic)
{
	char packet[DIRECT_MOST];
	const char *end;
	ssize_t n;

	if (!may_pass(s, p, topic) || !is_next(s))
		return false;
	end = packet_write_publish(packet, topic, p->payload, p->retain, s->link.version);
	n = send(s->link.watch.fd, packet, (size_t)(end - packet),
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n <= 0)
		return false;
	packet_log_sent(s->link.id, s->link.version, packet, (size_t)(end - packet));
	buf_put(&s->queue->rest, packet + n, (size_t)(end - packet - n));
	return true;
}

/* Tells of it before libmosquitto may tell of later ones. */
enum session_io
session_queue_write_rest(struct session *s)
{
	ssize_t n = send(session_mosq_fd(s), s->queue->rest.p, s->queue->rest.n,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		connector_failed(&s->link, errno, false);
		return SESSION_IO_LOST;
	}
	if (n > 0)
		buf_shift(&s->queue->rest, (size_t)n);
	if (s->queue->rest.n > 0)
		return SESSION_IO_DRAINED;
	buf_release(&s->queue->rest);
	tell_written(s, REASON_SUCCESS);
	return SESSION_IO_MORE;
}

size_t
session_unacknowledged(const struct session *s)
{
	return s->queue->unacknowledged;
}

int
session_publish(struct session *s, const struct session_pub *p, int *id, struct err *err)
{
	const struct span topic = span_of(p->topic);

	if (p->qos == 0 && s->link.state != CONNECTOR_UP)
		return err_set(err, ERR_UNREACHABLE, _("broker '%s' is not connected"),
		    s->link.broker.name);
	if (p->payload.n > PAYLOAD_MOST)
		return err_set(err, ERR_USAGE,
		    _("a payload of %zu bytes: MQTT takes at most %d"), p->payload.n,
		    PAYLOAD_MOST);
	if (topic_check_name(topic, err))
		return -1;
	if (p->qos > 0 || s->queue->waiting > 0)
		*id = 0;
	else if (write_now(s, p, topic))
		*id = add_written(s->queue);
	else
		*id = send_now(s, p);
	if (*id == 0)
		*id = add_waiting(s->queue, p);
	session_socket_soon(s);
	return 0;
}

bool
session_queue_has_rest(const struct session *s)
{
	return s->queue->rest.n > 0;
}

bool
session_queue_is_empty(const struct session *s)
{
	return s->queue->first == s->queue->n && s->queue->written == 0;
}

void
session_queue_open(struct session *s)
{
	s->queue = xcalloc(1, sizeof(*s->queue));
}

void
session_queue_close(struct session *s)
{
	struct session_queue *q = s->queue;

	for (; q->first < q->n; q->first++)
		publication_release(&q->v[q->first]);
	free(q->v);
	buf_release(&q->rest);
	free(q);
}
