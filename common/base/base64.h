/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UNBASE64_H
#define BASE_UNBASE64_H

#include "base/buf.h"

/* Decodes base64 with padding and nothing else into `out`, which has room for s.n bytes; the length, or
 * -1. Empty text is none. At most 2^30 bytes. */
int unbase64(unsigned char *out, struct span s);

#endif
