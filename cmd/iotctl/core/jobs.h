/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_JOBS_H
#define IOTCTL_CORE_JOBS_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/*
 * Many of the same at once, each written as if it were alone. A job has a thread for its stack only: just
 * one runs at a time, and only in rest_call and jobs_turn may another go on. So jobs need no locks, but
 * what they share may have changed behind these two. One that runs the loop itself waits for its turn before,
 * and runs it until it has what it wants: others' answers stop it.
 */

/* Runs fn(arg, i) for 0..n-1, begun in this order, `most` at once; returns when all are over. One at a
 * time, or one only, is run without threads. -1: nothing was run. */
int jobs_run(struct ctl *c, int most, size_t n, void (*fn)(void *arg, size_t i), void *arg,
    struct err *err);

/* In a job: waits until those before it are over. What is printed after it comes in their order. In
 * other places it does nothing. */
void jobs_turn(const struct ctl *c);

/* From now on SIGINT and SIGTERM only leave their number in c->signo, for jobs to begin nothing more;
 * the second one ends the program at once. */
int jobs_catch_signals(struct ctl *c, struct err *err);

/* An error such as this one says that what follows can do no better. */
bool jobs_are_hopeless(const struct err *err);

/* Runs `fn` for each name as a job. One name: its own error. More: each error is printed, the rest goes
 * on, and the whole is ERR_FAILED if any failed; nothing more begins once it is hopeless, or after a
 * signal. `fn` calls jobs_turn before it prints. */
int jobs_each(struct ctl *c, int most, const struct strv *names,
    int (*fn)(struct ctl *c, const char *name, void *arg, struct err *err), void *arg,
    struct err *err);

#endif
