/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include "base/err.h"
#include "base/span.h"

/* Files that people bring: spreadsheets and Windows editors write other encodings than UTF-8. */

/* `text` behind the byte order mark that Windows programs put in front of UTF-8 (EF BB BF). */
struct span encoding_skip_mark(struct span text);

/* What a text with these first bytes is other than UTF-8, with the command that converts it: a sentence to
 * translate, or NULL. */
const char *encoding_other(struct span text);

/* Whether `text` is UTF-8 without NUL. If not: -1, with what it is, as far as bytes tell, and the command
 * that converts it (ERR_USAGE), and in *line the line of the first wrong byte, from 1; the caller puts file and
 * line in front. Linear. */
int encoding_check(struct span text, size_t *line, struct err *err);

#endif
