/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_SESSION_INT_H
#define MQTT_SESSION_INT_H

#include "base/strv.h"
#include "loop/backoff.h"
#include "loop/resolve.h"
#include "tls/tls.h"
#include "mqtt/session.h"

/*
 * What the parts of a session share; for session*.c only.
 *
 *	session.c     from options to a session, and its end
 *	session_mosq.c        libmosquitto's calls and callbacks: the wire
 *	session_mosq.c   properties to and from libmosquitto's
 *	session_fsm.c     states and what leads from one to the next
 *	session_fsm.c      the descriptor: when to read, write, ping
 *	session_queue.c     publications on their way
 *	session_queue.c  those of QoS 0 past libmosquitto
 *	session.c     subscriptions
 *	session_connect.c     the TLS context, and what it knows of a failure
 *	session_connect.c      WebSocket, by the relay
 *	session_connect.c     reasons to errors
 */

enum { SESSION_IN_VAIN = 5 }; /* short connections in a row are enough */

enum session_state {
	SESSION_IDLE,
	SESSION_ADMITTING, /* the gate lets others through first */
	SESSION_RESOLVING,
	SESSION_QUEUING,  /* a unix socket takes no more connections at the moment */
	SESSION_DIALING,  /* until TCP is connected */
	SESSION_GREETING, /* TLS, CONNECT, until CONNACK */
	SESSION_UP,
	SESSION_TAKEN,
	SESSION_LEAVING, /* DISCONNECT is sent, until the broker has read it */
	SESSION_WAITING, /* for the next attempt */
	SESSION_ENDED,
	SESSION_STATES
};

enum session_event {
	EV_START,
	EV_ADMITTED,
	EV_RESOLVED,
	EV_UNRESOLVED,
	EV_CONNECTED,
	EV_ACCEPTED,
	EV_LOST,
	EV_TIMER,
	EV_FINISH, /* session_stop, and nothing is left to do */
	SESSION_EVENTS
};

/* A publication from session_publish to `published`. */
struct session_out {
	int id;
	int mid; /* libmosquitto's; 0: not given to it yet, and the rest holds the message */
	int qos;
	char *topic;
	struct buf payload;
	bool retain;
	struct buf props_bytes;
	struct msg_props props;
};

struct session_outs {
	struct session_out *v; /* v[first..n-1], oldest first */
	size_t first, n, room;
	size_t waiting;        /* how many at the end have no mid */
	size_t unacknowledged; /* how many of QoS 1 and 2 */
	size_t written; /* directly and not told yet: older than all of v */
	int written_id; /* the oldest of these; the others follow */
	int last_id;
};

struct session_sub {
	char *filter;
	int qos;
	bool no_local;
	bool granted;
	int mid; /* of the SUBSCRIBE on its way; 0: none */
	int unsent; /* why it could not be sent, a reason code to be told; 0: it could */
	int64_t asked; /* when it was sent */
};

struct session_subs {
	struct session_sub *v;
	size_t n;
};

struct session {
	struct loop *loop;
	struct session_opts opts; /* strings: only host */
	struct session_events events;
	void *arg;
	char *name; /* host:port */
	char *url;
	char *id;

	struct mosquitto *mosq;
	struct tls *tls; /* NULL over WebSocket, whose relay has its own */
	bool ws;
	struct buf ws_target; /* what the relay is asked for */
	bool shaking; /* when libmosquitto was last called, the TLS handshake was not over */
	bool asked; /* for a client certificate that we do not have */
	int version; /* of the next or present connection */
	int reason;  /* of CONNACK, or of the broker's DISCONNECT */
	bool present;
	int keepalive; /* CONNACK's, or ours */
	uint32_t packet_most; /* bytes, by CONNACK; 0: any */
	char *tls_log; /* what libmosquitto logged of a failed handshake, or NULL */

	enum session_state state;
	struct err *why; /* NULL: nothing; half a kilobyte that few of many sessions have */
	struct limiter_pass pass;
	struct resolve *lookup;
	struct strv addresses;
	size_t address;
	int64_t deadline; /* of this attempt */
	struct loop_fd watch;
	struct loop_timer timer;   /* of the state */
	struct loop_timer partial; /* CONNACK is not whole: until it is looked at again */
	struct loop_timer alive;   /* pings and the broker's silence */
	struct loop_timer soon;    /* work that waits for its caller to return */
	struct loop_timer giving_up; /* session_stop's */
	struct backoff backoff;
	int64_t up_since, heard;
	int in_vain; /* connections in a row that ended as soon as they were up */
	bool closed; /* the last one by the broker, without a word */
	bool was_up, told_down, stopping, told_end;
	bool parted; /* DISCONNECT is sent */

	bool paused;
	bool flushing; /* a write was begun and is not through */
	bool release;  /* hold_acks: what is queued may leave */
	size_t held;   /* acknowledgements in the queue */
	struct buf rest; /* of a packet past libmosquitto: goes before all else */
	bool fresh;    /* messages since the last `dry` */

	struct session_outs outs;
	struct session_subs subs;
};

/* session_connect.c: what went wrong last; made when it is asked for. */
struct err *session_why_of(struct session *s);
void session_why_forget(struct session *s);

/* session_mosq.c: the wire. Failures leave their reason in s->why. */
int session_wire_open(struct session *s, const struct session_opts *o, struct err *err);
void session_wire_close(struct session *s);

enum wire { SESSION_WIRE_MORE, SESSION_WIRE_DRY, SESSION_WIRE_LOST };

