/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_SPIN_H
#define NET_SPIN_H

#include <stdbool.h>

/*
 * A short wait without sleep, for an answer that is on its way. To fall asleep and be woken costs two
 * processes on one virtual machine about 25 us each way and as much CPU as to stay awake so long: a round
 * trip over loopback takes 75 us with sleep, 25 us with a waiter who stays awake, at 30 and 25 us of CPU
 * (measured). Who waits in vain soon gives up: twice as many answers are slept for after each time, up
 * to SPIN_PAUSE_MOST. The zero value is ready.
 */
enum { SPIN_US = 50, SPIN_PAUSE_MOST = 1024 };

struct spin {
	unsigned pause, skip;
};

/* Whether fd has something to read (or is over) by then; blocks for SPIN_US at most. False at once when it
 * would be in vain: see above, and where there is one processor only, which the other side needs. */
bool spin_until_readable(struct spin *s, int fd);

#endif
