/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_EXEC_POOL_H
#define EXEC_EXEC_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "msg/message.h"
#include "loop/loop.h"

/*
 * Runs a program for each message, on the loop and without a shell (SPAWN_HANDLER of spawn.h): the
 * payload on its standard input, its standard output is the result, standard error is ours. In its
 * environment: IOT_TOPIC, IOT_DEVICE_ID, IOT_COMMAND_ID, IOT_QOS, IOT_RETAIN. When its time is over its
 * process group gets SIGTERM, and SIGKILL a second later. What a program leaves running in the
 * background when it exits is left alone.
 */
struct exec_pool;

struct exec_pool_opts {
	const struct strv *command; /* the program and its arguments; copied */
	int64_t timeout;     /* ms; 0: none */
	size_t jobs;         /* at once, at least 1; others wait for their turn */
	size_t output_max;   /* bytes of output; a program that prints more has failed */
};

enum exec_pool_status { EXEC_POOL_OK, EXEC_POOL_ERROR, EXEC_POOL_TIMEOUT };

struct exec_pool_result {
	enum exec_pool_status status;
	struct span output; /* lives during the call */
	struct err why;     /* when not OK, ready to be shown */
};

/* Told once for each exec_pool_run, on the loop, never from inside it. `tag` is the run's. */
typedef void exec_pool_done_fn(void *arg, void *tag, const struct exec_pool_result *result);

/* Finds the program now: one that is not there is told before anything is connected (ERR_USAGE). */
int exec_pool_new(struct exec_pool **out, struct loop *loop, const struct exec_pool_opts *opts,
    exec_pool_done_fn *done, void *arg, struct err *err);
/* Runs it for a message, or queues it; the message is copied. Absent spans: no such variable. */
void exec_pool_run(struct exec_pool *p, const struct msg *m, struct span device_id,
    struct span device_command_id, void *tag);
/* How many are running or waiting. A caller that stops reading while this is not under `jobs`
 * keeps the queue short. */
size_t exec_pool_busy(const struct exec_pool *p);
/* Kills what runs, forgets what waits; `done` is not called for them. Accepts NULL. */
void exec_pool_free(struct exec_pool *p);

#endif
