/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign text fit for a terminal, a log and one line: what utf8_is_harmless() stays as it is. The rest (C0, DEL,
 * C1, the marks that reorder or break lines) and bytes that are no UTF-8 become \xNN, a byte each. */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/buf.h"

/* Appends it as one line: a newline is \x0a. */
void visible_put(struct buf *out, struct span s);
/* The same as visible_put, but newlines stay. */
void visible_put_lines(struct buf *out, struct span s);

/* Lines of valid JSON: newlines stay, what is not harmless becomes \uNNNN, the same JSON. */
void visible_put_json(struct buf *out, struct span lines);

#endif
