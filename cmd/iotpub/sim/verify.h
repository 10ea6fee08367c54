/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_VERIFY_H
#define IOTPUB_SIM_VERIFY_H

#include "iotpub/sim/roster.h"

/*
 * Connections that receive what the devices publish: --verify. Each of their messages carries its number
 * and time, as MQTT 5 user properties or in the payload (sim/reading.h); what was lost, came twice, and how
 * long it took follows. One connection a broker, and the devices that there are at the beginning. On the loop's
 * thread.
 */
struct verify;

struct verify_events {
	/* They are subscribed: devices may publish from now on. Once. */
	void (*ready)(void *arg);
	/* Everything has arrived, or --drain is over. */
	void (*done)(void *arg);
	/* A connection is over for good. */
	void (*failed)(void *arg, const struct err *why);
};

/* Connects. `opts`: what the sessions of devices share. Keeps `args` and `roster`. Release *out also
 * after an error. */
int verify_start(struct verify **out, struct loop *loop, const struct args *args,
    const struct session_opts *opts, const struct roster *roster,
    const struct verify_events *events, void *arg, struct err *err);
/* All devices are over, and sent this many: waits for what is missing, --drain at most, then `done`. */
void verify_finish(struct verify *v, uint64_t sent);
/* So far: microseconds within which `part` (0 to 1) of what was received arrived; 0 if nothing did. */
int64_t verify_delay(const struct verify *v, double part);
/* Prints "sent 10 received 10 lost 0 ...", with --histogram the delays, too; the error when it is beyond --max-lost or --max-p99. */
int verify_judge(struct verify *v, uint64_t sent, struct err *err);
/* Accepts NULL. */
void verify_free(struct verify *v);

#endif
