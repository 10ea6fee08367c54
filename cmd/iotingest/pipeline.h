/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_PIPELINE_H
#define IOTINGEST_PIPELINE_H

#include <stdint.h>

#include "loop/loop.h"
#include "iotingest/encoder.h"
#include "iotingest/run.h"
#include "iotingest/stats.h"

/*
 * From messages to safe batches. Messages become lines of the batch that fills, while the batch before
 * it is being made safe: in standard output or the sink, then its rejects. A third never is: when both
 * are full, messages are taken no further. All memory is two batches.
 */
struct pipeline;

struct pipeline_events {
	/* The messages that came with this token are lines: their spans are needed no longer (consumer_release). */
	void (*release)(void *arg, uint64_t token);
	/* A batch is safe: all messages of this token and of those before it (consumer_ack); 0: of none as yet. */
	void (*ack)(void *arg, uint64_t token);
	/* The output failed (ERR_OUTPUT), or its reader has left (code 0). Nothing goes on. */
	void (*failed)(void *arg, const struct err *why);
};

/* Opens the outputs. Release it also after an error. */
int pipeline_new(struct pipeline **out, struct loop *loop, const struct args *a,
    struct encoder *lines, struct counts *counts, const struct pipeline_events *events, void *arg,
    struct err *err);
/* Drops what is not safe, kills a sink that runs. Accepts NULL. */
void pipeline_free(struct pipeline *p);

/* The messages stay where they are until `release`. */
void pipeline_take(struct pipeline *p, const struct msg *m, size_t n, uint64_t token);
/* Nothing more is at hand. */
void pipeline_drained(struct pipeline *p);
/* Whether the broker holds back until more is safe: nothing lingers while it does. */
void pipeline_held(struct pipeline *p, bool held);
/* From now on nothing waits for more messages, and a sink's try is its last. */
void pipeline_hurry(struct pipeline *p);
/* Asks a sink that runs to end. */
void pipeline_interrupt(struct pipeline *p);
/* Messages that are not safe. */
size_t pipeline_waiting(const struct pipeline *p);

#endif
