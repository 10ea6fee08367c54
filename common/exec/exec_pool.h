/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_HANDLER_H
#define NET_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "msg/message.h"
#include "loop/loop.h"

/*
 * Runs a program for each message, on the loop and without a shell: the payload on its standard
 * input, its standard output is the result, standard error is ours. Environment: IOT_TOPIC,
 * IOT_DEVICE_ID, IOT_COMMAND_ID, IOT_QOS, IOT_RETAIN. Each runs in a process group of its own, which
 * gets SIGTERM when its time is over, and SIGKILL a second later. What a program leaves running in
 * the background when it exits is left alone.
 */
struct handlers;

struct handler_opts {
	const struct strv *command; /* the program and its arguments; copied */
	int64_t timeout;     /* ms; 0: none */
	size_t jobs;         /* at once, at least 1; others wait for their turn */
	size_t output_max;   /* bytes of output; a program that prints more has failed */
};

enum handler_status { HANDLER_OK, HANDLER_ERROR, HANDLER_TIMEOUT };

struct handler_result {
	enum handler_status status;
	struct span output; /* lives during the call */
	struct err why;     /* when not OK, ready to be shown */
};

/* Told once for each handlers_run, on the loop, never from inside it. `tag` is the run's. */
typedef void handler_done_fn(void *arg, void *tag, const struct handler_result *result);

/* Finds the program now: one that is not there is told before anything is connected (ERR_USAGE). */
int handlers_new(struct handlers **out, struct loop *loop, const struct handler_opts *opts,
    handler_done_fn *done, void *arg, struct err *err);
/* Runs it for a message, or queues it; the message is copied. Absent spans: no such variable. */
void handlers_run(struct handlers *h, const struct msg *m, struct span device_id,
    struct span command_id, void *tag);
/* How many are running or waiting. A caller that stops reading while this is not under `jobs`
 * keeps the queue short. */
size_t handlers_busy(const struct handlers *h);
/* Kills what runs, forgets what waits; `done` is not called for them. Accepts NULL. */
void handlers_free(struct handlers *h);

#endif
