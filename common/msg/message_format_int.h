/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A compiled format; only for format*.c. */
#ifndef MSG_MESSAGE_FORMAT_INT_H
#define MSG_MESSAGE_FORMAT_INT_H

#include "model/topic_set.h"
#include "msg/message_int.h"

struct format_item;

struct format_context {
	struct buf *out;
	const struct msg *m;
	const struct topic_set *topics;
	const struct format_item *item;
};

struct format_letter {
	char letter; /* 0: the end of the table */
	void (*put)(const struct format_context *c);
};

struct format_item {
	const struct format_letter *letter; /* NULL: text */
	struct buf text;                    /* of a date: what strftime gets, with its NUL */
	bool left, zero;
	size_t width, most; /* most: SIZE_MAX without one */
};

/* What may come behind a percent sign; @N; @ and a letter of strftime. */
extern const struct format_letter format_letters[];
extern const struct format_letter format_nanoseconds;
extern const struct format_letter format_date;

#endif
