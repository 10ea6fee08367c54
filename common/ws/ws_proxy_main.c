/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child's process: how it begins and ends. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "ws/ws_proxy_int.h"

enum { MOST_FILES = 131072 };

/* Of a connection both ends are open here. libwebsockets has a table of all numbers there can be. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* While the parent drains, after a signal to the whole group, its connections must live. */
static void
ignore_signals(void)
{
	static const int not_ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_LEN(not_ours); i++)
		signal(not_ours[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The parent's files, which it cannot remove when it was killed: the socket's directory has nothing else. */
static void
remove_files(const struct sockaddr_un *a)
{
	char dir[sizeof(a->sun_path)];
	char *end;

	unlink(a->sun_path);
	memcpy(dir, a->sun_path, sizeof(dir));
	end = strrchr(dir, '/');
	if (end != NULL) {
		*end = '\0';
		rmdir(dir);
	}
}

/* Whoever starts it under this name by hand has no such socket for it. */
void
ws_proxy_run(void)
{
	struct sockaddr_un a = {0};
	socklen_t n = sizeof(a) - 1; /* what is behind it stays a NUL */

	if (getsockname(WS_PROXY_LISTENER, (struct sockaddr *)&a, &n) != 0 ||
	    a.sun_family != AF_UNIX || a.sun_path[0] != '/')
		return;
	ignore_signals();
	prctl(PR_SET_NAME, WS_PROXY_NAME);
	raise_limit();
	ws_proxy_serve(WS_PROXY_LISTENER, WS_PROXY_LINK);
	remove_files(&a);
}
