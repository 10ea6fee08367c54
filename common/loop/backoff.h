/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_BACKOFF_H
#define LOOP_BACKOFF_H

#include <stdint.h>

/* How long to wait before the next attempt: exponential, capped, with full jitter, so that clients
 * that lost the same broker do not come back together. The zero value is ready. */
struct backoff {
	unsigned failures;
};

enum { BACKOFF_FIRST = 1000, BACKOFF_MOST = 60000, BACKOFF_PER_CLIENT = 10 };

/* The window after that many failures, in ms: it doubles up to BACKOFF_MOST, and for a fleet of
 * `fleet` clients it is never under BACKOFF_PER_CLIENT each (100 attempts a second). */
int64_t backoff_window(unsigned failures, int fleet);
/* A random wait within the window, in ms, and one failure more. */
int64_t backoff_next(struct backoff *b, int fleet);

#endif
