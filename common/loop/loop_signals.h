/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_LOOP_SIGNALS_H
#define LOOP_LOOP_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* The signals that a loop has taken over, read from a signalfd(2): for loop.c only. loop_signal in loop.h
 * says what it promises. */
enum { SIGNALS = 65 }; /* Linux numbers them from 1 to 64 */

struct loop_signals {
	int fd; /* -1: none is taken over */
	sigset_t taken, before;
	struct {
		void (*fn)(void *arg, int signo);
		void *arg;
		int64_t same_until; /* clock_ms(): a repetition before that is the same request */
	} v[SIGNALS];
};

void loop_signals_init(struct loop_signals *s);
/* Takes one over, as loop_signal; -1: errno. */
int loop_signals_take(
    struct loop_signals *s, int signo, void (*fn)(void *arg, int signo), void *arg);
/* Calls the functions of those that have come; never blocks. */
void loop_signals_tell(struct loop_signals *s);
/* Gives them back: the mask is as it was before the first. A repetition of one that was just told does
 * nothing for as long as it would have with the loop: the default action now would end a program that has
 * just ended cleanly. Later it has that action. */
void loop_signals_release(struct loop_signals *s);

#endif
