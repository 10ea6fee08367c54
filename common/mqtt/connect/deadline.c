/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/deadline.h"

void
deadline_begin(struct deadline *d, int64_t now, int64_t timeout)
{
	d->round = now + timeout;
}

int64_t
deadline_share(struct deadline *d, int64_t now, size_t n)
{
	const int64_t left = d->round > now ? d->round - now : 0;

	d->share = left / (int64_t)n;
	d->attempt = now + d->share;
	return d->share;
}

int64_t
deadline_left(const struct deadline *d, int64_t now)
{
	return d->attempt - now;
}

bool
deadline_is_over(const struct deadline *d, int64_t now)
{
	return now >= d->round;
}

double
deadline_seconds(const struct deadline *d)
{
	return (double)((d->share + 50) / 100) / 10;
}
