/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A handler's command: its program, its process; only for net/handler*.c. */
#ifndef EXEC_EXEC_POOL_INT_H
#define EXEC_EXEC_POOL_INT_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* The file that execvp would run for this name (free), or ERR_USAGE. */
int exec_pool_find(const char *name, char **path, struct err *err);
/* Starts it in a process group of its own, default signal actions, `env` in front of our environment.
 * *in and *out are our ends of its standard input and output, not blocking. -1: errno says why. */
int exec_pool_spawn(const char *path, char **argv, const struct strv *env, int *in, int *out,
    pid_t *pid);

#endif
