/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { US_OF_MS = 1000 };

struct notify {
	struct loop *loop;
	struct loop_timer timer;
	int fd;           /* connected; -1: nobody wants to know */
	int64_t watchdog; /* ms; 0: none */
	void (*ask)(void *arg);
	void *arg;
};

/* A name that begins with @ is one of the abstract name space. */
static int
open_socket(const char *name, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const size_t n = strlen(name);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	int fd;

	if (n < 2 || n >= sizeof(at.sun_path) || strchr("/@", name[0]) == NULL)
		return err_set(
		    err, ERR_USAGE, _("NOTIFY_SOCKET: '%s' is no socket's name"), name);
	memcpy(at.sun_path, name, n);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, size) != 0) {
		err_sys(err, ERR_FAILED, _("cannot reach NOTIFY_SOCKET '%s'"), name);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* It is meant for the process that the manager started, which may have been another. */
static int64_t
watchdog_time(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t whose = getpid(), time = 0;

	if (us == NULL || text_int(us, US_OF_MS, INT64_MAX, "WATCHDOG_USEC", &time, NULL))
		return 0;
	if (pid != NULL && text_int(pid, 1, INT32_MAX, "WATCHDOG_PID", &whose, NULL))
		return 0;
	return whose == getpid() ? time / US_OF_MS : 0;
}

struct notify *
notify_new(struct err *err)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct notify *n = xcalloc(1, sizeof(*n));
	const bool wanted = name != NULL && name[0] != '\0';

	n->fd = wanted ? open_socket(name, err) : -1;
	if (wanted && n->fd < 0) {
		free(n);
		return NULL;
	}
	n->watchdog = wanted ? watchdog_time() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return n;
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

void
notify_tell(struct notify *n, const char *state)
{
	if (n->fd < 0)
		return;
	while (send(n->fd, state, strlen(state), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void
ask(void *arg)
{
	struct notify *n = arg;

	n->ask(n->arg);
	loop_timer_set(n->loop, &n->timer, n->watchdog / 2, ask, n);
}

void
notify_watch(struct notify *n, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	if (n->watchdog == 0)
		return;
	n->loop = loop;
	n->ask = fn;
	n->arg = arg;
	ask(n);
}

void
notify_unwatch(struct notify *n)
{
	if (n->loop != NULL)
		loop_timer_stop(&n->timer);
}

void
notify_alive(struct notify *n)
{
	notify_tell(n, "WATCHDOG=1");
}
