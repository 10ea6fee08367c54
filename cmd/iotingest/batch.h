/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_BATCH_H
#define IOTINGEST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Lines that are made safe together; pipeline.h tells of its token. The zero value is empty. */
struct batch {
	struct buf lines;    /* for standard output or the sink */
	struct buf bad;      /* reject lines */
	size_t messages;     /* that became either */
	bool has_token;      /* the last message of a token is here: */
	uint64_t token;      /* of this one; 0: none as yet */
	uint64_t upto;       /* how many messages there were up to it, since the start */
};

/* A batch that completes a token is not empty, even if --retained left all its messages out: they are to be
 * acknowledged. */
bool batch_is_empty(const struct batch *b);
/* Keeps the memory of a usual batch, gives back what a huge message took. */
void batch_empty(struct batch *b);
void batch_release(struct batch *b);

#endif
