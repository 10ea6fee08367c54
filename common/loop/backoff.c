/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/backoff.h"

#include "base/random.h"

int64_t
backoff_window(unsigned failures, int fleet)
{
	int64_t window = failures < 6 ? BACKOFF_FIRST << failures : BACKOFF_MOST;
	int64_t least = (int64_t)fleet * BACKOFF_PER_CLIENT;

	if (window > BACKOFF_MOST)
		window = BACKOFF_MOST;
	return window < least ? least : window;
}

int64_t
backoff_next(struct backoff *b, int fleet)
{
	int64_t window = backoff_window(b->failures, fleet);

	b->failures++;
	return (int64_t)(random_number() % (uint64_t)(window + 1));
}
