/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_CONNECTOR_H
#define MQTT_CONNECT_CONNECTOR_H

#include "loop/limiter.h"
#include "loop/loop.h"
#include "loop/resolve.h"
#include "mqtt/connect/attempts.h"
#include "mqtt/connect/brokers.h"
#include "mqtt/connect/candidates.h"
#include "mqtt/connect/deadline.h"
#include "mqtt/connect/retry.h"

/*
 * The life of a client's connection, from the first attempt over each reconnect to the end. What is spoken on the
 * socket is its user's: a session (libmosquitto) or a consumer (a receiver). First connect: one round within
 * connect_timeout, then `ended`; afterwards it reconnects for ever with capped exponential back-off and full
 * jitter, unless the refusal is final. All on the loop's thread; nothing blocks.
 *
 * A round tries each address of each broker until one accepts. It fails when all did.
 *
 *	connector       what leads from one state to the next; the timer, the socket while it is not its user's
 *	candidates      which broker and which address is tried next
 *	deadline        how long that may take, from TCP to CONNACK
 *	attempts        what the round failed for, and whether that is final
 *	retry           when the next round begins
 *	connect_error   the words for what went wrong
 *	brokers         where they are, and the dial of each: TLS context or WebSocket proxy
 */

/* connector.c has the table of what leads from one to the next. */
enum connector_state {
	CONNECTOR_IDLE,
	CONNECTOR_ADMITTING,     /* the limiter lets others through first */
	CONNECTOR_RESOLVING,     /* the host's name */
	CONNECTOR_QUEUING,       /* a unix socket takes no more connections at the moment */
	CONNECTOR_DIALING,       /* until TCP is connected, or the proxy has said so */
	CONNECTOR_HANDSHAKING,   /* TLS, CONNECT, until CONNACK */
	CONNECTOR_UP,
	CONNECTOR_DISCONNECTING, /* DISCONNECT is sent, until the broker has read it */
	CONNECTOR_WAITING,       /* for the next attempt */
	CONNECTOR_ENDED,
	CONNECTOR_STATES
};

enum connector_event {
	CONNECTOR_START,
	CONNECTOR_ADMITTED,
	CONNECTOR_RESOLVED,
	CONNECTOR_UNRESOLVED,
	CONNECTOR_CONNECTED,
	CONNECTOR_ACCEPTED, /* CONNACK */
	CONNECTOR_LOST,     /* connector_error, or `reason`, says why */
	CONNECTOR_TIMER,
	CONNECTOR_FINISH,   /* nothing is left to do: DISCONNECT, then `ended` without an error */
	CONNECTOR_EVENTS
};

/* What its user does. All but `down` and `ended` are called from inside of connector_step. */
struct connector_ops {
	/* Begins to connect to the numeric address, or to the path, that dial_begin gave. 1: the queue of the
	 * unix socket is full (TCP would wait by itself); -1: connector_error. A socket of an attempt before
	 * is its user's to close, now at the latest. */
	int (*dial)(void *arg, const char *peer);
	/* The socket; -1: none. */
	int (*fd)(const void *arg);
	/* It is ready, while HANDSHAKING or UP. */
	void (*ready)(void *arg, unsigned events);
	/* CONNACK refused, for connector's `reason`, or (0) none came: true when the same address is to be tried
	 * at once, with MQTT 3.1.1. */
	bool (*downgrade)(void *arg);
	/* Writes DISCONNECT, whole, and says that nothing more comes (conn_shut); -1: the socket takes none now. */
	int (*part)(void *arg);
	/* It is UP. */
	void (*up)(void *arg);
	/* It was UP, and is not any more. */
	void (*lost)(void *arg);
	/* The socket is not watched any more, and shut down next: timers of the connection end. */
	void (*hang_up)(void *arg);
	/* It was lost, or the first round failed, and is tried again; told once more for each new reason why that
	 * fails. `ended`: as struct session_events' (mqtt/session.h). */
	void (*down)(void *arg, const struct err *why);
	void (*ended)(void *arg, const struct err *why);
};

/* What of its options is asked behind the opening: each of ten thousand has its own. */
struct connector_opts {
	struct limiter *limiter;
	int64_t session_expiry, connect_timeout;
	int version, keepalive, fleet;
	uint32_t max_packet;
	bool tls, clean, hold_acks, retry, begin_anywhere;
	bool id, username, password, will; /* whether one was given */
};

struct connector {
	/* What it was made with. */
	struct loop *loop;
	struct connector_opts opts;
	const struct connector_ops *ops;
	void *arg;
	char *id;

	struct broker broker;       /* the present one, or the next */
	struct err *error;          /* connector_error */
	enum connector_state state; /* connector.c alone sets it */

	/* Of the present connection, or of the next one: set by its user. */
	int version;               /* 5 or 4 */
	int reason;                /* of CONNACK, or of the broker's DISCONNECT */
	bool partial;              /* a part of CONNACK is there, and no more comes */
	bool closed_without_words; /* the last one, by the broker */
	bool merely_closed;        /* likewise, or with what we sent half read, which resets it */
	struct loop_fd watch;      /* of the socket; what is waited for is its user's while HANDSHAKING or UP */

	struct attempts attempts; /* how far the present one has got is for others to read */

	/* connector.c's own. */
	struct brokers brokers;
	struct limiter_pass pass;
	struct resolve *lookup;
	struct candidates candidates;
	struct deadline deadline;
	struct retry retry;
	bool was_up, told_down;
	bool parted;             /* DISCONNECT is written */
	uint64_t told;           /* hash of the reason that was told last */
	int64_t up_since;        /* loop_now */
	struct loop_timer timer; /* of the state */
};

/* Copies what it needs. -1: err (ERR_USAGE). `opts->client_id` must have passed topic_check_id or be NULL. */
int connector_open(struct connector *c, struct loop *loop, const struct session_opts *opts,
    const struct connector_ops *ops, void *arg, struct err *err);
/* The numeric address, or path, of the connection or of the attempt; "" before there was one. */
const char *connector_address(const struct connector *c);
struct broker_where connector_where(const struct connector *c);
/* Drops the connection, or the attempt, without a word; no event comes any more. The socket stays its user's to
 * close, before connector_close. The zero value is fine for both. */
void connector_hang_up(struct connector *c);
void connector_close(struct connector *c);

/* Takes the action of the table; the state may be any other one afterwards. */
void connector_step(struct connector *c, enum connector_event e);
/* Its user is to end, and something of its own waits for a connection: no back-off any more, but an attempt now and
 * about each second, until CONNECTOR_FINISH or connector_give_up. */
void connector_hurry(struct connector *c);
/* Ends with connector_error as it is. `politely`: with DISCONNECT when it is up. */
void connector_give_up(struct connector *c, bool politely);

/* What went wrong last, to be set or told; made when it is asked for: few of many sessions need it. */
struct err *connector_error(struct connector *c);
void connector_error_clear(struct connector *c);
/* Says in connector_error why a socket failed: this errno, 0: it was closed. `in_tls`: surely in the middle of the
 * TLS handshake. */
void connector_failed(struct connector *c, int number, bool in_tls);
/* Says there what TLS knows of a loss; false when it knows nothing. */
bool connector_explain(struct connector *c, bool in_tls);

#endif
