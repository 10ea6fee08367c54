/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_PIPELINE_H
#define IOTINGEST_PIPELINE_H

#include <stdint.h>

#include "loop/loop.h"
#include "iotingest/encoder.h"
#include "iotingest/run.h"
#include "iotingest/stats.h"

/*
 * From messages to bytes that are safe. Everything is on the loop's thread, and nothing blocks
 * but fdatasync of a regular file.
 *
 * Messages come as the consumer's batches (mqtt/consumer.h), each with a token, a number that grows. The
 * pipeline answers a token twice:
 *
 *	release(token)  its messages are lines: their spans are needed no longer (consumer_release)
 *	ack(token)      all messages up to this token are safe (consumer_ack)
 *
 * What is made safe together is a batch of the pipeline's own (batch.h), bounded in bytes and, by --batch, in
 * messages. It may hold the messages of several tokens, or end within those of one; `ack` then names
 * the last token that is complete.
 *
 * There are two: one fills while the other is written, its lines to standard output or the sink, and only
 * when those are safe its reject lines. When both are full nothing is taken further: `release` waits, the
 * consumer reads no more, and the broker keeps what comes. So memory stays bounded.
 *
 * A batch is written when the one before it is safe and it is due: full, older than --linger, or, without
 * --linger, as soon as nothing more is at hand (a pipe or terminal: at once).
 */
struct pipeline;

/* Any may come from inside any function below but the questions. */
struct pipeline_events {
	/* The messages that came with this token are lines. */
	void (*release)(void *arg, uint64_t token);
	/* A batch is safe; 0: the messages of no token are all safe yet. */
	void (*ack)(void *arg, uint64_t token);
	/* The output failed (ERR_OUTPUT), or its reader has left (code 0). Nothing goes on. */
	void (*failed)(void *arg, const struct err *why);
};

/* Opens the file of --append, standard output, or prepares the sink, and opens the file of --rejects. Keeps `a`, `encoder` and
 * `counts`, which it adds to. Release *out also after an error. */
int pipeline_new(struct pipeline **out, struct loop *loop, const struct args *a,
    struct encoder *encoder, struct counts *counts, const struct pipeline_events *events, void *arg,
    struct err *err);
/* Drops what is not safe, kills a sink that runs. Accepts NULL. */
void pipeline_free(struct pipeline *p);

/* A batch of the consumer. The messages stay where they are until `release`, and no others come. */
void pipeline_take(struct pipeline *p, const struct msg *m, size_t n, uint64_t token);
/* Nothing more is at hand: the socket is drained. */
void pipeline_drained(struct pipeline *p);
/* Whether the broker holds back until more is safe: nothing lingers while it does. */
void pipeline_held(struct pipeline *p, bool held);
/* From now on nothing waits for more messages, and a sink's try is its last. */
void pipeline_hurry(struct pipeline *p);
/* Asks a sink that runs to end. */
void pipeline_interrupt(struct pipeline *p);
/* Goes on in the files that have the names now (output_reopen). False: there are none. */
bool pipeline_reopen(struct pipeline *p);
/* Messages that are not safe. */
size_t pipeline_waiting(const struct pipeline *p);

#endif
