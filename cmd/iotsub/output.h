/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_OUTPUT_H
#define IOTSUB_OUTPUT_H

#include <stdbool.h>

#include "model/topic_set.h"
#include "msg/message.h"
#include "msg/message_format.h"

/* Messages on standard output, gathered until output_try or output_flush. The zero value with the options
 * set is ready; `format` and `topics` stay the caller's. */
struct output {
	bool json;                           /* message lines */
	const struct message_format *format; /* NULL: the payload */
	bool topic;                          /* in front of the payload */
	bool bare;                           /* no newline behind it */
	const struct topic_set *topics;
	struct buf buf; /* what is not written yet, */
	size_t at;      /* from here on */
	struct buf one; /* a message on its way to a terminal: its memory is used again */
};

/* A program's own bytes; on a terminal what could drive it is made visible. */
void output_put(struct output *o, const struct msg *m);
/* As output_flush, but does not wait for a reader that stalls: 1, come again when it takes more. */
int output_try(struct output *o, struct err *err);
/* Writes it all, and to a regular file makes it durable. -1 with err->code 0: the reader has closed
 * the pipe, or SIGTERM came while it did not read. */
int output_flush(struct output *o, struct err *err);
void output_release(struct output *o);

#endif
