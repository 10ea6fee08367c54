/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "iotstatus/verdict.h"

/* --state FILE: what was told last. */
struct memory {
	enum state state;
	bool trouble; /* it could not be found out: another matter than the fleet's own */
	int64_t since; /* seconds since 1970 */
};

/* A file that is not there remembers that all was well. One that cannot be read, or is none of
 * ours, is an error (ERR_USAGE). */
int memory_read(const char *path, struct memory *m, struct err *err);
int memory_write(const char *path, const struct memory *m, struct err *err);

#endif
