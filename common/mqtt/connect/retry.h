/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_RETRY_H
#define MQTT_CONNECT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/backoff.h"

/* When a connection that was lost, or a round that failed, is tried again; and whether that is in vain, since each
 * connection ends as soon as it is up. The zero value is ready. */
struct retry {
	struct backoff backoff;
	int in_vain;  /* connections in a row that ended so */
	bool hurried; /* no back-off any more */
};

enum { RETRY_IN_VAIN = 5 }; /* in a row are enough */

/* A connection was lost that was up for this long, in ms. `suspect`: it ended in a way that another would end, too.
 * One that is taken away again at once does not start the back-off anew. */
void retry_lost(struct retry *r, int64_t up_for, bool suspect);
/* A round failed: whoever ended the connections before, it is over. */
void retry_failed(struct retry *r);
bool retry_is_in_vain(const struct retry *r);
/* The client is about to end, and needs the connection for that. */
void retry_hurry(struct retry *r);
/* How long to wait now, in ms, as one of a fleet of so many; counts one failure more. */
int64_t retry_wait(struct retry *r, int fleet);

#endif
