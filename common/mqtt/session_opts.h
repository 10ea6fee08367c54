/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_SESSION_OPTS_H
#define MQTT_SESSION_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/limiter.h"
#include "model/broker_address.h"
#include "tls/tls.h"

/* How to connect to a broker, for a session (mqtt/session.h) or a consumer (mqtt/consumer.h). */
struct session_opts {
	const char *host;          /* a name, an address, or a path of a unix socket */
	const struct broker_address *others; /* brokers with the same protocol and logins, one as good as
				    * the other: tried in turn; only host, port and ws_path count */
	size_t others_n;
	bool begin_anywhere;       /* at any of them, for members of a group; else at `host` */
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
	struct tls *shared_tls;    /* of many sessions, from session_opts_tls; NULL: its own */
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
	bool hold_acks;            /* acknowledgements wait for session_release_acks */
	const char *will_topic;    /* NULL: no will (3.1.2.5) */
	struct span will_payload;
	int will_qos;
	bool will_retain;
	int fleet;                 /* how many sessions back off alike; 0 is 1 */
	struct limiter *limiter;      /* their connects pass through it; NULL: none */
	bool lean;                 /* one descriptor instead of three: for a process that opens no
				    * descriptors in other threads but session's own */
};

/* Where a connection goes, for messages: "'HOST:PORT'", and " at ADDRESS" where that does not say it. */
struct broker_where {
	char text[400]; /* a host's name has 255 bytes at most, and what is longer fails as such */
};

enum { SESSION_RECEIVE_MAXIMUM = 1000, SESSION_MAX_PACKET = 1 << 20 };

/* The options for the i-th broker alone, from 0 on; `shared_tls` stays that of the first. */
struct session_opts session_opts_at(const struct session_opts *o, size_t i);
/* Sets where to connect to, one broker, but for the login; its CA certificates only where no file is named. `o` points
 * into `a`. */
void session_opts_reach(struct session_opts *o, const struct broker_address *a);

/* The TLS context of these options, for many sessions to the same broker with the same certificate: one
 * context with the system's CAs takes 780 KB. The caller's to tls_free (tls/tls.h). */
int session_opts_tls(struct tls **out, const struct session_opts *opts, struct err *err);
/* What it is made from; the strings stay theirs. */
struct tls_opts session_opts_for_tls(const struct session_opts *opts);

#endif
