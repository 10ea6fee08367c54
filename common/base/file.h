/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* Reads a whole file, at most `max` bytes (more is an error); "-" is standard input. Blocks. */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);

/* Reads a secret: the file's first line without its newline, at most 64 KiB. "-" is standard
 * input. A regular file that others may read, or that is another user's, is refused
 * (base/secret_file.h). Free with mem_free_secret. */
int file_read_secret(const char *path, char **out, struct err *err);
/* As file_read, for a file that holds secrets: the same refusals as file_read_secret. */
int file_read_private(const char *path, size_t max, struct buf *out, struct err *err);

/* Replaces `path` atomically: temporary file in the same directory, fsync, rename, fsync of the
 * directory. Missing parent directories are made with mode 0700. A symbolic link stays, and what it leads to is
 * replaced or made; one of another user, root apart, is itself replaced. */
int file_write(const char *path, struct span contents, mode_t mode, struct err *err);
/* The same, for another owner or group (-1: ours) from its first moment; whom we may not give it to is an error, and
 * nothing is replaced. */
int file_write_for(const char *path, struct span contents, mode_t mode, uid_t user, gid_t group,
    struct err *err);

/* As file_write, but what is there already stays as it is, which is no error: of several at once, one
 * writes it, and all find it whole. */
int file_write_new(const char *path, struct span contents, mode_t mode, struct err *err);

/* Locks a file that is read and then replaced by file_write, against other processes that do the same:
 * a descriptor to close afterwards, or -1. The lock is on the file itself, made empty when it is not
 * there, so that nothing else is left lying about. Blocks. */
int file_lock(const char *path, struct err *err);

/* Makes a directory and its parents with mode 0700; one that exists is fine. */
int file_make_dir(const char *path, struct err *err);

/* Calls `fn` for each line of a stream, without its newline and a carriage return before it, with
 * its number from 1; a last line without newline counts. Stops when `fn` returns not 0 and
 * returns that; -1 on a read error. `line` is NUL-terminated and may be changed by `fn`. */
int file_lines(FILE *in, const char *name,
    int (*fn)(void *arg, size_t number, char *line, struct err *err), void *arg,
    struct err *err);

/* Adds each line of a stream that is not empty: names, one a line. */
int file_names(FILE *in, const char *name, struct strv *out, struct err *err);

/* "$XDG_xxx_HOME/iot/NAME" or "$HOME/<fallback>/iot/NAME", to be freed; XDG values that are not
 * absolute are ignored, as the specification asks. NULL when neither is set. */
char *file_config_path(const char *name);
char *file_state_path(const char *name);
char *file_cache_path(const char *name);

#endif
