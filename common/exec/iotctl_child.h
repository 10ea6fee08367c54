/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_IOTCTL_CHILD_H
#define EXEC_IOTCTL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* What the platform knows, for --from-platform: iotctl is run (SPAWN_IOTCTL of spawn.h), which has the login, and
 * prints NDJSON. */

/* An object of the answer; not 0: it cannot be used, and the rest is not wanted. */
typedef int iotctl_child_take(void *arg, struct span object, struct err *err);

/* An answer as it comes, however long it is; a line of it may have 1 MiB. Fields are private but `fd`. */
struct iotctl_child_answer {
	int fd; /* where it comes from */
	pid_t pid;
	const char *resource;
	iotctl_child_take *take;
	void *arg;
	struct buf rest; /* of a line that has not come whole */
	size_t lines;    /* that have */
};

/* `iotctl RESOURCE list`, with this configuration and context (NULL: not given): takes each object. Blocks.
 * An answer that is cut is an error, after what came of it was taken. iotctl says on stderr itself what went
 * wrong, and its exit status becomes the error's code. */
int iotctl_child_list(const char *config, const char *context, const char *resource,
    iotctl_child_take *take, void *arg, struct err *err);
/* As iotctl_child_list, but returns at once: iotctl_child_read when there is something at fd, which does not block;
 * iotctl_child_end in the end. */
int iotctl_child_begin(struct iotctl_child_answer *a, const char *config, const char *context,
    const char *resource, iotctl_child_take *take, void *arg, struct err *err);
/* Takes what has come. 1: there is more to come, 0: no more, -1: it is of no use, and the child was killed. */
int iotctl_child_read(struct iotctl_child_answer *a, struct err *err);
/* Waits for a child that has closed its answer or was killed, and judges it. */
int iotctl_child_end(struct iotctl_child_answer *a, struct err *err);
/* A taker that appends the object and a newline to a buffer, for iotctl_child_next. */
int iotctl_child_keep(void *buf, struct span object, struct err *err);
/* The first object of *rest, which iotctl_child_keep made; false at the end. */
bool iotctl_child_next(struct span *rest, struct span *object);
/* A member that is a text and not empty (free), or NULL. */
char *iotctl_child_text(struct span object, const char *key);
bool iotctl_child_is_true(struct span object, const char *key);
/* A member that is a whole number from 0 on, or -1. */
int64_t iotctl_child_number(struct span object, const char *key);

#endif
