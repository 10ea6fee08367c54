/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_SESSION_INT_H
#define MQTT_SESSION_INT_H

#include "mqtt/connect/connector.h"
#include "mqtt/session.h"
#include "tls/conn.h"

/*
 * What the parts of a session share; for session*.c only. All of them run on the loop's thread.
 *
 *	session.c          from options to a session and its end; its subscriptions
 *	session_socket.c   what happens on the socket while it stands: timers, pings, when to read and to write. It
 *	                   calls all the others; they step the connector (CONNACK) or ask for a look later
 *	                   (session_socket_soon)
 *	session_mosq.c     libmosquitto, which nobody else calls: TLS and CONNECT to the last packet. Its
 *	                   callbacks run inside of session_mosq_read and _write, and go on to the part concerned
 *	session_queue.c    publications from session_publish to `published`; those of QoS 0 past libmosquitto
 *
 * A function that the user calls tells him nothing from within: events come from the loop, later.
 */

struct session {
	/* Each part's own: together, since a message of one in ten thousand sessions finds nothing of it in the
	 * processor's caches. */
	struct session_queue *queue;
	struct session_socket *socket;
	struct session_mosq *mosq;
	struct session_subscriptions *subscriptions;

	struct loop *loop;
	void *arg;
	const struct session_events *events;
	char *url; /* session_broker's */
	struct connector link; /* the connection, its options, its last error (mqtt/connect/connector.h) */

	/* Of the present connection: set by session_mosq.c. */
	bool present;         /* Session Present (3.2.2.1.1) */
	uint16_t keepalive;   /* seconds: Server Keep Alive (3.2.2.3.14), or ours */
	uint32_t packet_most; /* bytes: Maximum Packet Size (3.2.2.3.6); 0: any */
	bool no_retained;     /* Retain Available is 0 (3.2.2.3.5) */
	unsigned asked_at;    /* which broker answered the subscriptions */
};

/* What reading or writing came to. */
enum session_io {
	SESSION_IO_MORE,    /* there may be more */
	SESSION_IO_DRAINED, /* the socket gives or takes no more now */
	SESSION_IO_LOST,    /* the connection is over: connector_error says why */
};

/* session.c */

/* SUBSCRIBE for those that are not granted yet; for all if the broker forgot them, or never knew them: another one. */
void session_subscriptions_send(struct session *s, bool forgotten);
/* The connection is gone: no answer comes. */
void session_subscriptions_lost(struct session *s);
/* Whether the broker owes a SUBACK for longer than a connect may take. */
bool session_subscriptions_are_late(const struct session *s);
/* A SUBACK: `count` reason codes. */
void session_subscriptions_answered(struct session *s, int mid, int count, const int *reasons);
/* Tells of those that could not even be sent. */
void session_subscriptions_tell_unsent(struct session *s);

/* session_socket.c */

void session_socket_open(struct session *s);
/* Stops everything without a word. */
void session_socket_close(struct session *s);
/* What a connector asks of a session. */
extern const struct connector_ops session_socket_ops;
/* Looks again at what there is to do, soon, outside of the caller. */
void session_socket_soon(struct session *s);
/* libmosquitto has a message for us, and at QoS 1 its acknowledgement in its queue. */
void session_socket_received(struct session *s, const struct msg *m);

/* session_mosq.c: what fails leaves its reason in connector_error. */

int session_mosq_open(struct session *s, const struct session_opts *o, struct err *err);
void session_mosq_close(struct session *s);
/* Begins to connect. 1: the queue of the unix socket is full (TCP would wait by itself): try again in a
 * moment. */
int session_mosq_dial(struct session *s, const char *peer);
/* The next connection speaks MQTT 3.1.1: the broker refused 5, and nobody asked for that alone. False: this is
 * not so. */
bool session_mosq_downgrade(struct session *s);
/* -1: none. */
int session_mosq_fd(const struct session *s);
/* Its socket and its TLS, for who reads or writes past libmosquitto. */
struct conn session_mosq_conn(const struct session *s);
/* Whether the TLS handshake is not over; then, before all else, a step of it: 0, it is over; the enum loop_events
 * to wait for; -1. */
bool session_mosq_is_shaking(const struct session *s);
int session_mosq_shake(struct session *s);
/* As many packets as libmosquitto reads at a time. */
enum session_io session_mosq_read(struct session *s);
/* As much of its queue as the socket takes. */
enum session_io session_mosq_write(struct session *s);
bool session_mosq_wants_write(const struct session *s);
/* These two return a reason code of failure when it is not even sent: larger than the broker's Maximum Packet Size,
 * a QoS above its Maximum QoS, to be retained where nothing is. Else 0, and *mid is libmosquitto's number for it. */
int session_mosq_subscribe(
    struct session *s, const char *filter, int qos, bool no_local, int *mid);
int session_mosq_publish(struct session *s, const struct session_pub *p, int *mid);

/* session_queue.c */

void session_queue_open(struct session *s);
void session_queue_close(struct session *s);
/* Up: tells of what was written past libmosquitto, and gives it what waits. */
void session_queue_send(struct session *s);
/* PUBACK or PUBCOMP; at QoS 0 it is written. */
void session_queue_published(struct session *s, int mid, int reason);
/* The connection is gone: what QoS 0 was on its way is lost. */
void session_queue_lost(struct session *s);
/* Adds to an error which publication was never acknowledged, if there is one. */
void session_queue_name_oldest(const struct session *s, struct err *err);
/* A connection that is up is lost, and now and not told yet: whether the broker has ended one after the other, three
 * times, within a second of the same publication's being sent again. Then connector_error says so (ERR_REFUSED). */
bool session_queue_is_refused(struct session *s);
/* Whether part of a packet past libmosquitto is still to be written: it goes before all else. */
bool session_queue_has_rest(const struct session *s);
enum session_io session_queue_write_rest(struct session *s);
/* Whether all were told, those apart that wait for a connection. */
bool session_queue_is_empty(const struct session *s);

#endif
