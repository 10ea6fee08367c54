/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_BENCH_FEED_H
#define TESTS_BENCH_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "payloads.h"

/*
 * A fake broker that is also the reader of its subscriber's lines: it sees every acknowledgement
 * and every line, so it can say which came first. One connection, one thread, no real broker's
 * queue; times are nanoseconds of CLOCK_MONOTONIC.
 */
enum feed_tls { TLS_NONE, TLS_FULL, TLS_PACKET };

struct feed_opts {
	int messages, qos, window, rate, lines, tls, big, from;
	int64_t stall, kill_after, idle, limit; /* ms; 0: no */
	bool count, eager, session;
	char *cert, *key, *out, *found, *state, *payload_name;
	const struct payload_kind *payload;
	int ask;
};

/* Where a message stands. HANDED: PUBREC was seen, so that the subscriber answers for it. */
enum feed_state { FEED_NEW, FEED_SENT, FEED_HANDED, FEED_DONE };

/* What is known of each message, and the sums. */
struct ledger {
	size_t n;
	unsigned char *state; /* enum feed_state */
	unsigned char *seen;  /* lines found, at most 255; `whole` have all of theirs */
	int64_t *sent;        /* when, with `rate`; else NULL */
	uint32_t *fresh;      /* handed since the last judgement */
	size_t fresh_n;
	size_t handed, done, whole, lines, odd, dup, early;
	uint32_t *latency; /* microseconds, one a message, with `rate` */
	size_t latencies;
	int64_t first, last; /* the first PUBLISH, or acknowledgement `from`; the last line or acknowledgement */
};

/* The subscriber's output: a pipe, or a file that is looked into. */
struct lines {
	const struct feed_opts *o;
	struct ledger *l;
	const char *found; /* the file; NULL: the pipe */
	int fd;
	bool pipe, ended;
	struct buf rest; /* a line that is not whole yet */
};

struct wire;

int64_t feed_now(void);
_Noreturn void feed_die(const char *what);

/* Reads what is there, a pipe at most as much as it holds now: what comes later is no witness. */
void lines_drain(struct lines *r);
/* Counts the fresh acknowledgements that came before their line. */
void lines_judge(struct lines *r);

/* Listens on a free loopback port. What it points to must outlive it. */
struct wire *wire_new(const struct feed_opts *o, struct ledger *l, int *port);
void wire_free(struct wire *w);
int wire_listener(const struct wire *w);
/* -1: nobody is connected. */
int session_wire_fd(const struct wire *w);
bool session_wire_wants_write(const struct wire *w);
bool wire_subscribed(const struct wire *w);
/* When the next message is due with `rate`; 0: none waits for the clock. */
int64_t wire_due(const struct wire *w);
void wire_accept(struct wire *w);
void session_wire_read(struct wire *w);
void session_wire_write(struct wire *w);
/* Closes a connection whose keepalive ran out, as a broker must. */
void wire_check_keepalive(struct wire *w);
bool wire_all_sent(const struct wire *w);
void wire_sums(const struct wire *w, size_t *pings, size_t *drops, size_t *connects);

#endif
