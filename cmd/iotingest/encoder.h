/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_ENCODER_H
#define IOTINGEST_ENCODER_H

#include "model/topic_set.h"
#include "msg/message.h"
#include "iotingest/run.h"

/* Messages made lines, in the form that was asked for: NDJSON, readings, CSV or TSV, -F. No global state;
 * nothing blocks. */
struct encoder;

/* Keeps `topics`. Release *out also after an error, which is ERR_USAGE: of -F or --columns. */
int encoder_new(struct encoder **out, const struct args *a, const struct topic_set *topics,
    struct err *err);
/* Accepts NULL. */
void encoder_free(struct encoder *e);

/* Appends the line, row or readings of a message to `out`, or its reject line to `bad`, or both when some of its
 * values are no readings; false: there is a reject line. *readings becomes the number of its readings where they
 * are told apart. */
bool encoder_put(struct encoder *e, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad);
/* Appends the row of the columns' names, with --header. */
void encoder_header(const struct encoder *e, struct buf *out);
/* How every line begins; NULL when that depends on the message. */
const char *encoder_head(const struct encoder *e);
/* Rewrites lines so that no byte of them can drive a terminal. */
void encoder_make_visible(const struct encoder *e, struct buf *lines);

/* How message lines and reject lines begin. */
#define ENCODER_HEAD "{\"received_at\":\""
/* As encoder_make_visible, for reject lines. */
void encoder_make_rejects_visible(struct buf *bad);

#endif
