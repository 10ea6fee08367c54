/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_BATCH_H
#define IOTINGEST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Lines that are made safe together. The zero value is empty. */
struct batch {
	struct buf lines, bad; /* bad: reject lines */
	size_t messages;
	uint64_t token; /* the last one whose messages are all here or before; 0: none as yet */
	uint64_t upto;  /* messages that the token covers, since the start */
	bool has_token;
};

/* A batch of messages that left no line is not empty: it is to be acknowledged. */
bool batch_is_empty(const struct batch *b);
/* Keeps what memory is needed often, gives back what a huge message took. */
void batch_empty(struct batch *b);
void batch_release(struct batch *b);

#endif
