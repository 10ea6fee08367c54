/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_LOOP_SIGNALS_H
#define LOOP_LOOP_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* Signals of a loop, read from a descriptor; for loop.c only, whose header says what they mean. */
enum { SIGNALS = 65 };

struct loop_signals {
	int fd; /* -1: none is taken over */
	sigset_t taken, before;
	struct {
		void (*fn)(void *arg, int signo);
		void *arg;
		int64_t deaf; /* ms of the clock: until then the same again is the same request */
	} v[SIGNALS];
};

void loop_signals_init(struct loop_signals *s);
/* -1: errno. */
int loop_signals_take(
    struct loop_signals *s, int signo, void (*fn)(void *arg, int signo), void *arg);
/* Tells those that are there. */
void loop_signals_tell(struct loop_signals *s);
/* Gives them back. One that was told and comes once more is the same request still, and does nothing: the
 * default action now would end a program that has just ended cleanly. Later it has that action. */
void loop_signals_release(struct loop_signals *s);

#endif
