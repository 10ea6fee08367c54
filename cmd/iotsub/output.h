/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_OUTPUT_H
#define IOTSUB_OUTPUT_H

#include <stdbool.h>

#include "model/topic_set.h"
#include "msg/message.h"
#include "msg/message_format.h"
#include "loop/writer.h"

/* Messages on standard output, gathered until output_flush. The zero value with the options set is
 * ready for output_open; `format` and `topics` stay the caller's. On the loop's thread; nothing blocks. */
struct output {
	bool json;                           /* message lines */
	const struct message_format *format; /* NULL: the payload */
	bool topic;                          /* in front of the payload */
	bool bare;                           /* no newline behind it */
	const struct topic_set *topics;
	bool terminal;
	struct loop *loop;
	struct loop_timer stall; /* of lines that are not taken */
	struct writer *writer;
	struct writer_job job;
	struct buf lines;   /* gathered */
	struct buf writing; /* on their way */
	struct buf one;     /* a message on its way to a terminal: its memory is used again */
	void (*settled)(void *arg, const struct err *why);
	void *arg;
};

/* settled(arg, why) is called for an output_flush, maybe before that returns, when everything gathered by
 * then is out, in a regular file durable: ERR_OUTPUT when it cannot be, with a reader that closed the pipe
 * told apart by writer_reader_left. */
int output_open(struct output *o, struct loop *loop,
    void (*settled)(void *arg, const struct err *why), void *arg, struct err *err);
/* Appends how a message is shown: its own bytes; for a terminal what could drive it is made visible. */
void output_format(struct output *o, struct buf *to, const struct msg *m);
/* The same, to what is gathered. */
void output_put(struct output *o, const struct msg *m);
/* Begins to write what is gathered, if nothing is on its way: that goes on with what came meanwhile. */
void output_flush(struct output *o);
/* Whether something is on its way: the reader stalls. */
bool output_is_busy(const struct output *o);
void output_release(struct output *o);

#endif
