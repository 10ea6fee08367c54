/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/deaf.h"

#include <signal.h>
#include <time.h>

enum { SIGNALS = 65 };

static int64_t same_until[SIGNALS]; /* ms of the clock */

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
on_signal(int signo)
{
	if (clock_ms() < same_until[signo])
		return;
	signal(signo, SIG_DFL);
	raise(signo);
}

void
deaf_for(int signo, int64_t ms)
{
	const struct sigaction same = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	same_until[signo] = clock_ms() + ms;
	sigaction(signo, &same, NULL);
}
