/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MSG_MESSAGE_FORMAT_H
#define MSG_MESSAGE_FORMAT_H

#include "msg/message.h"

/* mosquitto_sub's -F formats, compiled once: its letters, flags and widths, its @ dates (local time of
 * receipt) and backslash escapes, the same bytes; but %j and %J are the message line. What it would
 * not take is an error (ERR_USAGE) that names what there is. */
struct message_format;
int message_format_compile(struct message_format **out, const char *text, struct err *err);
void message_format_free(struct message_format *f);
/* Appends no newline. Returns as message_line. */
const char *message_format_put(const struct message_format *f, struct buf *out,
    const struct msg *m, const struct topic_set *topics);

#endif
