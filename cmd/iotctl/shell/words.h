/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SHELL_WORDS_H
#define IOTCTL_SHELL_WORDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* A line of the shell taken apart. */
struct words {
	struct strv words;
	const char *pipe; /* into the text: what follows an unquoted |; NULL: none */
	const char *rest; /* into the text: what is no word, a pipe or a comment */
	bool open;        /* a quote or a backslash waits for the next line */
};

/* As a POSIX shell takes words apart: blanks, '...', "..." with \, \, a # at the start of a word; nothing
 * is expanded. Release it in every case. */
void words_split(const char *text, struct words *out);
void words_release(struct words *l);

/* Whether a line gives a secret in the open: it must not be kept. */
bool words_have_secret(const struct words *l);

#endif
