/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WS_WS_PROXY_H
#define WS_WS_PROXY_H

#include "base/buf.h"
#include "base/err.h"
#include "tls/tls.h"

/*
 * MQTT over WebSocket, which libmosquitto 2.0 does not speak: one child of this process has
 * libwebsockets, and its end of TLS. Whoever wants a connection
 *
 *	1. connects to ws_proxy_path, a unix socket in a directory of mode 0700
 *	2. asks on it for a broker: ws_proxy_ask with what ws_proxy_target made
 *	3. waits until it is readable and looks at ws_proxy_answer
 *	4. after WS_PROXY_OPEN reads and writes as if the broker were at its other end
 *
 * The child is this program again, by the name WS_PROXY_NAME, for which its main has to look (struct program does it
 * for ours). It ends with its parent, also when that is killed; it takes no signal that is meant for the parent, and
 * has no variable IOT_*. Between the two ends it holds a few KB at most: whoever does not read is not read for.
 */

#define WS_PROXY_NAME "iot-relay"

/* What the child does, from its first moment until the parent is gone. Blocks. */
void ws_proxy_run(void);

/* Starts the child for the first holder; each calls ws_proxy_release, the last one ends it and waits for it. From any
 * thread, as ws_proxy_path. */
int ws_proxy_hold(struct err *err);
void ws_proxy_release(void);
/* Where to connect to (free); starts a child that has died again, or says why it cannot: NULL. */
char *ws_proxy_path(struct err *err);

/* Appends what ws_proxy_ask sends, without the address. tls->host, and the host that is asked for, is
 * `host`; NULL tls: ws, else wss. */
void ws_proxy_target(struct buf *out, const char *host, int port, const char *path,
    const struct tls_opts *tls);
/* Asks on a new connection for the broker at a numeric address. Does not block. */
int ws_proxy_ask(int fd, const char *address, struct span target, struct err *err);

enum ws_proxy_answer {
	WS_PROXY_WAIT,    /* not yet */
	WS_PROXY_OPEN,    /* the broker is at the other end */
	WS_PROXY_ABSENT,  /* no connection to this address: err says why */
	WS_PROXY_REFUSED, /* TLS or WebSocket failed: no other address would do better */
};
/* When `fd` is readable. Does not block. */
enum ws_proxy_answer ws_proxy_answer(int fd, struct err *err);

#endif
