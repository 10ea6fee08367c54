/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_ENCODER_H
#define IOTINGEST_ENCODER_H

#include "model/topic_set.h"
#include "msg/message.h"
#include "iotingest/run.h"

/* Messages made lines, in the form that was asked for. */
struct encoder;

int encoder_new(struct encoder **out, const struct args *a, const struct topic_set *topics,
    struct err *err);
void encoder_free(struct encoder *l);

/* Appends the line, row or readings of a message to `out`, *readings of them, or its reject line to
 * `bad`; false: it was rejected. */
bool encoder_put(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad);
/* The row of names, when there is one to be. */
void encoder_header(const struct encoder *l, struct buf *out);
/* How every line begins; NULL when that depends on the message. */
const char *encoder_head(const struct encoder *l);
/* The same lines as a terminal may be shown them. */
void encoder_make_visible(const struct encoder *l, struct buf *lines);

/* How reject lines begin, and they on a terminal. */
#define REJECT_HEAD "{\"received_at\":\""
void encoder_make_rejects_visible(struct buf *bad);

#endif
