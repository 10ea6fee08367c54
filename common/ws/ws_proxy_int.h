/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WS_WS_PROXY_INT_H
#define WS_WS_PROXY_INT_H

#include <stdbool.h>

#include "ws/ws_proxy.h"

/*
 * What the parts of the relay share; for relay*.c only.
 *
 *	ws_proxy_child.c       the child: libwebsockets, the brokers' side
 *	ws_proxy_unix.c   the child: the programs' side
 *	ws_proxy_child.c  the child: what went wrong, in words
 *	ws_proxy.c   the parent: starts it, notices its end
 *	ws_proxy_proto.c    what one tells the other
 */

enum { WS_PROXY_ASK_MOST = 1 << 20 }; /* bytes */

/* What was asked, pointing into the bytes that were read. */
struct ws_proxy_asked {
	const char *address;
	const char *host, *path;
	int port;
	bool uses_tls;
	struct tls_opts tls;
	struct span target; /* the same for all connections to one broker */
};

/* How many more bytes of the question there are, never fewer than can be known from `in`; -1: it is
 * none. */
long ws_proxy_ask_missing(struct span in);
/* Takes a whole question apart; `in` must stay. -1: it is none. */
int ws_proxy_ask_read(struct span in, struct ws_proxy_asked *out);
/* The answer; `why` only for the last two. */
void ws_proxy_answer_write(int fd, enum ws_proxy_answer answer, const struct err *why);

/* ws_proxy_child.c: what libwebsockets says, and the HTTP status of the broker's answer, 0 if none. */
void ws_proxy_explain(const char *words, int status, struct err *why);
/* Why there is no TCP connection to this address: looks again. */
void ws_proxy_explain_tcp(const char *address, int port, struct err *why);

/* The programs' side: an epoll of its own, readable when pipe_serve has something to do. */
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
	struct ws_proxy_target *target; /* NULL until the question is read */
	int fd;                      /* the program's end; -1: closed */
	struct lws *ws;              /* the broker's; NULL: not yet, or gone */
	struct buf in; /* the question; then what the program does not take yet */
	char address[64]; /* the broker's */
	int port;
	bool connecting, open;
	bool wanted; /* the broker asked for a certificate that there is not */
	bool told;   /* the answer is given */
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

/* ws_proxy_child.c: the broker's end of a pipe, which is there but for ws_proxy_broker_ask. */
/* The question is read: looks for the broker. */
void ws_proxy_broker_ask(struct ws_proxy_pipe *p);
void ws_proxy_broker_send_soon(struct ws_proxy_pipe *p);
/* As ws_proxy_broker_send_soon, for the last time: a broker that takes nothing is given up. */
void ws_proxy_broker_finish(struct ws_proxy_pipe *p);
void ws_proxy_broker_take(struct ws_proxy_pipe *p, bool more);
void ws_proxy_broker_kill(struct ws_proxy_pipe *p);

/* The child's work, until `parent` is closed at its other end. */
void ws_proxy_serve(int listener, int parent);

#endif
