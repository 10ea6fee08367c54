/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Valid UTF-8 as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(const char *p, size_t n);

/* Length of the well-formed UTF-8 sequence that begins at p, its code point in *cp; 0 if there is
 * none. n is at least 1. */
size_t utf8_read(const unsigned char *p, size_t n, uint32_t *cp);

/* The most bytes of `s`, `n` or up to three fewer, that end with a whole character; s[n] is there too. `n` for what
 * is no UTF-8. */
size_t utf8_cut(const char *s, size_t n);

/* Whether a terminal shows this code point and does nothing else: no C0, DEL, C1, and none of the
 * marks that reorder or break lines. */
bool utf8_is_harmless(uint32_t cp);
/* Whether it is valid and all of it is harmless: one line that can be shown as it is. */
bool utf8_is_harmless_text(struct span s);

/* A byte as \xNN. */
enum { UTF8_ESCAPE_LEN = 4 };
/* What is harmless as it is, every other byte as \xNN: writes at most `room` bytes, no NUL and no half of
 * anything, and takes what it has shown from `s`. Returns the bytes written. For who may not allocate; others
 * have base/visible.h. */
size_t utf8_visible(char *out, size_t room, struct span *s);

#endif
