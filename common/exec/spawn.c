/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

extern char **environ;

static const struct policy {
	bool own_group;
	bool api_secrets, other_secrets; /* which of them it may have */
} policies[] = {
    [SPAWN_HANDLER] = {.own_group = true},
    [SPAWN_PAGER] = {.own_group = false},
    [SPAWN_IOTCTL] = {.api_secrets = true},
    [SPAWN_COMMAND] = {.api_secrets = true, .other_secrets = true},
};

/* Variables that hold a secret or name the file that does; the first that fits counts. */
static const struct secret {
	const char *pattern; /* of fnmatch(3) */
	bool api;            /* the REST API wants it; else MQTT or EMQX's own API */
	bool with_login;     /* a URL: secret when it holds a login */
} secrets[] = {
    {.pattern = "IOT_TOKEN*", .api = true},
    {.pattern = "IOT_PASSWORD*", .api = true},
    {.pattern = "IOT_*PASSWORD*"},
    {.pattern = "IOT_*SECRET*"},
    {.pattern = "IOT_*KEY*"},
    {.pattern = "IOT_CREDENTIALS"},
    {.pattern = "IOT_MQTT_URL", .with_login = true},
};

static const struct secret *
find_secret(const char *variable)
{
	char *name = xstrndup(variable, strcspn(variable, "="));
	const struct secret *found = NULL;
	size_t i;

	for (i = 0; found == NULL && i < ARRAY_LEN(secrets); i++) {
		if (fnmatch(secrets[i].pattern, name, 0) == 0)
			found = &secrets[i];
	}
	free(name);
	return found;
}

static bool
may_have(const struct policy *p, const char *variable)
{
	const struct secret *s = find_secret(variable);

	if (s == NULL || (s->with_login && strchr(variable, '@') == NULL))
		return true;
	return s->api ? p->api_secrets : p->other_secrets;
}

static bool
is_replaced(const struct strv *by, const char *variable)
{
	size_t name = strcspn(variable, "=") + 1;
	size_t i;

	for (i = 0; by != NULL && i < by->n; i++) {
		if (strncmp(by->v[i], variable, name) == 0)
			return true;
	}
	return false;
}

/* No name twice: of two, some programs take the first and shells the last. (Free; the strings stay
 * whose they are.) */
static char **
make_environment(const struct spawn *s)
{
	size_t own = s->env != NULL ? s->env->n : 0;
	size_t i, n = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + own + 1, sizeof(*env));
	for (n = 0; n < own; n++)
		env[n] = s->env->v[n];
	for (i = 0; environ[i] != NULL; i++) {
		if (may_have(&policies[s->role], environ[i]) &&
		    !is_replaced(s->env, environ[i]))
			env[n++] = environ[i];
	}
	return env;
}

static void
set_descriptors(posix_spawn_file_actions_t *actions, const struct spawn *s)
{
	if (s->in >= 0)
		posix_spawn_file_actions_adddup2(actions, s->in, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(
		    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(actions, s->out, STDOUT_FILENO);
	/* Not each of ours closes on exec: libmosquitto's socket pairs do not. */
	posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

static void
set_attributes(posix_spawnattr_t *attr, const struct spawn *s)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	if (policies[s->role].own_group) {
		posix_spawnattr_setpgroup(attr, 0);
		flags |= POSIX_SPAWN_SETPGROUP;
	}
	posix_spawnattr_setflags(attr, flags);
}

int
spawn_start(const struct spawn *s, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char **env = make_environment(s);
	int failed;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	set_descriptors(&actions, s);
	set_attributes(&attr, s);
	failed = s->path != NULL
	    ? posix_spawn(pid, s->path, &actions, &attr, s->words, env)
	    : posix_spawnp(pid, s->words[0], &actions, &attr, s->words, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(env);
	errno = failed;
	return failed ? -1 : 0;
}

/* errno says why not. */
static bool
is_program(const char *path)
{
	struct stat s;

	if (access(path, X_OK) != 0 || stat(path, &s) != 0)
		return false;
	errno = EISDIR;
	return S_ISREG(s.st_mode);
}

static int
not_found(const char *name, struct err *err)
{
	/* Somebody who is used to give a command in one string learns how it is done here. */
	if (strpbrk(name, " \t") != NULL)
		return err_set(err, ERR_USAGE,
		    _("cannot run '%s': there is no such program; its arguments "
		      "are words of their own, without quotes around it all"),
		    name);
	return err_set(
	    err, ERR_USAGE, _("cannot run '%s': there is no such program"), name);
}

static char *
search_path(const char *name)
{
	const char *list = getenv("PATH");
	struct strv dirs = {0};
	char *path = NULL;
	size_t i;

	strv_split(&dirs, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin", ':');
	for (i = 0; path == NULL && i < dirs.n; i++) {
		path = xasprintf("%s/%s", dirs.v[i], name);
		if (!is_program(path)) {
			free(path);
			path = NULL;
		}
	}
	strv_release(&dirs);
	return path;
}

int
spawn_find(const char *name, char **path, struct err *err)
{
	if (name[0] == '\0')
		return err_set(err, ERR_USAGE, _("the command is empty"));
	if (strchr(name, '/') == NULL) {
		*path = search_path(name);
		return *path != NULL ? 0 : not_found(name, err);
	}
	if (!is_program(name))
		return errno == ENOENT
		    ? not_found(name, err)
		    : err_sys(err, ERR_USAGE, _("cannot run '%s'"), name);
	*path = xstrdup(name);
	return 0;
}

static void
forget(struct spawn_child *c)
{
	loop_fd_stop(&c->watch);
	if (c->pid_fd >= 0)
		close(c->pid_fd);
	*c = (struct spawn_child){0};
}

static void
on_exit_of(void *arg, unsigned events)
{
	struct spawn_child *c = arg;
	void (*ended)(void *, const siginfo_t *) = c->ended;
	void *ended_arg = c->arg;
	siginfo_t info = {0};

	(void)events;
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0)
		return;
	forget(c);
	ended(ended_arg, &info);
}

int
spawn_child_start(struct spawn_child *c, const struct spawn *s, struct loop *loop,
    void (*ended)(void *arg, const siginfo_t *info), void *arg)
{
	struct err why = {0};
	int reason;

	*c = (struct spawn_child){.ended = ended, .arg = arg};
	if (spawn_start(s, &c->pid)) {
		c->pid = 0;
		return -1;
	}
	c->pid_fd = pidfd_open(c->pid, 0);
	if (c->pid_fd >= 0 &&
	    loop_fd_start(loop, &c->watch, c->pid_fd, LOOP_READ, on_exit_of, c, &why) ==
		0)
		return 0;
	reason = errno;
	spawn_child_kill(c);
	errno = reason;
	return -1;
}

void
spawn_child_signal(const struct spawn_child *c, int signo)
{
	if (c->pid != 0)
		kill(-c->pid, signo);
}

void
spawn_child_kill(struct spawn_child *c)
{
	if (c->pid == 0)
		return;
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	forget(c);
}
