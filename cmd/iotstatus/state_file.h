/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_STATE_FILE_H
#define IOTSTATUS_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "iotstatus/verdict.h"

/* --state FILE: what was told last. */
struct state_file {
	enum state state;
	bool trouble; /* it could not be found out: another matter than the fleet's own */
	int64_t since; /* seconds since 1970 */
	int64_t bad;   /* the same, of the first look that was not OK; 0: it is OK */
};

/* A file that is not there, or is empty (made by touch or tmpfiles.d), remembers that all was well. One that cannot be
 * read, or is none of ours, is an error (ERR_USAGE); so is one of ours that is damaged, once: it is removed. */
int state_file_read(const char *path, struct state_file *m, struct err *err);
/* At once, so that a reader sees the old or the new one (ERR_OUTPUT). */
int state_file_write(const char *path, const struct state_file *m, struct err *err);

#endif
