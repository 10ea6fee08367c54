/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_IMPORT_STATE_H
#define IOTCTL_VERBS_IMPORT_STATE_H

#include <stdint.h>
#include <stdio.h>

#include "iotctl/ctl.h"

/* How far a file was imported into a context; kept between runs. */
struct import_state {
	char *path;     /* of the record; NULL: nowhere (standard input) */
	int fd;         /* of the file */
	long long inode;
	long long offset; /* bytes that are done */
	size_t line;      /* lines that are done */
	struct import_alone {
		size_t line;
		uint64_t mark;
	} *alone; /* lines behind those that are done as well */
	size_t n_alone;
};

/* Finds the record of `file`. One that was replaced, written anew or cut begins anew; with `again` any
 * does. A record of a newer iot-utils is an error (ERR_USAGE): what it says is done would be sent again. */
int import_state_load(struct import_state *s, const struct ctl *c, const char *file,
    FILE *in, bool again, struct err *err);
/* What a line is known by. */
uint64_t import_state_mark(struct span text);
/* One line behind those that are done, stored by itself. */
void import_state_alone(struct import_state *s, size_t line, uint64_t mark);
bool import_state_is_alone(const struct import_state *s, size_t line, struct span text);
int import_state_save(const struct import_state *s, struct err *err);
void import_state_release(struct import_state *s);

#endif
