/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/retry.h"

enum {
	STABLE = 10000,    /* ms up after which back-off begins anew */
	LOOK_TIME = 50,    /* ms until it is seen whether a broker is there at all */
	HURRY_TIME = 1000, /* ms between attempts of who is about to end */
};

void
retry_lost(struct retry *r, int64_t up_for, bool suspect)
{
	const bool stable = up_for > STABLE;

	r->in_vain = suspect && !stable ? r->in_vain + 1 : 0;
	if (stable)
		r->backoff = (struct backoff){0};
}

void
retry_failed(struct retry *r)
{
	r->in_vain = 0;
}

bool
retry_is_in_vain(const struct retry *r)
{
	return r->in_vain >= RETRY_IN_VAIN;
}

void
retry_hurry(struct retry *r)
{
	r->hurried = true;
}

int64_t
retry_wait(struct retry *r, int fleet)
{
	if (r->hurried)
		return HURRY_TIME;
	return retry_is_in_vain(r) ? LOOK_TIME : backoff_next(&r->backoff, fleet);
}
