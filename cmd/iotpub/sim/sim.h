/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_SIM_H
#define IOTPUB_SIM_SIM_H

#include "cli/opt.h"
#include "mqtt/session.h"
#include "iotpub/iotpub.h"

/*
 * A run as devices, on one thread and one loop. Who calls whom, from above to below:
 *
 *	sim            all of them: who starts when, and when the run is over
 *	progress       what is told of them meanwhile
 *	verify         --verify: a connection that receives what they publish (latency: what it counts)
 *	status_check   is a device connected already?
 *	roster         which devices there are; with --refresh they come and go (platform/inventory)
 *	commands       --listen: commands printed, run, answered
 *	device         one of them: its session, its status, its end
 *	reading        its readings, each at its time (fault: what goes wrong on purpose)
 *	listener       its commands, until they are shown
 *	reconnect      its connection, broken off and made again
 *	login          its client id and login
 *	counts         what is counted of all of them
 *
 * What is below tells what is above by events. A device tells, in this order: `connected` when its session
 * is up, perhaps again after `lost`, and once, at the end of it, `over` or `failed`.
 */

/* Acts as devices until all are over, --duration is, or a signal comes. `operands` is NULL-ended. The
 * error is that of the run as a whole. */
int sim_run(const struct args *a, const struct opt_set *set, const struct session_opts *opts,
    char **operands, struct err *err);

#endif
