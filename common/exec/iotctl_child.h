/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_IOTCTL_CHILD_H
#define EXEC_IOTCTL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* What the platform knows, for --from-platform: iotctl is run (SPAWN_IOTCTL of spawn.h), which has the login, and
 * prints NDJSON. */

/* Bytes of one answer, more than any platform's brokers or topics are. */
enum { IOTCTL_CHILD_ANSWER_MAX = 16 << 20 };

/* `iotctl RESOURCE list`, with this configuration and context (NULL: not given). Blocks. iotctl says on
 * stderr itself what went wrong, and its exit status becomes the error's code. */
int iotctl_child_list(const char *config, const char *context, const char *resource,
    struct buf *answer, struct err *err);
/* As iotctl_child_list, but returns at once: the answer comes through *fd, which does not block and is the
 * caller's to close, at its end or when iotctl_child_fits fails. Then iotctl_child_end. */
int iotctl_child_begin(const char *config, const char *context, const char *resource, int *fd,
    pid_t *pid, struct err *err);
/* Whether the answer so far may go on. iotctl itself takes a reader that leaves for no error. */
int iotctl_child_fits(const struct buf *answer, const char *resource, struct err *err);
/* Waits for a child that has closed its answer, or was killed; -1: it failed. `err` may be NULL. */
int iotctl_child_end(pid_t pid, const char *resource, struct err *err);

/* Takes the first object off the lines of *rest; false at the end. */
bool iotctl_child_next(struct span *rest, struct span *object);
/* A member that is a text and not empty (free), or NULL. */
char *iotctl_child_text(struct span object, const char *key);
bool iotctl_child_is_true(struct span object, const char *key);
/* A member that is a whole number from 0 on, or -1. */
long iotctl_child_number(struct span object, const char *key);

/* How a broker of the platform is reached. The zero value is empty. */
struct iotctl_child_broker {
	long id;
	char *host; /* NULL: nothing is known */
	int port;
	bool tls;
	char *ws_path;  /* NULL: over TCP */
	char *ca_pem;   /* NULL: none */
	char *username; /* NULL: none */
};
/* From an object of `broker list`. */
int iotctl_child_broker_read(struct iotctl_child_broker *b, struct span object, struct err *err);
void iotctl_child_broker_release(struct iotctl_child_broker *b);

#endif
