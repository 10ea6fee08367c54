/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ROTATE_WITNESS_H
#define IOTCTL_ROTATE_WITNESS_H

#include "iotctl/rotate/rollout.h"

/*
 * Who sees that a device has come with its new password: one for each kind of broker. All block, and work on the
 * batch; -1: nothing can be seen. What is to be known in a later run is a device's `seen`.
 *
 * EMQX says since when a client is connected; another time than right after the change is another connection.
 * mosquitto ends a login's connections when its password changes, so whatever it takes from a device afterwards came
 * over a new one: a reading, or a status "connected". It sends no will then; a retained "connected" that is left over is
 * corrected, and after that a retained "connected" is a sign, too.
 */
struct witness {
	/* Before the broker is told of any. */
	int (*before)(struct rollout *r, struct err *err);
	/* When the broker lets them in with the new passwords only. */
	int (*after)(struct rollout *r, struct err *err);
	/* Until all of stage "sent" have come, or for `ms`; sets `came`. */
	int (*wait)(struct rollout *r, int64_t ms, struct err *err);
	/* Of those that have not: their statuses, and their `seen`. Ends what `before` began; also after an error. */
	void (*end)(struct rollout *r);
};

extern const struct witness witness_emqx, witness_mqtt;

#endif
