/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REPORT_H
#define REPORT_H

#include "iotpub/sim/sim.h"

/* What is told of a run while it goes on, and at its end. */
struct report;

/* Lines each --stats, and a live one on a terminal. */
struct report *report_start(struct act *t);
/* Wipes the live line, and sums up where somebody reads it. */
void report_end(struct report *r);
/* Accepts NULL. */
void report_free(struct report *r);

#endif
