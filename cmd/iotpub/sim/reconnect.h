/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_RECONNECT_H
#define IOTPUB_SIM_RECONNECT_H

#include "loop/loop.h"

/*
 * A device's connection, broken off and made again without a DISCONNECT, so that the broker publishes
 * the will. First what is on its way is acknowledged; meanwhile nothing new is published. On the loop's
 * thread.
 */
struct reconnect;

/* What it asks and tells its owner, which it is embedded in. */
struct reconnect_config {
	struct loop *loop;
	int64_t drain; /* ms that a device waits at most for the broker that it moves away from */
	/* QoS 1 and 2 messages on their way. */
	size_t (*unacknowledged)(const struct reconnect *r);
	/* Now; `left` messages stay unacknowledged. On the loop, from no event of the session. */
	void (*renew)(struct reconnect *r, size_t left);
};

struct reconnect {
	const struct reconnect_config *config;
	struct loop_timer timer;
	bool flapping; /* when all is acknowledged */
	bool moving;   /* likewise, or when `drain` is over */
};

/* Whether it is waited for. */
bool reconnect_is_due(const struct reconnect *r);
/* The fault `flap`. `can`: the device is connected and not leaving; if not, there is nothing to break. */
void reconnect_flap(struct reconnect *r, bool can);
/* Its broker is another one now. Not for a device that is leaving. */
void reconnect_move(struct reconnect *r);
/* A message was acknowledged, perhaps the last. `up`: it is connected; `leaving`: too late. */
void reconnect_acknowledged(struct reconnect *r, bool up, bool leaving);
void reconnect_stop(struct reconnect *r);

#endif
