/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_BUSY_POLL_H
#define LOOP_BUSY_POLL_H

#include <stdbool.h>

/*
 * A short wait without sleep, for an answer that is on its way. To fall asleep and be woken costs two
 * processes on one virtual machine about 25 us each way and as much CPU as to stay awake so long: a round
 * trip over loopback takes 75 us with sleep, 25 us with a waiter who stays awake, at 30 and 25 us of CPU
 * (measured). After a wait in vain the next calls return at once: one, and twice as many after each further
 * one, up to BUSY_POLL_PAUSE_MOST. The zero value is ready.
 */
enum { BUSY_POLL_US = 50, BUSY_POLL_PAUSE_MOST = 1024 };

struct busy_poll {
	unsigned pause; /* calls that are left out after the last wait in vain */
	unsigned skip;  /* of these, still to come */
};

/* Whether fd, which stays the caller's, becomes readable or is hung up; blocks for BUSY_POLL_US at most.
 * False at once while calls are left out, and where the thread has one processor only, which the other
 * side needs. */
bool busy_poll_until_readable(struct busy_poll *s, int fd);

#endif
