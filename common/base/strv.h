/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stddef.h>

/* A list of strings that it owns. The zero value is empty. Only strv_add gives `v` its room; `n` may be made
 * less, by who frees the strings or takes them. */
struct strv {
	char **v;
	size_t n;
};

/* Copies the string. */
void strv_add(struct strv *l, const char *s);
/* Adds the parts of `s` between `sep`, blanks around them removed, empty ones left out. */
void strv_split(struct strv *l, const char *s, char sep);
void strv_release(struct strv *l);

#endif
