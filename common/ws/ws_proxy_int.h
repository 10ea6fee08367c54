/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WS_WS_PROXY_INT_H
#define WS_WS_PROXY_INT_H

#include <stdbool.h>

#include "ws/ws_proxy.h"

/*
 * What the parts of the proxy share; for ws_proxy*.c only.
 *
 *	ws_proxy.c        the parent: starts the child, notices its end
 *	ws_proxy_main.c   the child: its process
 *	ws_proxy_proto.c  both: what one tells the other
 *	ws_proxy_unix.c   the child: the programs' ends (unix sockets), with an epoll of its own
 *	ws_proxy_child.c  the child: the brokers' ends (libwebsockets, which waits for both: the epoll is one
 *	                  file more to it)
 *
 * The child is one thread. A program connects and sends a request: its length in four bytes of this machine's
 * order, then texts, each ended by a NUL (the address, then the target: host, port, path, TLS). The child
 * connects, does TLS and the WebSocket handshake (RFC 6455, 4.1), and answers with one letter: O, and from then on
 * every byte goes through in both directions, as binary frames on the broker's side; or A or R, then a text why
 * up to the end. So a pipe is: request -> connecting -> open -> one end gone (what is on its way still goes
 * through) -> freed. The two sockets between parent and child: `link`, which tells each that the other is dead.
 */

enum {
	WS_PROXY_REQUEST_MOST = 1 << 20, /* bytes */
	/* The child's descriptors: its socket for programs, and the one that tells of the other's end. */
	WS_PROXY_LISTENER = 3,
	WS_PROXY_LINK = 4,
};

/* What was asked, pointing into the bytes that were read. */
struct ws_proxy_request {
	const char *address;
	const char *host, *path;
	int port;
	bool uses_tls;
	struct tls_opts tls;
	struct span target; /* the same for all connections to one broker */
};

/* How many more bytes of the request there are, never fewer than can be known from `in`; -1: it is none. */
long ws_proxy_request_missing(struct span in);
/* Takes a whole request apart; `in` must stay. -1: it is none. */
int ws_proxy_request_read(struct span in, struct ws_proxy_request *out);
/* Writes the answer; `why` only for the last two. Does not block. */
void ws_proxy_answer_write(int fd, enum ws_proxy_answer answer, const struct err *why);

/* The programs' side: an epoll of its own, readable when ws_proxy_side_serve has something to do. */
struct ws_proxy_side {
	int epoll, listener, parent;
	bool over; /* the parent is gone */
	void *owner;
};

struct ws_proxy_target;
struct lws;

/* One connection. It is freed when both its ends are gone. */
struct ws_proxy_pipe {
	struct ws_proxy_side *side;
	struct ws_proxy_target *target; /* NULL until the request is read */
	int fd;                         /* the program's end; -1: closed */
	struct lws *ws;                 /* the broker's; NULL: not yet, or gone */
	struct buf in;    /* the request; then what the program does not take yet */
	char address[64]; /* the broker's */
	int port;
	bool connecting, open;
	bool wanted; /* the broker asked for a certificate that there is not */
	bool shook;  /* TCP, and TLS, are there: the WebSocket handshake began */
	bool told;   /* the answer is given */
	bool ended;  /* the program writes no more, and waits for the broker's close */
	bool hungup; /* the program has closed its end; it is not watched any more */
};

/* ws_proxy_unix.c */
int ws_proxy_side_open(struct ws_proxy_side *side);
void ws_proxy_side_serve(struct ws_proxy_side *side);
/* Waits for more from the program, and for its taking what is kept for it; idle: only for the
 * latter. */
void ws_proxy_pipe_watch(struct ws_proxy_pipe *p, bool idle);
void ws_proxy_pipe_hand_over(struct ws_proxy_pipe *p, const void *bytes, size_t n);
/* Closes the program's end, and then the broker's. */
void ws_proxy_pipe_close(struct ws_proxy_pipe *p);
void ws_proxy_pipe_free_if_over(struct ws_proxy_pipe *p);

/* ws_proxy_child.c: the broker's end of a pipe, which is there but for ws_proxy_broker_connect. */
/* The request is read: looks for the broker. */
void ws_proxy_broker_connect(struct ws_proxy_pipe *p);
void ws_proxy_broker_send_soon(struct ws_proxy_pipe *p);
/* As ws_proxy_broker_send_soon, for the last time: a broker that takes nothing is given up. */
void ws_proxy_broker_finish(struct ws_proxy_pipe *p);
/* Whether more is read from the broker. */
void ws_proxy_broker_read(struct ws_proxy_pipe *p, bool more);
void ws_proxy_broker_kill(struct ws_proxy_pipe *p);

/* The child's work, until `parent` is closed at its other end. */
void ws_proxy_serve(int listener, int parent);

#endif
