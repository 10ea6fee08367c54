/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TLS_CONN_H
#define TLS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The bytes of a connected, non-blocking socket, with TLS or without. Neither fd nor SSL is its own. */
struct conn {
	int fd;
	void *ssl; /* SSL *; NULL: none */
	bool read_writes, write_reads; /* TLS wants the other direction first */
};

/* Prepares TLS for reading in blocks: several records a system call. */
void conn_open(struct conn *c, int fd, void *ssl);
/* Goes on with TLS's handshake, as the client, before anything else. 0: it is done; the enum loop_events to wait
 * for; -1: it failed: errno, or 0, and *words what OpenSSL says, or NULL. */
int conn_shake(struct conn *c, const char **words);

/* Reads as much as is there, up to `n` bytes. *drained says that nothing is left; over TLS bytes may be left
 * that no poll will tell of, so read on until it is set. 0: closed by the other side; -1: errno, EAGAIN
 * among others. */
ssize_t conn_read(struct conn *c, char *p, size_t n, bool *drained);
/* As conn_read, but what is there stays to be read; over TLS no more than the record at hand. */
ssize_t conn_peek(struct conn *c, char *p, size_t n, bool *drained);
/* Whether bytes are there, in the socket or in TLS. */
bool conn_has_bytes(const struct conn *c);
/* Writes what the socket takes; -1: errno. */
ssize_t conn_write(struct conn *c, const char *p, size_t n);
/* Says to the other side that nothing more is written: over TLS by close_notify, as far as the socket takes it, then
 * by TCP. What was written before still arrives, if the other side's bytes are read to their end before the socket
 * is closed: one with unread bytes would reset the connection. */
void conn_shut(struct conn *c);
/* The enum loop_events to wait for, for who wants to read and write. */
unsigned conn_events(const struct conn *c, bool wants_read, bool wants_write);

#endif
