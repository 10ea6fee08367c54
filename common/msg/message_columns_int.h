/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of columns and what its cells are made from; only for columns*.c. */
#ifndef MSG_MESSAGE_COLUMNS_INT_H
#define MSG_MESSAGE_COLUMNS_INT_H

#include "msg/message_columns.h"
#include "msg/message_int.h"

/* What a row is made of. */
struct row {
	const struct msg *m;
	struct topic_vars vars;
	struct span device_id;
	bool id_mismatch;
	const struct reading *reading; /* NULL: a message row */
	struct message_payload payload;
	struct buf *scratch; /* empty, for a cell that stands nowhere yet */
};

enum {
	IN_MESSAGE = 1,
	IN_READING = 2,
	IN_BOTH = IN_MESSAGE | IN_READING,
	DEFAULT = 4,
	BARE = 8, /* its cells never need a quote or an escape, and are never empty */
};

struct column {
	const char *name; /* NULL: the end of the table */
	/* The cell's characters; p == NULL is NULL. */
	struct span (*cell)(struct row *r);
	unsigned flags;
};

enum { MESSAGE_COLUMNS_MAX = 32 };
extern const struct column columns_known[MESSAGE_COLUMNS_MAX];

#endif
