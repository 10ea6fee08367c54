/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/batch.h"

enum { ROOM_KEPT = 2 << 20 };

bool
batch_is_empty(const struct batch *b)
{
	return b->messages == 0 && !b->has_token;
}

static void
keep_room(struct buf *b)
{
	if (b->room > ROOM_KEPT)
		buf_release(b);
	buf_clear(b);
}

void
batch_empty(struct batch *b)
{
	keep_room(&b->lines);
	keep_room(&b->bad);
	*b = (struct batch){.lines = b->lines, .bad = b->bad};
}

void
batch_release(struct batch *b)
{
	buf_release(&b->lines);
	buf_release(&b->bad);
}
