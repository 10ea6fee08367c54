/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_BACKOFF_H
#define LOOP_BACKOFF_H

#include <stdint.h>

/* How long to wait before the next attempt: exponential, capped, with full jitter, so that clients
 * that lost the same broker do not come back together. The zero value is ready, and is set again after a
 * success. */
struct backoff {
	unsigned failures; /* in a row */
};

enum { BACKOFF_FIRST = 1000, BACKOFF_MOST = 60000, BACKOFF_PER_CLIENT = 10 }; /* ms */

/* The longest wait after that many failures, in ms: BACKOFF_FIRST, doubled by each failure up to
 * BACKOFF_MOST; for a fleet of `fleet` clients at least BACKOFF_PER_CLIENT each (100 attempts a second). */
int64_t backoff_window(unsigned failures, int fleet);
/* A random wait from 0 to the window, in ms; counts one failure more. */
int64_t backoff_next(struct backoff *b, int fleet);

#endif
