/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_PROGRESS_H
#define IOTPUB_SIM_PROGRESS_H

#include "loop/loop.h"
#include "iotpub/sim/fault.h"

/* What is told of a run on standard error while it goes on, and at its end. */
struct progress;

/* The numbers of a moment. */
struct progress_figures {
	size_t devices;
	size_t connected;    /* now */
	size_t connecting;   /* for the first time */
	size_t messages;     /* given to the sessions */
	size_t acknowledged; /* at QoS 0: written */
	size_t unheard;      /* of these: the broker said that nobody has subscribed */
	size_t in_flight;    /* messages */
	size_t left_out;     /* readings, because of --max-queued */
	size_t sessions_lost; /* by the broker */
	bool verified;       /* the next two are known */
	int64_t p50, p99;    /* us, so far */
	size_t errors; /* messages refused, devices failed, connections lost */
};

/* A line of JSON each `stats` ms (0: none), and a live line on a terminal, from what `look` says; `put_places` adds the
 * items of its array of brokers. */
struct progress *progress_start(struct loop *loop, int64_t stats,
    struct progress_figures (*look)(void *arg),
    void (*put_places)(void *arg, struct buf *b), void *arg);
/* Wipes the live line, and sums up where somebody reads it: `connected` were at least once. */
void progress_end(struct progress *r, size_t connected, const struct faults *faults);
/* Accepts NULL. */
void progress_free(struct progress *r);

#endif
