/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy's process, as its parent sees it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"
#include "loop/resolve.h"
#include "ws/ws_proxy_int.h"

enum { QUEUE = 4096, MOST_FILES = 131072 };

/* One for the whole process, whatever its brokers and sessions are. */
static struct {
	size_t holders;
	pid_t pid; /* 0: none */
	int link;  /* closed at the other end when the child is dead */
	char *dir, *path;
} proxy = {.link = -1};

static void
remove_files(void)
{
	unlink(proxy.path);
	rmdir(proxy.dir);
}

/* A name of its own, in a directory that nobody else may enter. */
static int
make_dir(struct err *err)
{
	const char *const roots[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(roots); i++) {
		if (roots[i] == NULL || roots[i][0] != '/')
			continue;
		proxy.dir = xasprintf("%s/iot-proxy.XXXXXX", roots[i]);
		proxy.path = xasprintf("%s/socket", proxy.dir);
		if (strlen(proxy.path) < sizeof(((struct sockaddr_un *)0)->sun_path) &&
		    mkdtemp(proxy.dir) != NULL) {
			free(proxy.path);
			proxy.path = xasprintf("%s/socket", proxy.dir);
			return 0;
		}
		free(proxy.path);
		free(proxy.dir);
		proxy.dir = proxy.path = NULL;
	}
	return err_sys(err, ERR_FAILED, _("cannot make a directory for WebSocket"));
}

static int
listen_there(struct err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", proxy.path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(fd, QUEUE) == 0)
		return fd;
	err_sys(err, ERR_FAILED, _("cannot listen on '%s'"), proxy.path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Nothing of the parent's stays open: a connection or a pipe of its would not end with it. */
static void
keep_only(int *listener, int *link)
{
	int null = open("/dev/null", O_RDWR);
	int a = fcntl(*listener, F_DUPFD, 10), b = fcntl(*link, F_DUPFD, 10);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	*listener = dup2(a, 3);
	*link = dup2(b, 4);
	close_range(5, ~0U, 0);
}

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
static _Noreturn void
be_child(pid_t parent, int listener, int link)
{
	static const int not_ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	size_t i;

	loop_unblock_signals();
	for (i = 0; i < ARRAY_LEN(not_ours); i++)
		signal(not_ours[i], SIG_IGN);
	prctl(PR_SET_NAME, "iot-relay");
	prctl(PR_SET_PDEATHSIG, SIGALRM);
	keep_only(&listener, &link);
	raise_limit();
	if (getppid() == parent)
		ws_proxy_serve(listener, link);
	remove_files();
	_exit(0);
}

static void
forget(void)
{
	if (proxy.pid > 0) {
		kill(proxy.pid, SIGKILL);
		waitpid(proxy.pid, NULL, 0);
	}
	if (proxy.link >= 0)
		close(proxy.link);
	if (proxy.dir != NULL)
		remove_files();
	free(proxy.path);
	free(proxy.dir);
	proxy.dir = proxy.path = NULL;
	proxy.pid = 0;
	proxy.link = -1;
}

static int
start(struct err *err)
{
	int ends[2] = {-1, -1}, listener = -1;
	pid_t parent = getpid();

	if (make_dir(err))
		return -1;
	listener = listen_there(err);
	if (listener >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		err_sys(err, ERR_FAILED, _("cannot start the WebSocket relay"));
	if (ends[0] >= 0) {
		proxy.link = ends[0];
		proxy.pid = fork();
		if (proxy.pid == 0)
			be_child(parent, listener, ends[1]);
		if (proxy.pid < 0)
			err_sys(err, ERR_FAILED, _("cannot start the WebSocket relay"));
		close(ends[1]);
	}
	if (listener >= 0)
		close(listener);
	if (proxy.pid > 0)
		return 0;
	proxy.pid = 0;
	forget();
	return -1;
}

int
ws_proxy_hold(struct err *err)
{
	if (proxy.holders == 0 && start(err))
		return -1;
	proxy.holders++;
	return 0;
}

void
ws_proxy_release(void)
{
	if (--proxy.holders == 0)
		forget();
}

static bool
is_dead(void)
{
	struct pollfd p = {.fd = proxy.link, .events = POLLIN};

	return proxy.pid == 0 || poll(&p, 1, 0) != 0;
}

/* The fork of a process whose other threads are inside the C library may inherit a lock that nobody
 * opens again. */
const char *
ws_proxy_path(struct err *err)
{
	if (!is_dead())
		return proxy.path;
	if (resolve_running() > 0) {
		err_set(
		    err, ERR_UNREACHABLE, _("the WebSocket relay is being restarted"));
		return NULL;
	}
	log_warn(_("the WebSocket relay has ended: it is started again"));
	forget();
	return start(err) == 0 ? proxy.path : NULL;
}
