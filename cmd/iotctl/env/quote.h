/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ENV_QUOTE_H
#define IOTCTL_ENV_QUOTE_H

#include "base/buf.h"

/* Texts that other languages read back as the same bytes, whatever they are but NUL. Nothing here blocks or fails. */

/* Appends `s` as a string literal of C and C++: what is not printable ASCII, quotes, backslashes and question marks
 * (trigraphs) as octal escapes, which are the same whatever follows. */
void quote_c(struct buf *out, const char *s);
/* Appends `s` as one word of a POSIX shell, between single quotes. Line breaks stay. */
void quote_sh(struct buf *out, const char *s);

#endif
