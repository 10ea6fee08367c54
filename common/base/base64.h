/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Standard base64 with padding, no line breaks. */
void base64_put(struct buf *b, struct span s);
/* Decodes base64 with padding and nothing else into `out`, which has room for s.n bytes; the length, or
 * -1. Empty text is none. At most 2^30 bytes. */
int base64_decode(unsigned char *out, struct span s);

#endif
