/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One thread, one wait: epoll, signalfd and a heap of timers. Only loop_post may be called
 * from another thread. Callbacks may add and remove anything, themselves too. */
struct loop;

/* NULL with ERR_FAILED: the kernel has no descriptor for it. */
struct loop *loop_new(struct err *err);
/* Forgets what was posted; unblocks the signals it took over. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs until loop_stop; returns 0, or -1 when waiting itself failed. May be called again, also from a
 * callback: loop_stop ends the innermost run. */
int loop_run(struct loop *loop, struct err *err);
/* Ends the run at the end of its round, or the next one at once when none is going on. */
void loop_stop(struct loop *loop);

/* Monotonic milliseconds (CLOCK_MONOTONIC); the same value during one round. */
int64_t loop_now(const struct loop *loop);

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* A watched descriptor, embedded in its owner, zero before use. LOOP_HANGUP (EPOLLHUP, EPOLLERR) is
 * always reported, together with LOOP_READ if that was asked for. */
struct loop_fd {
	struct loop *loop;
	int fd;
	unsigned events;
	void (*fn)(void *arg, unsigned events);
	void *arg;
	bool on;
};
/* Starts watching `fd`, which stays the caller's and has no other watcher. fn(arg, events) is called as long
 * as what is waited for is so (level-triggered). -1, and not watched: a regular file cannot be (EPERM). */
int loop_fd_start(struct loop *loop, struct loop_fd *w, int fd, unsigned events,
    void (*fn)(void *arg, unsigned events), void *arg, struct err *err);
/* Changes what is waited for; 0 pauses (hang-ups are then not reported either). */
void loop_fd_set(struct loop_fd *w, unsigned events);
/* Stops; harmless when not started. Call it before closing fd, and also after a library closed
 * fd by itself: the number may be somebody else's by then, so it must not touch it then --
 * that is loop_fd_forget. */
void loop_fd_stop(struct loop_fd *w);
/* As loop_fd_stop for a descriptor that is closed already. */
void loop_fd_forget(struct loop_fd *w);

/* A timer, embedded in its owner, zero before use. */
struct loop_timer {
	struct loop *loop;
	int64_t at;
	void (*fn)(void *arg);
	void *arg;
	size_t slot; /* in the heap, from 1; 0: not set */
};
/* (Re)starts it: fn(arg) once, `ms` from now. */
void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t ms, void (*fn)(void *arg),
    void *arg);
void loop_timer_stop(struct loop_timer *t);

/* Takes over a signal: blocked for the process from now on (call before threads start and unblock
 * it in children after fork: loop_unblock_signals), fn(arg, signo) on the loop. The same signal
 * within a quarter of a second is the same request, also when the loop is gone by then: timeout(1) sends
 * each twice, to its child and to the group. */
int loop_signal(struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
    struct err *err);
/* For a child after fork: default actions, nothing blocked. */
void loop_unblock_signals(void);

/* Calls fn(arg) on the loop's thread, soon; in order. From any thread. */
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* Where the loop keeps its lookups of host names, NULL at first: loop/resolve.c's. */
struct resolve_lookup **loop_lookups(struct loop *loop);

#endif
