/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/counts.h"

#include "base/log.h"
#include "base/text.h"

size_t
counts_in_flight(const struct counts *c)
{
	const size_t settled = c->outcome.published + c->outcome.refused + c->dropped;

	return c->given > settled ? c->given - settled : 0;
}

bool
counts_are_full(struct counts *c, size_t most)
{
	const size_t in_flight = counts_in_flight(c);

	if (in_flight >= most && !c->full)
		log_warn(P_("%zu message waits for the broker (--max-queued): readings "
			    "are left out",
			     "%zu messages wait for the broker (--max-queued): readings "
			     "are left out",
			     in_flight),
		    in_flight);
	if (in_flight >= most)
		c->full = true;
	else if (in_flight <= most / 2)
		c->full = false;
	return in_flight >= most;
}
