/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef UNBASE64_H
#define UNBASE64_H

#include "base/buf.h"

/* Decodes base64 with padding into `out`, which has room for s.n bytes; the length, or -1. */
int unbase64(unsigned char *out, struct span s);

#endif
