/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_BUSY_POLL_H
#define LOOP_BUSY_POLL_H

#include <stdbool.h>

/*
 * A short wait without sleep, for an answer that is on its way. To fall asleep and be woken costs two
 * processes on one virtual machine about 25 us each way and as much CPU as to stay awake so long: a round
 * trip over loopback takes 75 us with sleep, 25 us with a waiter who stays awake, at 30 and 25 us of CPU
 * (measured). Who waits in vain soon gives up: twice as many answers are slept for after each time, up
 * to BUSY_POLL_PAUSE_MOST. The zero value is ready.
 */
enum { BUSY_POLL_US = 50, BUSY_POLL_PAUSE_MOST = 1024 };

struct busy_poll {
	unsigned pause, skip;
};

/* Whether fd has something to read (or is over) by then; blocks for BUSY_POLL_US at most. False at once when it
 * would be in vain: see above, and where there is one processor only, which the other side needs. */
bool busy_poll_until_readable(struct busy_poll *s, int fd);

#endif
