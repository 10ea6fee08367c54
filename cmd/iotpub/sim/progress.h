/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_PROGRESS_H
#define IOTPUB_SIM_PROGRESS_H

#include "iotpub/sim/sim.h"

/* What is told of a run while it goes on, and at its end. */
struct progress;

/* Lines each --stats, and a live one on a terminal. */
struct progress *progress_start(struct sim *t);
/* Wipes the live line, and sums up where somebody reads it. */
void progress_end(struct progress *r);
/* Accepts NULL. */
void progress_free(struct progress *r);

#endif
