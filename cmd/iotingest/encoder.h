/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LINES_H
#define LINES_H

#include "msg/message.h"
#include "iotingest/run.h"

/* Messages made lines, in the form that was asked for. */
struct lines;

int lines_new(struct lines **out, const struct args *a, const struct topics *topics,
    struct err *err);
void lines_free(struct lines *l);

/* Appends the line, row or readings of a message to `out`, *readings of them, or its reject line to
 * `bad`; false: it was rejected. */
bool lines_put(struct lines *l, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad);
/* The row of names, when there is one to be. */
void lines_header(const struct lines *l, struct buf *out);
/* How every line begins; NULL when that depends on the message. */
const char *lines_head(const struct lines *l);
/* The same lines as a terminal may be shown them. */
void lines_make_visible(const struct lines *l, struct buf *lines);

/* How reject lines begin, and they on a terminal. */
#define REJECT_HEAD "{\"received_at\":\""
void rejects_make_visible(struct buf *bad);

#endif
