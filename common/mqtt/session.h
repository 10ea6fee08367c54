/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_SESSION_H
#define MQTT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/broker_address.h"
#include "msg/message.h"
#include "loop/limiter.h"
#include "loop/loop.h"
#include "tls/tls.h"

/*
 * An MQTT client on the loop, over libmosquitto with mosquitto_threaded_set: nothing leaves before
 * the session writes it. First connect: one attempt within connect_timeout, then `ended`;
 * afterwards it reconnects for ever with capped exponential back-off and full jitter, unless `stop`.
 */
struct session_opts {
	const char *host;          /* a name, an address, or a path of a unix socket */
	int port;                  /* 0 with a unix socket */
	const char *ws_path;       /* MQTT over WebSocket, at this path; NULL: over TCP */
	bool tls;
	const char *cafile, *capath, *cert, *key; /* NULL cafile and capath: the system's */
	const char *ca_pem;        /* CA certificates as PEM text, besides or instead of files */
	const char *cert_pem, *key_pem; /* a client certificate as PEM text, instead of cert */
	const char *keypass;       /* of an encrypted key; NULL: none */
	enum tls_version tls_version;
	const char *alpn;          /* not with WebSocket, which has its own */
	bool insecure;             /* no verification; the caller has warned */
	struct tls *shared_tls;    /* of many sessions, from session_tls; NULL: its own */
	const char *client_id;     /* NULL: NAME-RANDOM, only with clean */
	const char *username, *password;
	int version;               /* 5 or 4 (3.1.1); 0: 5, and 3.1.1 when that is refused */
	int keepalive;             /* seconds (MQTT 5, 3.1.2.10, and so below) */
	bool clean;                /* Clean Start (3.1.2.4) */
	int64_t session_expiry;    /* seconds, MQTT 5 and not clean (3.1.2.11.2) */
	int receive_maximum;       /* MQTT 5: unacknowledged messages at a time; 0: 1000 (3.1.2.11.3) */
	uint32_t max_packet;       /* bytes of a packet that are taken whole; 0: 1 MiB */
	bool announce_max_packet;  /* MQTT 5: tell the broker, which drops larger ones silently (3.1.2.11.4) */
	int64_t connect_timeout;   /* ms, DNS to CONNACK */
	bool retry;                /* go on trying from the start */
	bool hand_over;            /* the connection is for another user: events.handed_over */
	bool hold_acks;            /* acknowledgements wait for session_release_acks */
	const char *will_topic;    /* NULL: no will (3.1.2.5) */
	struct span will_payload;
	int will_qos;
	bool will_retain;
	int fleet;                 /* how many sessions back off alike; 0 is 1 */
	struct limiter *limiter;   /* their connects pass through it; NULL: none */
	bool lean;                 /* one descriptor instead of three: for a process that opens no
				    * descriptors in other threads but session's own */
};

/* Sets where to connect to, but for the login; its CA certificates only where no file is named. `o` points
 * into `a`. */
void session_opts_reach(struct session_opts *o, const struct broker_address *a);

enum { SESSION_RECEIVE_MAXIMUM = 1000, SESSION_MAX_PACKET = 1 << 20 };

struct session;

/* A connection behind its CONNACK, handed over: fd and SSL stay the session's, but only their new user
 * reads and writes, until session_lost, session_failed or session_stop. */
struct session_link {
	int fd;
	void *ssl;      /* SSL *, or NULL */
	const char *client_id;
	int version;    /* 5 or 4 */
	int keepalive;  /* seconds; the broker may have set it */
	bool session_present; /* 3.2.2.1.1 */
};

/* All called on the loop's thread, any may be NULL. Errors are ready to be shown: they name the
 * broker, the stage (DNS, TCP, TLS, CONNACK, SUBACK) and the reason. */
struct session_events {
	/* CONNACK accepted. */
	void (*up)(void *arg, bool session_present);
	/* With opts.hand_over, in the place of `up`, from inside libmosquitto: reads and writes come later. */
	void (*handed_over)(void *arg, const struct session_link *link);
	/* The connection was lost; it reconnects by itself. Told once for each outage. */
	void (*down)(void *arg, const struct err *why);
	/* It is over and will not come back: the first connect failed, the refusal is final, or
	 * (why->code 0) session_stop is complete. */
	void (*ended)(void *arg, const struct err *why);
	/* A message; spans live during the call. With hold_acks its acknowledgement waits. */
	void (*message)(void *arg, const struct msg *m);
	/* QoS 1/2: acknowledged by the broker; QoS 0: written. `reason` >= 128: refused, or, at
	 * QoS 0, lost with the connection. */
	void (*published)(void *arg, int id, int reason);
	/* Answer for one filter of one session_subscribe; why->code 0: granted `qos`. */
	void (*subscribed)(void *arg, const char *filter, int qos, const struct err *why);
};

/* The TLS context of these options, for many sessions to the same broker with the same certificate: one
 * context with the system's CAs takes 780 KB. The caller's to tls_free (tls/tls.h). */
int session_tls(struct tls **out, const struct session_opts *opts, struct err *err);

/* Copies what it needs. `opts->client_id` must have passed topic_check_id or be NULL. A lean session is
 * so only when no host is being looked up at the moment: a fleet makes its sessions before it starts
 * them. */
struct session *session_new(struct loop *loop, const struct session_opts *opts,
    const struct session_events *events, void *arg, struct err *err);
/* Starts connecting; failures come through `ended`. */
void session_start(struct session *s);
/* Finishes: what was published is acknowledged or `timeout` ms pass, DISCONNECT, then `ended`
 * with code 0 (or ERR_TIMEOUT when something stayed unacknowledged). */
void session_stop(struct session *s, int64_t timeout);
/* Drops everything now. Accepts NULL. Not from inside one of its own callbacks but `ended`. */
void session_free(struct session *s);

/* Whether CONNACK has come, and nothing has ended the connection since. */
bool session_is_up(const struct session *s);
/* The MQTT version of the connection that is up: 5 or 4. */
int session_version(const struct session *s);
/* "mqtt://host:port" or the like, for messages. */
const char *session_broker(const struct session *s);

/* Subscribes now if up, and again after each reconnect whose session is not present. */
int session_subscribe(struct session *s, const char *filter, int qos, bool no_local,
    struct err *err);

struct session_pub {
	const char *topic;
	struct span payload;
	int qos;
	bool retain;
	const struct msg_props *props; /* NULL: none; ignored on 3.1.1 */
};
/* Queues a publication. While offline QoS 1/2 are kept and sent after the reconnect, QoS 0 is
 * refused (ERR_UNREACHABLE). *id names it in `published`. */
int session_publish(struct session *s, const struct session_pub *p, int *id, struct err *err);
/* QoS 1/2 publications not yet acknowledged. */
size_t session_unacknowledged(const struct session *s);

/* Stops and resumes reading from the socket; pings go on. */
void session_pause(struct session *s, bool paused);
/* Stops and resumes reading at the next message (PUBLISH), which stays unread: pings and publications go on,
 * these until the broker's limit of unacknowledged ones when their acknowledgements are behind it. What
 * was begun to be read, and over TLS what is in the same record, still comes. */
void session_pause_messages(struct session *s, bool paused);
/* hold_acks: lets go of every acknowledgement held so far. The only moment they are written. */
void session_release_acks(struct session *s);

/* A connection that was handed over is over; its user watches it no more. The socket failed with this errno, 0:
 * it was closed. */
void session_lost(struct session *s, int number);
/* As session_lost, by a DISCONNECT of the broker with `reason` (128 or more), or because of `why`. */
void session_failed(struct session *s, int reason, const struct err *why);

#endif
