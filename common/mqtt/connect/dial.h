/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_DIAL_H
#define MQTT_CONNECT_DIAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "mqtt/session_opts.h"
#include "ws/ws_proxy.h"

/* The way to one broker: its TLS context or the WebSocket proxy, and the words for what fails on it, stage by
 * stage. It owns no socket; nothing blocks. The zero value is one that was closed. */
struct dial {
	struct tls *tls;      /* NULL: none, or the proxy has it */
	struct buf ws_target; /* what the proxy is asked for */
	char *ws_path;        /* where, since the last attempt; or NULL */
	char *words;          /* OpenSSL's, of a failed handshake, or NULL */
	bool ws;
	bool has_cert;   /* a client certificate of ours */
	bool cert_asked; /* for one that we do not have */
};

/* Keeps nothing of the options. Wrong certificates are told here (ERR_USAGE), before anybody connects. */
int dial_open(struct dial *d, const struct session_opts *opts, struct err *err);
/* Every connection is gone. */
void dial_close(struct dial *d);

/* A new attempt: forgets what was noted, and reads the files of TLS again when they changed (tls_refresh), so that
 * tls_context may be another one than before. Returns what to connect to in order to reach the numeric address, or the
 * unix socket: that itself, or the proxy's socket, which is the dial's until the next attempt; NULL: err. */
const char *dial_begin(struct dial *d, const char *address, struct err *err);
/* A new non-blocking socket on its way to that, closed on exec; -1: errno. */
int dial_socket(const char *peer, int port);
/* Asks the proxy on a new connection for the broker; without a proxy there is nothing to ask. */
int dial_ask(struct dial *d, int fd, const char *address, struct err *err);

/* The errno of a TCP connection that was begun; 0: it stands. */
int dial_errno(int fd);

/* After each call of OpenSSL: notes whether the broker asked for a certificate. */
void dial_note(struct dial *d);
/* OpenSSL's words about a failed handshake. */
void dial_note_words(struct dial *d, const char *words);

/* How far a connection was that is lost. */
enum dial_stage {
	DIAL_BEFORE,  /* not even connected */
	DIAL_SHAKING, /* until CONNACK */
	DIAL_UP,
};
/* Sets what TLS knows of a loss; false when it knows nothing. `in_tls`: it surely was TLS's handshake. */
bool dial_explain(struct dial *d, enum dial_stage stage, bool in_tls, struct err *err);

#endif
