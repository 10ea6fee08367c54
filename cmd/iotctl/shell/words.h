/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* A line of the shell taken apart. */
struct line {
	struct strv words;
	const char *pipe; /* into the text: what follows an unquoted |; NULL: none */
	const char *rest; /* into the text: what is no word, a pipe or a comment */
	bool open;        /* a quote or a backslash waits for the next line */
};

/* As a POSIX shell takes words apart: blanks, '...', "..." with \, \, a # at the start of a word; nothing
 * is expanded. Release it in every case. */
void line_split(const char *text, struct line *out);
void line_release(struct line *l);

/* Whether a line gives a secret in the open: it must not be kept. */
bool line_has_secret(const struct line *l);

#endif
