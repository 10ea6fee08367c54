/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_ATTEMPTS_H
#define MQTT_CONNECT_ATTEMPTS_H

#include <stdbool.h>

#include "base/err.h"

/* How far the attempts of a round have got, and so what the round failed for: what got furthest, the first of
 * them where several did. It is final when each was refused for good. */

enum attempts_reach {
	ATTEMPTS_REACH_NOTHING, /* no way there */
	ATTEMPTS_REACH_NAME,    /* not looked up */
	ATTEMPTS_REACH_HOST,    /* no TCP connection */
	ATTEMPTS_REACH_SERVER,  /* connected, and no CONNACK */
	ATTEMPTS_REACH_BROKER,  /* refused */
	ATTEMPTS_REACH_END,     /* refused for good */
};

/* The zero value is ready. */
struct attempts {
	enum attempts_reach reach; /* of the present one: its owner sets it */
	enum attempts_reach furthest;
	struct err *worst; /* why that one failed; made when there is more than one: few need it */
	bool all_final;
};

void attempts_begin(struct attempts *a);
/* The present one failed. `only`: there is no other, so that `why` is all that there is to tell. */
void attempts_failed(struct attempts *a, const struct err *why, bool only);
/* The round failed: *why, which has the last reason, becomes that to tell. True: asking again cannot help. */
bool attempts_end(struct attempts *a, struct err *why);
void attempts_release(struct attempts *a);

#endif
