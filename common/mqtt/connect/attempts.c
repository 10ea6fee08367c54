/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/attempts.h"

#include <stdlib.h>

#include "base/mem.h"

void
attempts_begin(struct attempts *a)
{
	a->furthest = ATTEMPTS_REACH_NOTHING;
	a->all_final = true;
	if (a->worst != NULL)
		*a->worst = (struct err){0};
}

static bool
has_worst(const struct attempts *a)
{
	return a->worst != NULL && a->worst->code != ERR_OK;
}

void
attempts_failed(struct attempts *a, const struct err *why, bool only)
{
	a->all_final &= a->reach == ATTEMPTS_REACH_END;
	if (only || (has_worst(a) && a->reach <= a->furthest))
		return;
	if (a->worst == NULL)
		a->worst = xcalloc(1, sizeof(*a->worst));
	*a->worst = *why;
	a->furthest = a->reach;
}

bool
attempts_end(struct attempts *a, struct err *why)
{
	if (has_worst(a)) {
		*why = *a->worst;
		*a->worst = (struct err){0};
	}
	return a->all_final;
}

void
attempts_release(struct attempts *a)
{
	free(a->worst);
	*a = (struct attempts){0};
}
