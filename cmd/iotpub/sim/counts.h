/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_COUNTS_H
#define IOTPUB_SIM_COUNTS_H

#include "iotpub/outcome.h"

/* What is counted of all devices together. Devices write it, others read. The zero value is ready. */
struct counts {
	size_t up;      /* are connected now */
	size_t losses;  /* of connections */
	size_t given;   /* messages, to their sessions */
	size_t dropped; /* of these, that were unacknowledged when their session ended */
	bool full;      /* --max-queued was reached, and is not half empty again */
	struct outcome outcome; /* of the messages; its signals are the run's */
};

/* Messages given to sessions and not acknowledged. */
size_t counts_in_flight(const struct counts *c);
/* Whether these are `most` (--max-queued): no reading is made until acknowledgements arrive, however long the broker is
 * away, so that memory is bounded. Warns once, and again only after half of them have left. */
bool counts_are_full(struct counts *c, size_t most);

#endif
