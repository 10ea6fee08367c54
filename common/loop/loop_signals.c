/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/loop_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"

enum { SAME_SIGNAL_MS = 250 };

static int64_t
    late_until[SIGNALS]; /* as same_until, once the loop is gone: for a signal handler */

void
loop_signals_init(struct loop_signals *s)
{
	*s = (struct loop_signals){.fd = -1};
	sigemptyset(&s->taken);
}

int
loop_signals_take(
    struct loop_signals *s, int signo, void (*fn)(void *arg, int signo), void *arg)
{
	if (s->fd < 0)
		pthread_sigmask(SIG_BLOCK, NULL, &s->before);
	sigaddset(&s->taken, signo);
	pthread_sigmask(SIG_BLOCK, &s->taken, NULL);
	s->v[signo].fn = fn;
	s->v[signo].arg = arg;
	s->fd = signalfd(s->fd, &s->taken, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->fd < 0 ? -1 : 0;
}

void
loop_signals_tell(struct loop_signals *s)
{
	struct signalfd_siginfo info;
	int signo;

	while (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		signo = (int)info.ssi_signo;
		if (s->v[signo].fn == NULL || clock_ms() < s->v[signo].same_until)
			continue;
		s->v[signo].same_until = clock_ms() + SAME_SIGNAL_MS;
		s->v[signo].fn(s->v[signo].arg, signo);
	}
}

void
loop_unblock_signals(void)
{
	sigset_t none;
	int signo;

	for (signo = 1; signo < SIGNALS; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
on_late_signal(int signo)
{
	if (clock_ms() < late_until[signo])
		return;
	signal(signo, SIG_DFL);
	raise(signo);
}

static void
ignore_late_ones(const struct loop_signals *s)
{
	const struct sigaction same = {
	    .sa_handler = on_late_signal, .sa_flags = SA_RESTART};
	int signo;

	for (signo = 1; signo < SIGNALS; signo++) {
		if (s->v[signo].same_until <= clock_ms())
			continue;
		late_until[signo] = s->v[signo].same_until;
		sigaction(signo, &same, NULL);
	}
}

void
loop_signals_release(struct loop_signals *s)
{
	struct signalfd_siginfo info;

	if (s->fd < 0)
		return;
	while (read(s->fd, &info, sizeof(info)) > 0)
		;
	close(s->fd);
	ignore_late_ones(s);
	pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}
