/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_GUESSES_H
#define IOTAPI_API_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Guesses at passwords: a user name with which too many logins failed has to wait, longer each time, whether there
 * is such a user or not. Nothing is written down: a restart forgets. Names are counted in buckets, so that nobody can
 * fill the memory, or have one name forgotten by trying many others; that two names share one is unlikely, and costs the
 * second a wait.
 *
 * Times are clock_ms(). From any thread.
 */
struct guesses;

enum {
	GUESSES_FREE = 5,            /* failures that cost nothing */
	GUESSES_WAIT_MOST = 60000,   /* the longest wait, ms: 1 s, 2 s, 4 s ... up to this */
	GUESSES_FORGET = 15 * 60000, /* after so long without a failure all is forgotten, ms */
};

struct guesses *guesses_new(void);
/* Accepts NULL. */
void guesses_free(struct guesses *g);

/* How long this name has to wait yet, ms; 0: not at all. */
int64_t guesses_wait(struct guesses *g, const char *name, int64_t now);
/* One more login failed. How many that are. */
unsigned guesses_failed(struct guesses *g, const char *name, int64_t now);
/* A login succeeded: the failures before it are forgotten. */
void guesses_passed(struct guesses *g, const char *name);
/* Whether one that has to wait is told in the log: once a second, whoever it is, so that nobody can fill the disk. */
bool guesses_tell(struct guesses *g, int64_t now);

#endif
