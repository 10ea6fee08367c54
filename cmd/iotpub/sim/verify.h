/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_VERIFY_H
#define IOTPUB_SIM_VERIFY_H

#include "iotpub/sim/sim.h"

/* A second connection that sees what the devices publish: --verify. */
struct verify;

/* Connects; `ready` when it is subscribed. A failure ends the run. */
int verify_start(struct sim *t, void (*ready)(struct sim *t), struct err *err);
/* One more message is on its way. */
void verify_sent(struct verify *v);
/* All devices are over: waits for what is missing, --drain at most, then `done`. */
void verify_finish(struct verify *v, void (*done)(struct sim *t));
/* Prints "sent 10 received 10 lost 0 ..."; the error when it is beyond --max-lost or --max-p99. */
int verify_judge(const struct verify *v, struct err *err);
/* Accepts NULL. */
void verify_free(struct verify *v);

#endif
