/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/busy_poll.h"

#include <poll.h>
#include <sched.h>
#include <stdint.h>

#include "base/clock.h"

/* Whether this thread has one processor only; asked once. */
static bool
is_alone(void)
{
	static _Thread_local int count;
	cpu_set_t set;

	if (count == 0)
		count =
		    sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count == 1;
}

static bool
becomes_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const int64_t until = clock_us() + BUSY_POLL_US;

	do {
		if (poll(&p, 1, 0) != 0)
			return true;
	} while (clock_us() < until);
	return false;
}

bool
busy_poll_until_readable(struct busy_poll *s, int fd)
{
	if (s->skip > 0) {
		s->skip--;
		return false;
	}
	if (is_alone())
		return false;
	if (becomes_readable(fd)) {
		s->pause = 0;
		return true;
	}
	s->pause = s->pause == 0 ? 1 : s->pause * 2;
	if (s->pause > BUSY_POLL_PAUSE_MOST)
		s->pause = BUSY_POLL_PAUSE_MOST;
	s->skip = s->pause;
	return false;
}
