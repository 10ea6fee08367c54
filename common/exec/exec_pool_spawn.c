/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "exec/exec_pool_int.h"

extern char **environ;

/* Those of `env` come first: a program takes the first it finds. */
static char **
make_environment(const struct strv *own)
{
	size_t i, n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + own->n + 1, sizeof(*env));
	for (i = 0; i < own->n; i++)
		env[i] = own->v[i];
	memcpy(env + i, environ, n * sizeof(*env));
	return env;
}

static int
spawn(const char *path, char **argv, char **env, const int *ends, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int failed;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	failed = posix_spawn(pid, path, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static void
close_pair(const int *pair)
{
	close(pair[0]);
	close(pair[1]);
}

int
exec_pool_spawn(
    const char *path, char **argv, const struct strv *env, int *in, int *out, pid_t *pid)
{
	int to[2], from[2];
	char **all;
	int failed;

	if (pipe2(to, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(from, O_CLOEXEC) != 0) {
		close_pair(to);
		return -1;
	}
	all = make_environment(env);
	failed = spawn(path, argv, all, (const int[]){to[0], from[1]}, pid);
	free(all);
	if (failed) {
		close_pair(to);
		close_pair(from);
		*pid = 0;
		errno = failed;
		return -1;
	}
	close(to[0]);
	close(from[1]);
	*in = to[1];
	*out = from[0];
	fcntl(*in, F_SETFL, O_NONBLOCK);
	fcntl(*out, F_SETFL, O_NONBLOCK);
	return 0;
}
