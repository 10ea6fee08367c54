/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy's process, as its parent sees it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "ws/ws_proxy_int.h"

enum { QUEUE = 4096 };

extern char **environ;

/* One for the whole process, whatever its brokers and sessions are. */
static struct {
	size_t holders;
	pid_t pid; /* 0: none */
	int link;  /* closed at the other end when the child is dead */
	char *dir, *path;
	pthread_mutex_t lock; /* of all that */
} proxy = {.link = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

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

/* Copies of the two, above those numbers that they get in the child: 3 and 4. */
static void
set_descriptors(posix_spawn_file_actions_t *actions, const int fds[static 2])
{
	int i;

	for (i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
	for (i = 0; i < 2; i++)
		posix_spawn_file_actions_adddup2(actions, fds[i], WS_PROXY_LISTENER + i);
	posix_spawn_file_actions_addclosefrom_np(actions, WS_PROXY_LISTENER + 2);
}

/* All of ours but what is this product's own, where secrets are; the child reads nothing of that but where its texts
 * are. (Free; the strings stay whose they are.) */
static char **
make_environment(void)
{
	static const char prefix[] = "IOT_", texts[] = "IOT_LOCALEDIR=";
	size_t i, n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + 1, sizeof(*env));
	for (i = n = 0; environ[i] != NULL; i++) {
		if (strncmp(environ[i], prefix, strlen(prefix)) != 0 ||
		    strncmp(environ[i], texts, strlen(texts)) == 0)
			env[n++] = environ[i];
	}
	return env;
}

/* This program once more, under another name. Not a fork alone: what other threads of ours hold at that moment, a lock
 * of the allocator or of OpenSSL, nobody would open again in the child. Signals wait until it does without them. */
static int
spawn(const int fds[static 2], pid_t *pid)
{
	char *const words[] = {(char[]){WS_PROXY_NAME}, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char **env = make_environment();
	sigset_t all;
	int failed;

	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	set_descriptors(&actions, fds);
	posix_spawnattr_setsigmask(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	failed = posix_spawn(pid, "/proc/self/exe", &actions, &attr, words, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(env);
	errno = failed;
	return failed ? -1 : 0;
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
start_child(int listener, int link)
{
	const int fds[] = {fcntl(listener, F_DUPFD_CLOEXEC, WS_PROXY_LISTENER + 2),
	    fcntl(link, F_DUPFD_CLOEXEC, WS_PROXY_LISTENER + 2)};
	int failed = fds[0] < 0 || fds[1] < 0 ? -1 : spawn(fds, &proxy.pid);
	const int number = errno;
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	errno = number;
	return failed;
}

static int
start(struct err *err)
{
	int ends[2] = {-1, -1}, listener;
	bool failed;

	if (make_dir(err))
		return -1;
	listener = listen_there(err);
	failed = listener < 0;
	if (!failed) {
		failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
		    start_child(listener, ends[1]) != 0;
		if (failed)
			err_sys(err, ERR_FAILED, _("cannot start the WebSocket relay"));
		close(listener);
	}
	proxy.link = ends[0];
	if (ends[1] >= 0)
		close(ends[1]);
	if (!failed)
		return 0;
	proxy.pid = 0;
	forget();
	return -1;
}

int
ws_proxy_hold(struct err *err)
{
	int failed;

	pthread_mutex_lock(&proxy.lock);
	failed = proxy.holders == 0 ? start(err) : 0;
	if (!failed)
		proxy.holders++;
	pthread_mutex_unlock(&proxy.lock);
	return failed;
}

void
ws_proxy_release(void)
{
	pthread_mutex_lock(&proxy.lock);
	if (--proxy.holders == 0)
		forget();
	pthread_mutex_unlock(&proxy.lock);
}

static bool
is_dead(void)
{
	struct pollfd p = {.fd = proxy.link, .events = POLLIN};

	return proxy.pid == 0 || poll(&p, 1, 0) != 0;
}

static int
start_again(struct err *err)
{
	log_warn(_("the WebSocket relay has ended: it is started again"));
	forget();
	return start(err);
}

char *
ws_proxy_path(struct err *err)
{
	char *path = NULL;

	pthread_mutex_lock(&proxy.lock);
	if (!is_dead() || start_again(err) == 0)
		path = xstrdup(proxy.path);
	pthread_mutex_unlock(&proxy.lock);
	return path;
}