/* 1: the queue of the unix socket is full (TCP would wait by itself): try again in a moment. */
int session_wire_dial(struct session *s, const char *address);
int session_wire_fd(const struct session *s);
/* The socket failed with this errno (0: it was closed) outside of libmosquitto. */
void session_wire_failed(struct session *s, int number);
/* One packet, or one step of the TLS handshake. */
enum wire session_wire_read(struct session *s);
/* As much of the queue as the socket takes. */
enum wire session_wire_write(struct session *s);
bool session_wire_wants_write(const struct session *s);
bool session_wire_is_shaking(const struct session *s);
/* What CONNACK said, for who takes the connection over. */
struct session_link session_wire_link(const struct session *s);
/* A whole packet of a few bytes past the queue; only when nothing is half written. -1: the socket
 * takes none now. */
int session_wire_raw(struct session *s, const void *packet, size_t n);
/* A reason from 128 when libmosquitto does not send it: a filter longer than the broker's Maximum Packet Size
 * (3.2.2.3.6). */
int session_wire_subscribe(struct session *s, struct session_sub *sub);
/* Gives libmosquitto a publication; a reason from 128 when it refuses for good. */
int session_wire_publish(struct session *s, const struct session_pub *p, int *mid);
/* Whether the broker refused MQTT 5 and nobody asked for that alone. */
bool session_wire_may_downgrade(const struct session *s);
/* The next connection speaks MQTT 3.1.1. */
void session_wire_downgrade(struct session *s);

/* session_fsm.c */
/* Takes the action of the table; the state may be any other one afterwards. */
void session_fsm_step(struct session *s, enum session_event e);
/* Looks again at what there is to do, soon, outside of the caller. */
void session_fsm_soon(struct session *s);
/* Stops everything without a word. */
void session_fsm_halt(struct session *s);

/* session_fsm.c */
/* Only while everything that was begun is written may other bytes be. */
bool session_io_is_half_written(const struct session *s);
/* The watcher's callback. */
void session_io_event(void *arg, unsigned events);
/* Pings from now on at half of the keep-alive, if there is one. */
void session_io_stay_alive(struct session *s);
/* Writes what may be written, finishes if that was the last, waits for what is next. */
void session_io_look(struct session *s);

/* session_queue.c */
/* Forgets the publication with this mid and gives its id, or 0. */
int session_queue_done(struct session_outs *l, int mid);
/* Gives the waiting ones to the wire. */
void session_queue_send(struct session *s);
/* Tells of those that were written directly. */
void session_queue_tell(struct session *s, int reason);
/* The connection is gone: what QoS 0 was on its way is lost. */
void session_queue_lost(struct session *s);
void session_queue_release(struct session_outs *l);

/* session_queue.c */
/* Writes a publication of QoS 0 to the socket now if nothing is before it. False: libmosquitto has to take
 * it, who knows what to do with a socket that takes nothing, or is dead. */
bool session_direct_publish(struct session *s, const struct session_pub *p, struct span topic);
/* Writes what the socket did not take of it. */
enum wire session_direct_go_on(struct session *s);

/* session_connect.c */
struct tls_opts session_tls_opts(const struct session_opts *o);
/* The session's context: its own, or the shared one. */
int session_tls_open(struct session *s, const struct session_opts *o, struct err *err);
/* Says in s->why what TLS knows of a loss; false when it knows nothing. `failed`: it surely was the
 * handshake. */
bool session_tls_explain(struct session *s, bool failed);

/* session_connect.c */
int session_ws_open(struct session *s, const struct session_opts *o, struct err *err);
void session_ws_close(struct session *s);
/* Where to connect to instead of the broker; NULL: s->why says why not. */
const char *session_connect_ws_path(struct session *s);
/* Asks on the new connection for the broker; -1: s->why. */
int session_ws_ask(struct session *s, const char *address);
/* The relay's answer while dialing: goes a step on when there is one. */
void session_ws_answered(struct session *s);

/* session.c */
/* Sends what is not granted yet; all of them if the broker forgot. */
void session_subs_send(struct session *s, bool forgotten);
void session_subs_lost(struct session *s);
/* Tells of those that could not even be sent. */
void session_subs_tell(struct session *s);
/* Whether the broker owes an answer for longer than a connect may take. */
bool session_subs_are_late(const struct session *s);
void session_subs_answered(struct session *s, int mid, int count, const int *granted);
void session_subs_release(struct session_subs *l);

/* session_mosq.c */
struct mqtt5__property;
/* A message's properties; session_props_release frees what it points to. */
struct msg_props session_props_take(const struct mqtt5__property *p);
void session_props_release(struct msg_props *m);
/* A new list, libmosquitto's to free. */
struct mqtt5__property *session_props_make(const struct msg_props *m);
/* Leaves the next CONNECT's properties with libmosquitto. */
void session_props_leave(struct session *s);

/* session_connect.c: those that return int return -1. */
/* CONNACK: sets err; *final: asking again cannot help. */
int session_err_connack(struct err *err, const struct session *s, int reason, bool *final);
/* The broker's DISCONNECT. */
int session_err_disconnect(struct err *err, const struct session *s, int reason, bool *final);
/* "cannot reach broker 'H:P': " or "lost broker 'H:P': " in front. */
int session_err_stage(struct err *err, const struct session *s);
/* A connection ended, as soon as it was up unless it was stable. Whether the broker has now ended one after
 * the other because of a message that libmosquitto cannot take and that is delivered each time. */
bool session_err_in_vain(struct session *s, bool was_stable);
/* The connection is up again. Whether the broker, which is there all the time, has now ended one after the
 * other because another client with the same id does the same (mosquitto only closes, it does not say why).
 * One that crashes again and again is waited for: it cannot be reached at once when it has closed the last. */
bool session_err_is_fought(struct session *s);
/* strerror in lower case. */
const char *session_err_lower(char *room, size_t size, int number);

#endif
