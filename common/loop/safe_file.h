/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_SAFE_FILE_H
#define LOOP_SAFE_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What may go wrong with a regular file that is appended to. A crash may leave a torn last line, and a full disk
 * a half-written batch: both are taken away. A file that is removed while it is written to takes what comes and
 * shows it to nobody: it is told apart. Each function may wait for the disk, none for anything else.
 */

/* Takes back the last bytes of what `fd` writes to, a regular file, if they are these. Best effort. */
void safe_file_undo(int fd, struct span written);
/* Whether no name leads to it, as far as its file system knows: never had one, or the last was removed. */
bool safe_file_is_nameless(int fd);
/* The name under which it was opened, or to which it was renamed since (free); NULL: none that could be told. */
char *safe_file_path(int fd);

/* One writer at a time, and whole lines from the start. */
struct safe_file {
	int fd;  /* the caller's: what is written to */
	int own; /* a description of our own that may be read and holds the lock; -1: none could be had */
};

/* Takes the lock (held by another writer: ERR_OUTPUT) and cuts a torn last line off, if `fd` writes
 * at the end of the file. A piece that does not begin like `head`, which begins all lines, is somebody
 * else's: it is kept and ended with a newline. Without a head (NULL: lines have no beginning of their
 * own) that is a piece with no whole line before it, which would take the whole file with it.
 * Both are told, with `name`. */
int safe_file_open(struct safe_file *a, int fd, const char *name, const char *head, struct err *err);
/* Makes the file's name durable: a new file is nothing after a power cut while its directory is not
 * on the disk. Best effort. */
void safe_file_sync_name(const struct safe_file *a);
/* Lets go of the lock. */
void safe_file_close(struct safe_file *a);

#endif
