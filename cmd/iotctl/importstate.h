/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IMPORTSTATE_H
#define IMPORTSTATE_H

#include <stdio.h>

#include "ctl.h"

/* How far a file was imported into a context; kept between runs. */
struct import_state {
	char *path;     /* of the record; NULL: nowhere (standard input) */
	int fd;         /* of the file */
	long long inode;
	long long offset; /* bytes that are done */
	size_t line;      /* lines that are done */
};

/* Finds the record of `file`. One that was replaced, written anew or cut begins anew; with `again` any
 * does. */
void import_state_load(struct import_state *s, const struct ctl *c, const char *file,
    FILE *in, bool again);
int import_state_save(const struct import_state *s, struct err *err);
void import_state_release(struct import_state *s);

#endif
